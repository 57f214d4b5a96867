"""Reading findings: what each run said of a site, and what shows it; masked as the register is."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.dateparse import parse_datetime
from django.utils.translation import get_language

from minewatch.office.intake.exhibits import content_of
from minewatch.office.intake.models import Delivery, Exhibit, Finding
from minewatch.office.platform.masking import mask_address, mask_ip, mask_name, mask_number
from minewatch.office.platform.refusals import Refused
from minewatch.office.register.protection import EVERY_FIELD, Eyes

_MASK_OF = {
    "address": mask_address,
    "usage_point": mask_number,
    "holder": mask_name,
    "account": mask_number,
}
"""By kind of the end of a link; endpoints and leases go by their address."""

_LEAST_LETTERS = 2


@dataclass(frozen=True)
class FindingLine:
    """A finding as it stands in the history of its site."""

    id: int
    finding_id: str
    run_id: str
    state: str
    state_title: str
    period_start_at: datetime
    period_end_at: datetime
    posterior: float
    q_value: float
    power_kw: float | None
    energy_kwh: float | None
    kind: str
    contradicted: bool
    taken_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True)
class ReasonShown:
    """A reason in the language in force."""

    code: str
    text: str


@dataclass(frozen=True)
class LinkShown:
    """A link between two things, and why it is believed."""

    from_kind: str
    from_id: str
    to_kind: str
    to_id: str
    probability: float
    basis: ReasonShown


@dataclass(frozen=True)
class NamedShown:
    """A thing and how likely it belongs to the site."""

    name: str
    probability: float


@dataclass(frozen=True)
class FindingPage:
    """All that a finding says. ``values``: its other columns by name, numbers, codes and times."""

    line: FindingLine
    values: Mapping[str, Any]
    reasons: Sequence[ReasonShown]
    contradictions: Sequence[ReasonShown]
    kind_reasons: Sequence[ReasonShown]
    links: Sequence[LinkShown]
    named: Mapping[str, Sequence[NamedShown]]
    replay: str


@dataclass(frozen=True)
class AsideShown:
    """A finding that could not be taken in, and why."""

    finding_id: str
    text: str


@dataclass(frozen=True)
class DeliveryLine:
    """A delivery and what became of its findings."""

    id: int
    name: str
    origin: str
    run_id: str
    period_start_at: datetime
    period_end_at: datetime
    state: str
    state_title: str
    counts: Mapping[str, int]
    aside: Sequence[AsideShown]
    received_at: datetime
    done_at: datetime | None


def findings_of(site_id: int) -> list[FindingLine]:
    """Return the findings of a site in scope, newest period first; a line shows nothing protected."""
    rows = Finding.objects.filter(site=site_id).select_related("delivery").defer("row")
    return [_line(finding) for finding in rows.order_by("-period_end_at", "-pk")]


def finding_page(finding_id: int, eyes: Eyes) -> FindingPage | None:
    """Return a finding in scope by its number in the office, None where there is none."""
    finding = Finding.objects.filter(pk=finding_id).select_related("delivery").first()
    if finding is None:
        return None
    row: Mapping[str, Any] = _shown(finding.row, finding, eyes)
    named = {name: [_named(item) for item in row[name]] for name in _NAMED if row.get(name)}
    told = {*_NAMED, *_APART}
    return FindingPage(
        line=_line(finding),
        values={name: _timed(value) for name, value in row.items() if name not in told and value is not None},
        reasons=_reasons(row, "reasons"),
        contradictions=_reasons(row, "contradictions"),
        kind_reasons=_reasons(row, "kind_reasons"),
        links=[_link(item) for item in row.get("links") or ()],
        named=named,
        replay=f"minewatch replay LAKE {finding.finding_id}",
    )


def exhibit_of(finding_id: int, eyes: Eyes) -> dict[str, Any] | None:
    """Return what shows a finding in scope (see ``exhibits.exhibit``), and the block that it saw."""
    found = Exhibit.objects.filter(finding=finding_id).select_related("finding__site").first()
    if found is None:
        return None
    content: dict[str, Any] = content_of(bytes(found.content))
    if not _in_the_clear(found.finding, eyes):
        content["flows"] = [_masked_flow(flow) for flow in content["flows"]]
        content["evidence"] = [_masked_evidence(row) for row in content["evidence"]]
    content = _shown(content, found.finding, eyes)
    row = found.finding.row
    return content | {"block": {name: row.get(name) for name in _BLOCK}}


def delivery_rows() -> "QuerySet[Delivery]":
    """Return the deliveries in scope."""
    return Delivery.objects.all()


def delivery(number: int) -> DeliveryLine | None:
    """Return a delivery in scope by its number, with what was put aside in words."""
    row = Delivery.objects.filter(pk=number).first()
    if row is None:
        return None
    names = ("name", "origin", "run_id", "period_start_at", "period_end_at", "state", "counts")
    return DeliveryLine(
        id=row.pk,
        state_title=row.get_state_display(),
        received_at=row.received_at,
        done_at=row.done_at,
        aside=[AsideShown(item["finding_id"], _sentence(item)) for item in row.aside],
        **{name: getattr(row, name) for name in names},
    )


def _sentence(item: Mapping[str, Any]) -> str:
    return str(Refused(item["code"], **item["values"]))


_NAMED = ("usage_points", "transformers", "feeders", "plants", "endpoints", "enterprises")
_APART = ("reasons", "contradictions", "kind_reasons", "links", "evidence_ids", "lon", "lat")
_BLOCK = ("onset_at", "ended_at", "power_kw", "power_kw_low", "power_kw_high", "duty")


def _line(finding: Finding) -> FindingLine:
    same = [name for name in FindingLine.__dataclass_fields__ if name not in ("run_id", "state_title")]
    values = {name: getattr(finding, name) for name in same}
    return FindingLine(run_id=finding.delivery.run_id, state_title=finding.get_state_display(), **values)


def _named(item: Mapping[str, Any]) -> NamedShown:
    return NamedShown(item["name"], item["probability"])


def _reasons(row: Mapping[str, Any], column: str) -> list[ReasonShown]:
    return [_reason(item) for item in row.get(column) or ()]


def _reason(item: Mapping[str, Any]) -> ReasonShown:
    language = "zh" if (get_language() or "zh").startswith("zh") else "en"
    return ReasonShown(item["code"], item[f"text_{language}"])


def _link(item: Mapping[str, Any]) -> LinkShown:
    ends = {name: item[name] for name in ("from_kind", "from_id", "to_kind", "to_id", "probability")}
    return LinkShown(**ends, basis=_reason(item["basis"]))


def _timed(value: Any) -> Any:
    return (parse_datetime(value) or value) if isinstance(value, str) and value[4:5] == "-" else value


def _in_the_clear(finding: Finding, eyes: Eyes) -> bool:
    return eyes.sees(("site", finding.site_id), EVERY_FIELD)


def _shown(content: Any, finding: Finding, eyes: Eyes) -> Any:
    """Return JSON content with each protected text of the finding masked, wherever it stands."""
    if _in_the_clear(finding, eyes):
        return content
    text = json.dumps(content, ensure_ascii=False)
    for original, masked in sorted(set(_hidden(finding.row)), key=lambda pair: -len(pair[0])):
        if len(original) >= _LEAST_LETTERS:
            text = text.replace(_inside(original), _inside(masked))
            text = text.replace(_inside(_inside(original)), _inside(_inside(masked)))  # JSON in JSON
    return json.loads(text)


def _inside(text: str) -> str:
    """Return a text as it stands inside the quotes of JSON."""
    return json.dumps(text, ensure_ascii=False)[1:-1]


def _hidden(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the protected texts of a finding and what is shown instead."""
    if address := row.get("address"):
        yield address, mask_address(address)
    if name := row.get("enterprise_name"):
        yield name, mask_name(name)
    yield from ((item["name"], mask_number(item["name"])) for item in row.get("usage_points") or ())
    hosts = [item["name"].rpartition(":")[0] for item in row.get("endpoints") or ()]
    for link in row.get("links") or ():
        for kind, name in ((link["from_kind"], link["from_id"]), (link["to_kind"], link["to_id"])):
            if kind in _MASK_OF:
                yield name, _MASK_OF[kind](name)
            elif kind == "endpoint":
                hosts.append(name.rpartition(":")[0])
        values = json.loads(link["basis"]["values"])
        hosts += [str(values[name]) for name in ("prefix", "inner", "ip") if values.get(name)]
        for name in ("address", "holder", "name", "other_address", "other_name"):
            if text := values.get(name):
                yield str(text), (mask_address if "address" in name else mask_name)(str(text))
    yield from ((host, mask_ip(host.partition("/")[0])) for host in hosts if host)


