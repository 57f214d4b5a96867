"""One finding with everything that belongs to it, joined from the tables; masked on request."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from minewatch.runs.report.data import Curve, Pair, ReportData, Row, Subject, Timing
from minewatch.runs.report.foreign_text import each_text, mask_name, mask_traces, visible
from minewatch.schema.columns import DataClass, data_class_of
from minewatch.schema.evidence import SubjectKind
from minewatch.schema.tables import TABLES

_HIDDEN = {DataClass.PERSONAL, DataClass.SENSITIVE}
_SORTS = {"kind", "from_kind", "to_kind", "code"}
"""Fields inside lists that name a kind of thing, never a person."""


@dataclass(frozen=True)
class Dossier:
    """A finding, its evidence (strongest first), its flows (oldest first) and its curves (likeliest first).

    ``residuals``, ``pairs`` and ``timings`` are those of the subjects of its evidence, strongest first. Every
    text has been made visible (``foreign_text.visible``); keys of rows are column names.
    """

    finding: Row
    evidence: tuple[Row, ...]
    flows: tuple[Row, ...]
    curves: tuple[tuple[str, Curve], ...]
    residuals: tuple[tuple[Subject, Curve], ...] = ()
    pairs: tuple[tuple[Subject, Pair], ...] = ()
    timings: tuple[tuple[str, Timing], ...] = ()

    @property
    def finding_id(self) -> str:
        """Id of the finding."""
        return str(self.finding["finding_id"])


def dossiers(data: ReportData, mask: bool = False) -> Iterator[Dossier]:
    """Yield the dossier of each finding, best first (q-value, then posterior, then id)."""
    by_id = {row["evidence_id"]: row for row in data.evidence.to_pylist()}
    flows = _FlowIndex(data.flows)
    findings = data.findings.to_pylist()
    for finding in sorted(findings, key=lambda f: (f["q_value"], -f["posterior"], f["finding_id"])):
        dossier = _visible(_join(finding, by_id, flows, data))
        yield _masked(dossier) if mask else dossier


def _join(finding: Row, by_id: Mapping[str, Row], flows: "_FlowIndex", data: ReportData) -> Dossier:
    evidence = [by_id[key] for key in finding["evidence_ids"] or () if key in by_id]
    evidence.sort(key=lambda row: (row["log10_lr"] is None, -(row["log10_lr"] or 0), row["evidence_id"]))
    seen = _Seen.of(evidence)
    endpoints = seen.endpoints | {item["name"] for item in finding["endpoints"] or ()}
    points = sorted(finding["usage_points"] or (), key=lambda item: (-item["probability"], item["name"]))
    names = [item["name"] for item in points if item["name"] in data.curves]
    subjects = [Subject(row["subject_kind"], row["subject_id"]) for row in evidence]
    onsets = [(row["subject_id"], row["onset_at"]) for row in evidence]
    return Dossier(
        finding,
        tuple(evidence),
        tuple(flow for flow in flows.of(endpoints) if seen.holds(flow)),
        tuple((name, data.curves[name]) for name in names),
        tuple((subject, data.residuals[subject]) for subject in subjects if subject in data.residuals),
        tuple((subject, data.pairs[subject]) for subject in subjects if subject in data.pairs),
        tuple((name, data.timings[name, at]) for name, at in onsets if (name, at) in data.timings),
    )


class _Seen(NamedTuple):
    """Endpoints that the evidence speaks of, and when each flow began.

    Behind address translation an address and port soon belong to somebody else, so a flow is shown for its
    own evidence only; an endpoint without evidence in the report is shown where it speaks to a pool.
    """

    endpoints: frozenset[str]
    beginnings: frozenset[tuple[str, datetime | None]]

    @classmethod
    def of(cls, evidence: Sequence[Row]) -> "_Seen":
        rows = [row for row in evidence if row["subject_kind"] == SubjectKind.ENDPOINT]
        pairs = frozenset((row["subject_id"], row["onset_at"]) for row in rows)
        return cls(frozenset(name for name, _ in pairs), pairs)

    def holds(self, flow: Row) -> bool:
        ends = flow_ends(flow)
        if self.endpoints.isdisjoint(ends):
            return flow["dialect"] is not None
        return any((end, flow["first_at"]) in self.beginnings for end in ends)


def flow_ends(flow: Row) -> tuple[str, str]:
    """Return both sides of a flow as ``ip:port``, source first."""
    return f"{flow['src_ip']}:{flow['src_port']}", f"{flow['dst_ip']}:{flow['dst_port']}"


class _FlowIndex:
    """Finds the flows of an endpoint (``ip:port``) on either side."""

    def __init__(self, flows: pa.Table) -> None:
        self._flows = flows.sort_by([("first_at", "ascending"), ("flow_id", "ascending")])
        self._sides = [_endpoints(self._flows, side) for side in ("src", "dst")]

    def of(self, endpoints: Iterable[str]) -> list[Row]:
        """Return the rows whose source or destination is one of ``endpoints``, oldest first."""
        wanted = pa.array(sorted(endpoints), pa.string())
        if not len(wanted) or not len(self._flows):
            return []
        found = pc.or_(*(pc.is_in(side, value_set=wanted) for side in self._sides))
        return self._flows.filter(found).to_pylist()


def _endpoints(flows: pa.Table, side: str) -> pa.ChunkedArray:
    port = pc.cast(flows[f"{side}_port"], pa.string())
    return pc.binary_join_element_wise(flows[f"{side}_ip"], port, ":")


def _visible(dossier: Dossier) -> Dossier:
    return _changed(dossier, lambda _table, row: each_text(row, visible), visible)


def _masked(dossier: Dossier) -> Dossier:
    hidden = dict(sorted(_hidden_texts(dossier), key=lambda pair: -len(pair[0])))

    def mask(text: str) -> str:
        for original, masked in hidden.items():
            text = text.replace(original, masked)
        return mask_traces(text)

    return _changed(dossier, lambda table, row: _masked_row(table, row, mask), mask_name)


def _changed(dossier: Dossier, change: Callable[[str, Row], Row], rename: Callable[[str], str]) -> Dossier:
    return Dossier(
        change("findings", dossier.finding),
        tuple(change("evidence", row) for row in dossier.evidence),
        tuple(change("flows", row) for row in dossier.flows),
        tuple((rename(name), curve) for name, curve in dossier.curves),
        tuple((subject._replace(name=rename(subject.name)), curve) for subject, curve in dossier.residuals),
        tuple((subject._replace(name=rename(subject.name)), pair) for subject, pair in dossier.pairs),
        tuple((rename(name), timing) for name, timing in dossier.timings),
    )


def _hidden_texts(dossier: Dossier) -> Iterator[tuple[str, str]]:
    rows = [("findings", dossier.finding)]
    rows += [("evidence", row) for row in dossier.evidence] + [("flows", row) for row in dossier.flows]
    for table, row in rows:
        for name, value in row.items():
            if _is_hidden(table, name) and name != "evidence_lines":
                yield from ((text, mask_name(text)) for text in _texts(value) if len(text) >= 3)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict) and "text_en" not in value:
        for name, item in value.items():
            if name not in _SORTS:
                yield from _texts(item)


def _is_hidden(table: str, name: str) -> bool:
    schema = TABLES[table].schema
    return name not in schema.names or data_class_of(schema.field(name)) in _HIDDEN


def _masked_row(table: str, row: Row, mask: Callable[[str], str]) -> Row:
    return {
        name: _masked_cell(value, mask) if _is_hidden(table, name) else _masked_reasons(value, mask)
        for name, value in row.items()
    }


def _masked_cell(value: Any, mask: Callable[[str], str]) -> Any:
    """Return a hidden cell masked; a place as numbers cannot be shown in part."""
    return None if isinstance(value, float) else _masked_value(value, mask)


def _masked_value(value: Any, mask: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return mask_name(value)
    if isinstance(value, list):
        return [_masked_value(item, mask) for item in value]
    if isinstance(value, dict):
        if "text_en" in value:
            return each_text(value, mask)
        return {name: item if name in _SORTS else _masked_value(item, mask) for name, item in value.items()}
    return value


def _masked_reasons(value: Any, mask: Callable[[str], str]) -> Any:
    if isinstance(value, list) and value and isinstance(value[0], dict) and "text_en" in value[0]:
        return each_text(value, mask)
    return value
