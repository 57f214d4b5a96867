"""Flows that others recorded (Suricata, Zeek, NetFlow, IPFIX) as rows of ``flows``."""

import ipaddress
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pyarrow as pa

from minewatch.schema.network_tables import FLOWS
from minewatch.schema.reasons import reason
from minewatch.sources.batch import Batch, Reject, batch_schema
from minewatch.sources.captures.flow_id import flow_id
from minewatch.sources.captures.names import NameSeen

ALERT_DIALECT = "ids_alert"
"""Dialect of a flow of which only an intrusion detector's alert tells."""

MOST_NAMES = 8
"""Names kept of one flow."""

_SCHEMA = batch_schema(FLOWS)
_LONGEST_NAME = 253
_MOST_VLAN = 4095
_COMMON_NAME = re.compile(r"(?:^|[,/+;])\s*CN\s*=\s*([^,/+;]+)", re.IGNORECASE)
_PROTOCOLS = {"tcp": 6, "udp": 17, "icmp": 1, "ipv6-icmp": 58, "icmp6": 58, "sctp": 132}


class UnreadableField(Exception):  # noqa: N818  (the reader turns it into a Reject)
    """A record lacks a field or holds a value that is none; becomes a ``Reject``."""

    def __init__(self, name: str, value: object, kind: str | None = None) -> None:
        super().__init__(name)
        self.name, self.value, self.kind = name, value, kind

    def reject(self, line: int, row: Mapping[str, Any] | None) -> Reject:
        """Return what is put aside for ``line``."""
        why = reason("log_field_missing", field=self.name)
        if self.kind is not None:
            why = reason("log_field_unreadable", field=self.name, kind=self.kind)
        texts = None if row is None else {key: None if v is None else str(v) for key, v in row.items()}
        value = None if self.value is None else str(self.value)
        return Reject(line, why, self.name, value, texts)


@dataclass
class LogFlow:
    """One recorded flow. Times are microseconds since 1970; counts may be unknown (None)."""

    line: int
    src: tuple[str, int]
    dst: tuple[str, int]
    protocol: int
    span_us: tuple[int, int]
    packets: tuple[int | None, int | None] = (None, None)
    bytes: tuple[int | None, int | None] = (None, None)
    vlan: int | None = None
    opening_seen: bool | None = None
    names: Sequence[NameSeen] = ()
    alerts: Sequence[str] = field(default=())
    rows: int = 1

    def as_row(self, capture: str) -> dict[str, Any]:
        """Return the flow as a row of ``flows`` with its line."""
        ends = {
            "src_ip": self.src[0],
            "src_port": self.src[1],
            "dst_ip": self.dst[0],
            "dst_port": self.dst[1],
        }
        return {
            "flow_id": flow_id(capture, *ends.values(), self.protocol, self.span_us[0]),
            "capture": capture,
            **ends,
            "protocol": self.protocol,
            "vlan": self.vlan,
            "opening_seen": self.opening_seen,
            "first_at": self.span_us[0],
            "last_at": max(self.span_us),
            "src_packets": self.packets[0],
            "dst_packets": self.packets[1],
            "src_bytes": self.bytes[0],
            "dst_bytes": self.bytes[1],
            "names": [{"kind": kind, "name": name} for kind, name in self.names] or None,
            "dialect": ALERT_DIALECT if self.alerts else None,
            "evidence_lines": list(self.alerts) or None,
            "source_line": self.line,
            "source_rows": self.rows,
        }


def json_record(text: str) -> dict[str, Any] | None:
    """Return the JSON object that a line holds, None where it holds none; half characters are replaced."""
    try:
        value = json.loads(text)
        if "\\u" in text:  # may name half of a pair, which no table can hold
            value = json.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def vlan(number: object) -> int | None:
    """Return the number of a VLAN; None where it is none."""
    return number if type(number) is int and 0 <= number <= _MOST_VLAN else None


