"""The readers of network files, imported when called."""

from collections.abc import Iterator
from io import FileIO
from pathlib import Path

from minewatch.sources.batch import Batch
from minewatch.sources.network_signatures import is_export_capture, is_ipfix, is_netflow
from minewatch.sources.options import ReadOptions


def read_capture(path: Path, options: ReadOptions) -> Iterator[Batch]:
    """Read pcap or pcapng; see ``minewatch.sources.captures.captures``."""
    from minewatch.sources.captures import captures

    return captures.read_capture(path, options)


def read_piped_capture(pipe: FileIO, head: bytes, path: Path, options: ReadOptions) -> Iterator[Batch]:
    """Read pcap or pcapng as it comes from a pipe that ``path`` names and of which ``head`` was read."""
    from minewatch.sources.captures import captures

    return captures.read_stream(pipe, path, options, head)


def read_eve(path: Path, options: ReadOptions) -> Iterator[Batch]:
    """Read Suricata EVE JSON lines; see ``minewatch.sources.logs.eve``."""
    from minewatch.sources.logs import eve

    return eve.read_eve(path, options)


def read_zeek(path: Path, options: ReadOptions) -> Iterator[Batch]:
    """Read a Zeek log; see ``minewatch.sources.logs.zeek``."""
    from minewatch.sources.logs import zeek

    return zeek.read_zeek(path, options)


def read_exports(path: Path, options: ReadOptions) -> Iterator[Batch]:
    """Read NetFlow or IPFIX export packets; see ``minewatch.sources.logs.ipfix``."""
    from minewatch.sources.logs import ipfix

    return ipfix.read_exports(path, options)


_NAT_EVENT, _OUTER_ADDRESS = b"\x00\xe6\x00\x01", (b"\x00\xe1\x00\x04", b"\x01\x19\x00\x10")
"""Fields of a template: natEvent (230), and the outer address (225 of IPv4, 281 of IPv6)."""


def is_nat_log(head: bytes, path: Path) -> bool:
    """Tell exports with a template of events of address translation (RFC 8158)."""
    exported = is_netflow(head, path) or is_ipfix(head, path) or is_export_capture(head, path)
    return exported and _NAT_EVENT in head and any(field in head for field in _OUTER_ADDRESS)


def read_nat_log(path: Path, options: ReadOptions) -> Iterator[Batch]:
    """Read a log of address translation; see ``minewatch.sources.logs.nat_events``."""
    from minewatch.sources.logs import nat_events

    return nat_events.read_nat_log(path, options)


def read_roll(path: Path, options: ReadOptions) -> Iterator[Batch]:
    """Read what a sensor wrote; see ``minewatch.sources.captures.rolls``."""
    from minewatch.sources.captures import rolls

    return rolls.read_roll(path, options)


def read_pool_list(path: Path, options: ReadOptions) -> Iterator[Batch]:
    """Read a plain list of mining pools; see ``minewatch.sources.logs.pool_lists``."""
    from minewatch.sources.logs import pool_lists

    return pool_lists.read_pool_list(path, options)


def is_pool_list(head: bytes, path: Path) -> bool:
    """Tell a plain list of mining pools; see ``minewatch.sources.logs.pool_lists``."""
    if not head.startswith(b"#"):
        return False
    from minewatch.sources.logs import pool_lists

    return pool_lists.is_pool_list(head, path)
