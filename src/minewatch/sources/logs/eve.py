"""Suricata's EVE JSON lines to rows of ``flows``.

Flow events give the flows; tls, quic, http, dns and alert events that came before them give names, also those
in certificates, and alerts, found by Suricata's ``flow_id``. Source: https://docs.suricata.io/en/latest/output/eve/eve-json-format.html.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minewatch.schema.reasons import reason
from minewatch.sources.batch import Batch, Reject
from minewatch.sources.captures.names import DnsNames, NameSeen
from minewatch.sources.logs.log_flows import (
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

_MOST_OPEN = 200_000
_MINING_ALERT = re.compile(r"(?i)coin ?min|crypto ?currency|stratum|monero|xmrig|getwork|blocktemplate")


def read_eve(path: Path, options: ReadOptions) -> Iterator[Batch]:
    """Yield the flows of an EVE file; of those open at its end, the ones with an alert of mining."""
    reading = _Reading(path.name)
    for line in lines_of(path):
        reading.take(line)
        if len(reading.flows) + len(reading.rejected) >= options.batch_rows:
            yield reading.batch(line.end_at)
    reading.close()
    last = reading.batch(path.stat().st_size)
    notes = [*reading.notes, reason("log_other_events", events=reading.others)]
    yield Batch(last.table, last.rows, last.rejected, last.bytes_done, notes)


@dataclass
class _Open:
    """What was told of a flow that is not finished yet."""

    event: Mapping[str, Any]
    line: int
    names: list[NameSeen] = field(default_factory=list)
    alerts: list[str] = field(default_factory=list)


class _Reading:
    def __init__(self, capture: str) -> None:
        self.capture = capture
        self.flows: list[LogFlow] = []
        self.rejected: list[Reject] = []
        self.notes: list[Any] = []
        self.others = 0
        self._open: dict[object, _Open] = {}
        self._dns = DnsNames()

    def take(self, line: Line) -> None:
        event = json_record(line.text)
        if event is None:
            if not line.is_whole:
                self.notes.append(reason("log_line_cut"))
            elif line.text.strip():
                self.rejected.append(Reject(line.number, reason("log_not_json"), None, line.text[:200]))
            return
        kind = event.get("event_type")
        try:
            if kind == "flow":
                self.flows.append(self._flow(event, line.number))
            else:
                self.others += 1
                self._note(str(kind), event, line.number)
        except UnreadableField as error:
            if kind == "flow":
                self.rejected.append(error.reject(line.number, event))

    def batch(self, bytes_done: int) -> Batch:
        result = flows_batch(self.capture, self.flows, self.rejected, bytes_done)
        self.flows, self.rejected = [], []
        return result

    def close(self) -> None:
        for known in self._open.values():
            if known.alerts:
                try:
                    at = instant_us(known.event, "timestamp")
                    self.flows.append(self._built(known.event, known.line, (at, at), known))
                except UnreadableField as error:
                    self.rejected.append(error.reject(known.line, known.event))

    def _flow(self, event: Mapping[str, Any], line: int) -> LogFlow:
        flow = event.get("flow")
        if not isinstance(flow, dict):
            raise UnreadableField("flow", None)
        span = (instant_us(flow, "start"), instant_us(flow, "end"))
        known = self._open.pop(str(event.get("flow_id")), None) or _Open(event, line)
        return self._built(event, line, span, known)

    def _built(self, event: Mapping[str, Any], line: int, span_us: tuple[int, int], known: _Open) -> LogFlow:
        counts = event["flow"] if isinstance(event.get("flow"), dict) else {}
        src, dst = address(event, "src_ip"), address(event, "dest_ip")
        tags = event.get("vlan")
        return LogFlow(
            line,
            (src, port(event, "src_port")),
            (dst, port(event, "dest_port")),
            protocol(event, "proto"),
            span_us,
            (whole(counts, "pkts_toserver", 0), whole(counts, "pkts_toclient", 0)),
            (whole(counts, "bytes_toserver", 0), whole(counts, "bytes_toclient", 0)),
            vlan(tags[0]) if isinstance(tags, list) and tags else None,
            None,
            [*known.names, *self._dns.of(src, dst, span_us[0])],
            known.alerts,
        )

    def _note(self, kind: str, event: Mapping[str, Any], line: int) -> None:
        about = event.get(kind)
        if not isinstance(about, dict):
            return
        if kind == "dns":
            self._note_answers(event, about)
        elif kind in ("tls", "quic", "http"):
            names = self._known(event, line).names
            note_name(names, "host", about.get("hostname"))
            note_name(names, "sni", about.get("sni"))
            for name in _certificate_names(about):
                note_name(names, "certificate", name)
        elif kind == "alert":
            signature = str(about.get("signature", ""))
            if _MINING_ALERT.search(f"{signature} {about.get('category', '')}"):
                known = self._known(event, line)
                if signature not in known.alerts and len(known.alerts) < 12:
                    known.alerts.append(signature[:320])

    def _note_answers(self, event: Mapping[str, Any], about: Mapping[str, Any]) -> None:
        name, queries = about.get("rrname"), about.get("queries")
        if name is None and isinstance(queries, list) and queries and isinstance(queries[0], dict):
            name = queries[0].get("rrname")
        if not isinstance(name, str):
            return
        # the client is who opened the flow; in answers of older versions it is the destination
        client = address(event, "dest_ip" if event.get("src_port") == 53 else "src_ip")
        for answer in _answers(about):
            self._dns.add(client, address(answer, "rdata"), instant_us(event, "timestamp"), name.lower())

    def _known(self, event: Mapping[str, Any], line: int) -> _Open:
        number = str(event.get("flow_id"))
        if number not in self._open:
            if len(self._open) >= _MOST_OPEN:
                self._open.pop(next(iter(self._open)))
            self._open[number] = _Open(event, line)
        return self._open[number]


def _answers(about: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    """Yield the addresses of a DNS event, as records with ``rdata``; from both forms that Suricata writes."""
    answers, grouped = about.get("answers"), about.get("grouped")
    for answer in answers if isinstance(answers, list) else ():
        if isinstance(answer, dict) and answer.get("rrtype") in ("A", "AAAA"):
            yield answer
    if not isinstance(grouped, dict) or answers:
        return
    for of_kind in (grouped.get("A"), grouped.get("AAAA")):
        yield from ({"rdata": each} for each in (of_kind if isinstance(of_kind, list) else ()))


def _certificate_names(about: Mapping[str, Any]) -> list[str]:
    """Return the names in the server's certificate: its subject's and the alternative ones."""
    others = about.get("subjectaltname")
    return [*common_names(about.get("subject")), *(others if isinstance(others, list) else ())]