def oriented(flow: LogFlow) -> LogFlow:
    """Return a flow of which one direction was recorded with the side that opened it as its source.

    By the ports, as in captures: a registered port calls no ephemeral one.
    """
    source, target = flow.src[1], flow.dst[1]
    is_answer = source < 1024 <= target or (flow.protocol == 6 and source < 32768 <= target)
    one_way = flow.packets[1] is None and flow.bytes[1] is None
    if not (one_way and is_answer):
        return flow
    packets, size = flow.packets[0], flow.bytes[0]
    return replace(flow, src=flow.dst, dst=flow.src, packets=(None, packets), bytes=(None, size))


def note_name(names: list[NameSeen], kind: str, name: object) -> None:
    """Add a name in lower case to those of a flow, where it is one and new; see ``MOST_NAMES``."""
    if isinstance(name, str) and name and len(names) < MOST_NAMES:
        item = (kind, name.lower()[:_LONGEST_NAME])
        if item not in names:
            names.append(item)


def common_names(subject: object) -> list[str]:
    """Return the common names in a certificate's subject written as text, as ``C=CN, CN=pool.example``."""
    return [name.strip() for name in _COMMON_NAME.findall(subject)] if isinstance(subject, str) else []


def flows_batch(
    capture: str, flows: Sequence[LogFlow], rejected: Sequence[Reject] = (), bytes_done: int = 0
) -> Batch:
    """Return recorded flows as a batch for ``flows``."""
    rows = pa.Table.from_pylist([flow.as_row(capture) for flow in flows], schema=_SCHEMA)
    return Batch("flows", rows, list(rejected), bytes_done)


def address(record: Mapping[str, Any], name: str) -> str:
    """Return an IP address of a record in its usual form. Raises UnreadableField."""
    value = _present(record, name)
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise UnreadableField(name, value, "an IP address") from None


def whole(record: Mapping[str, Any], name: str, default: int | None = None) -> int:
    """Return a number of 0 or more; ``default`` where the field is missing. Raises UnreadableField."""
    value = record.get(name)
    if value is None and default is not None:
        return default
    value = _present(record, name)
    try:
        number = int(value)
    except (TypeError, ValueError):
        number = -1
    if isinstance(value, bool) or not 0 <= number < 1 << 63:
        raise UnreadableField(name, value, "a whole number")
    return number


def port(record: Mapping[str, Any], name: str) -> int:
    """Return a port, 0 where the protocol has none. Raises UnreadableField."""
    number = whole(record, name, 0)
    if number > 0xFFFF:
        raise UnreadableField(name, number, "a port")
    return number


def protocol(record: Mapping[str, Any], name: str) -> int:
    """Return the IANA number of a protocol given by name or number. Raises UnreadableField."""
    value = str(_present(record, name)).lower()
    number = _PROTOCOLS.get(value, int(value) if value.isdecimal() else -1)
    if not 0 <= number <= 255:
        raise UnreadableField(name, value, "a protocol")
    return number


def instant_us(record: Mapping[str, Any], name: str) -> int:
    """Return microseconds since 1970 from ISO 8601 with offset, or seconds. Raises UnreadableField."""
    value = _present(record, name)
    try:
        if isinstance(value, str) and not value.replace(".", "", 1).isdecimal():
            at = datetime.fromisoformat(value)
            at = at if at.tzinfo else at.replace(tzinfo=UTC)
            return round(at.timestamp() * 1_000_000)
        whole_part, _, fraction = str(value).partition(".")
        micro = int((fraction + "000000")[:6]) if "e" not in fraction else 0
        seconds = int(whole_part)
    except (ValueError, OverflowError):
        raise UnreadableField(name, value, "a time") from None
    if not 0 <= seconds < 1 << 33:
        raise UnreadableField(name, value, "a time")
    return seconds * 1_000_000 + micro


def _present(record: Mapping[str, Any], name: str) -> Any:
    value = record.get(name)
    if value is None or value == "":
        raise UnreadableField(name, None)
    return value
