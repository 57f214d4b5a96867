"""The formats that are told by their first bytes; tables (CSV, XLSX, Parquet) are told by their header."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from minewatch.sources import network_readers as readers
from minewatch.sources import network_signatures as network
from minewatch.sources.options import Reader
from minewatch.sources.table_formats import is_espi, read_espi

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
    Format("espi", "1", "interval_readings", is_espi, read_espi),
    Format("nat_log", "1", "ip_leases", readers.is_nat_log, readers.read_nat_log),
    Format("netflow_capture", "1", "flows", network.is_export_capture, readers.read_exports),
    Format("pcap", "1", "flows", network.is_pcap, readers.read_capture),
    Format("pcapng", "1", "flows", network.is_pcapng, readers.read_capture),
    Format("roll", "1", None, network.is_roll, readers.read_roll),
    Format("eve", "1", "flows", network.is_eve, readers.read_eve),
    Format("zeek", "1", "flows", network.is_zeek, readers.read_zeek),
    Format("netflow", "1", "flows", network.is_netflow, readers.read_exports),
    Format("ipfix", "1", "flows", network.is_ipfix, readers.read_exports),
    Format("pool_list", "1", "pool_endpoints", readers.is_pool_list, readers.read_pool_list),
)
"""In the order they are asked; the first that says yes takes the file."""
