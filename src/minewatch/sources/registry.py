"""The formats that are told by their first bytes; tables (CSV, XLSX, Parquet) are told by their header."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from minewatch.sources.network_formats import is_pcap, is_pcapng, read_capture
from minewatch.sources.options import Reader

HEAD_BYTES = 65_536
"""How much of a file ``Format.sniff`` gets."""


@dataclass(frozen=True)
class Format:
    """One file format.

    ``sniff(head, path)`` tells from the first ``HEAD_BYTES`` bytes (the name is a hint only) whether the
    file is of this format; it must be cheap and import nothing heavy. ``read`` imports its libraries when
    called. ``table`` is where its rows go, None where the file decides.
    """

    name: str
    version: str
    table: str | None
    sniff: Callable[[bytes, Path], bool]
    read: Reader


FORMATS: tuple[Format, ...] = (
    Format("pcap", "1", "flows", is_pcap, read_capture),
    Format("pcapng", "1", "flows", is_pcapng, read_capture),
)
"""In the order they are asked; the first that says yes takes the file."""
