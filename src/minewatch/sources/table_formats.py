"""Formats of readings that are no table: how they are told by their first bytes."""

from collections.abc import Iterator
from pathlib import Path

from minewatch.sources.batch import Batch
from minewatch.sources.options import ReadOptions


def is_espi(head: bytes, path: Path) -> bool:
    """Tell Green Button XML by its namespace."""
    _ = path
    return head.lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"<") and b"naesb.org/espi" in head


def read_espi(path: Path, options: ReadOptions) -> Iterator[Batch]:
    """Read Green Button XML; see ``minewatch.sources.espi``."""
    from minewatch.sources import espi

    return espi.read_espi(path, options)