def _masked_evidence(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return evidence with the accounts masked that it is about or at which a load may sit.

    The finding need not name them.
    """
    places = [item | {"name": mask_number(item["name"])} for item in row.get("places") or ()]
    mask = _MASK_OF_SUBJECT.get(row["subject_kind"], str)
    return dict(row) | {"places": places, "subject_id": mask(row["subject_id"])}


def _mask_endpoint(text: str) -> str:
    host, _, port = text.rpartition(":")
    return f"{mask_ip(host)}:{port}"


_MASK_OF_SUBJECT = {"usage_point": mask_number, "address": mask_ip, "endpoint": _mask_endpoint}
"""By kind of the subject of evidence: how it is masked; transformers, feeders and plants are shown."""


def _masked_flow(flow: Mapping[str, Any]) -> dict[str, Any]:
    """Return a flow without what tells whose it is; its protocol lines hold accounts and are left out."""
    lines = len(flow.get("evidence_lines") or ()) + flow.get("lines_left_out", 0)
    workers = [item | {"worker": mask_number(item["worker"])} for item in flow.get("workers") or ()]
    accounts = [mask_number(name) for name in flow.get("accounts") or ()]
    hidden = {"src_ip": mask_ip(flow["src_ip"]), "workers": workers, "accounts": accounts}
    return dict(flow) | hidden | {"evidence_lines": [], "lines_left_out": lines}
