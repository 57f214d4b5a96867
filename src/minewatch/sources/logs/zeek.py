"""Zeek logs to rows of ``flows``: conn.log gives the flows, ssl, x509, quic, http and dns logs the names.

Both forms are read: tab-separated with ``#fields``, and JSON lines. The companions are found by name: next to
``conn.log`` lies ``ssl.log``, next to ``conn.2026-05-11.log`` lies ``ssl.2026-05-11.log``.
Source: https://docs.zeek.org/en/master/log-formats.html and /logs/conn.html.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from minewatch.schema.reasons import Reason, reason
from minewatch.sources.batch import Batch, Reject
from minewatch.sources.captures.names import DnsNames, NameSeen
from minewatch.sources.logs.log_flows import (
    MOST_NAMES,
    LogFlow,
    UnreadableField,
    address,
    common_names,
    flows_batch,
    instant_us,
    json_record,
    note_name,
    port,
    protocol,
    vlan,
    whole,
)
from minewatch.sources.options import ReadOptions
from minewatch.sources.text_lines import Line, lines_of

_MOST_NAMES = 2_000_000
_ESCAPED = re.compile(r"\\x([0-9a-fA-F]{2})")
_COMPANIONS = ("x509", "ssl", "quic", "http", "dns")
"""In the order in which they are read: a certificate is known before the connection that shows it."""

_CERTIFICATE_IDS = ("fingerprint", "id")
_CHAINS = ("cert_chain_fps", "cert_chain_fuids")
"""How ssl.log names the certificates of x509.log: by fingerprint since Zeek 5, by file before."""


class Record(NamedTuple):
    """A line of a log: its fields, or why it is none."""

    line: Line
    fields: Mapping[str, Any] | None
    problem: Reason | None = None


def read_zeek(path: Path, options: ReadOptions) -> Iterator[Batch]:
    """Yield the flows of a conn log; of another log a note only."""
    names: _Names | None = None
    flows: list[LogFlow] = []
    rejected: list[Reject] = []
    notes: list[Reason] = []
    others = 0
    for record in records_of(path):
        if record.fields is None:
            _put_aside(record, rejected, notes)
        elif "conn_state" not in record.fields and "orig_bytes" not in record.fields:
            others += 1
        else:
            names = names or _Names(path)
            try:
                flows.append(_flow(record.fields, record.line.number, names))
            except UnreadableField as error:
                rejected.append(error.reject(record.line.number, record.fields))
        if len(flows) + len(rejected) >= options.batch_rows:
            yield flows_batch(path.name, flows, rejected, record.line.end_at)
            flows, rejected = [], []
    if others:
        notes.append(reason("log_names_only", lines=others))
    last = flows_batch(path.name, flows, rejected, path.stat().st_size)
    yield Batch(last.table, last.rows, last.rejected, last.bytes_done, notes)


def records_of(path: Path) -> Iterator[Record]:
    """Yield the records of a Zeek log, in either form; unset fields are None."""
    form = _Form()
    for line in lines_of(path):
        if line.text.startswith("#"):
            form.take(line.text)
        elif line.text.startswith("{"):
            yield _json_record(line)
        elif line.text:
            yield form.record(line)


class _Form:
    """The header of a tab-separated log."""

    def __init__(self) -> None:
        self.separator, self.unset, self.empty = "\t", "-", "(empty)"
        self.fields: list[str] = []

    def take(self, text: str) -> None:
        if text.startswith("#separator "):
            self.separator = _unescaped(text.removeprefix("#separator "))
            return
        key, _, rest = text.partition(self.separator)
        if key == "#unset_field":
            self.unset = rest
        elif key == "#empty_field":
            self.empty = rest
        elif key == "#fields":
            self.fields = rest.split(self.separator)

    def record(self, line: Line) -> Record:
        if not self.fields:
            return Record(line, None, reason("log_header_missing"))
        values = line.text.split(self.separator)
        if len(values) != len(self.fields):
            return Record(line, None, reason("log_fields_count", found=len(values), wanted=len(self.fields)))
        fields = {
            name: None if value == self.unset else "" if value == self.empty else value
            for name, value in zip(self.fields, values, strict=True)
        }
        return Record(line, fields)


def _unescaped(text: str) -> str:
    """Return a separator whose odd characters are written as backslash, x and two hexadecimal digits."""
    return _ESCAPED.sub(lambda match: chr(int(match[1], 16)), text) or "\t"


def _json_record(line: Line) -> Record:
    value = json_record(line.text)
    return Record(line, value) if value is not None else Record(line, None, reason("log_not_json"))


def _put_aside(record: Record, rejected: list[Reject], notes: list[Reason]) -> None:
    if not record.line.is_whole:
        notes.append(reason("log_line_cut"))
    elif record.problem is not None:
        rejected.append(Reject(record.line.number, record.problem, None, record.line.text[:200]))


def _flow(fields: Mapping[str, Any], line: int, names: "_Names") -> LogFlow:
    src, dst = address(fields, "id.orig_h"), address(fields, "id.resp_h")
    first_us = instant_us(fields, "ts")
    lasts_us = 0 if fields.get("duration") is None else instant_us(fields, "duration")
    tcp = fields.get("proto") == "tcp"
    return LogFlow(
        line,
        (src, port(fields, "id.orig_p")),
        (dst, port(fields, "id.resp_p")),
        protocol(fields, "proto"),
        (first_us, first_us + lasts_us),
        (_count(fields, "orig_pkts"), _count(fields, "resp_pkts")),
        (_count(fields, "orig_ip_bytes", "orig_bytes"), _count(fields, "resp_ip_bytes", "resp_bytes")),
        vlan(_count(fields, "vlan")),
        "S" in str(fields.get("history") or "").upper() if tcp else None,
        [*names.of_flow(str(fields.get("uid"))), *names.dns.of(src, dst, first_us)],
    )


def _count(fields: Mapping[str, Any], *columns: str) -> int | None:
    for name in columns:
        if fields.get(name) is not None:
            return whole(fields, name)
    return None


class _Names:
    """Names from the logs beside a conn log, by uid; DNS answers by who asked."""

    def __init__(self, conn: Path) -> None:
        self.dns = DnsNames()
        self._of: dict[str, list[NameSeen]] = {}
        self._certificates: dict[str, list[str]] = {}
        for kind in _COMPANIONS:
            companion = conn.with_name(conn.name.replace("conn", kind, 1))
            if "conn" in conn.name and companion.is_file():
                for record in records_of(companion):
                    if record.fields is not None:
                        self._take(kind, record.fields)

    def of_flow(self, uid: str) -> list[NameSeen]:
        """Return the names seen in the flow ``uid``."""
        return self._of.get(uid, [])

    def _take(self, kind: str, fields: Mapping[str, Any]) -> None:
        if kind == "dns":
            self._take_answers(fields)
        elif kind == "x509":
            self._take_certificate(fields)
        elif len(self._of) < _MOST_NAMES and (found := list(self._found(fields))):
            names = self._of.setdefault(str(fields.get("uid")), [])
            for item in found:
                note_name(names, *item)

    def _found(self, fields: Mapping[str, Any]) -> Iterator[NameSeen]:
        for kind, column in (("sni", "server_name"), ("host", "host")):
            if fields.get(column):
                yield kind, str(fields[column])
        chain = [each for column in _CHAINS for each in _items(fields.get(column))[:1]]
        known = [name for each in chain for name in self._certificates.get(each, ())]
        for name in (*common_names(fields.get("subject")), *known):
            yield "certificate", name

    def _take_certificate(self, fields: Mapping[str, Any]) -> None:
        names = [*common_names(fields.get("certificate.subject")), *_items(fields.get("san.dns"))]
        for column in _CERTIFICATE_IDS if len(self._certificates) < _MOST_NAMES else ():
            if isinstance(fields.get(column), str) and names:
                self._certificates[fields[column]] = names[:MOST_NAMES]

    def _take_answers(self, fields: Mapping[str, Any]) -> None:
        name, answers = fields.get("query"), _items(fields.get("answers"))
        if not isinstance(name, str):
            return
        try:
            client, at = address(fields, "id.orig_h"), instant_us(fields, "ts")
        except UnreadableField:
            return
        for answer in answers:
            self.dns.add(client, answer, at, name.lower())


def _items(value: object) -> list[str]:
    """Return the members of a set or vector, in either form of the logs."""
    if isinstance(value, str):
        return value.split(",")
    return [str(each) for each in value] if isinstance(value, list) else []
