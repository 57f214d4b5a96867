"""Self-contained HTML: one page for each finding, and the page that lists them."""

import base64
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import cache, partial
from importlib import resources
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from minewatch import __version__
from minewatch.runs.report import (
    chain,
    estimates,
    figures,
    miners,
    pairs,
    provenance,
    scales,
    timing,
    wording,
)
from minewatch.runs.report.data import ReportData, Row, Subject
from minewatch.runs.report.dossier import Dossier, flow_ends
from minewatch.runs.report.headline import headline, sureness, title
from minewatch.runs.report.raster import legend_uri
from minewatch.schema.evidence import SubjectKind

MOST_POINTS, MOST_FLOWS, MOST_LINES, MOST_LINKS, MOST_EVIDENCE = 6, 24, 12, 60, 24
"""Curves, flows, protocol lines of a flow, links, evidence on one page; the page says what it leaves out."""

MOST_WORKERS = 40
"""Workers told one by one."""


@dataclass(frozen=True)
class Setting:
    """What every page of one report shares: the report, whether names are masked, where the pages lie."""

    data: ReportData
    mask: bool
    page_folder: str


@dataclass(frozen=True)
class FlowView:
    """A flow with the hash rate that the evidence gives it."""

    row: Row
    evidence: Row | None


def evidence_page(dossier: Dossier, setting: Setting) -> str:
    """Return the page of one finding as HTML that asks nothing of any other address."""
    finding = dossier.finding
    points = _points(dossier, setting.data)
    flows = _flows(dossier)
    run = provenance.provenance(setting.data.manifest)
    workers = miners.workers(dossier.flows)
    return _render(
        "evidence.html.j2",
        setting,
        finding=finding,
        title=title(finding),
        headline=headline(finding, setting.data.zone),
        sureness=sureness(finding, setting.data.rate),
        machines=estimates.machine_count(finding),
        points=points[:MOST_POINTS],
        points_left_out=len(points[MOST_POINTS:]),
        residuals=_residuals(dossier, setting.data),
        pairs=_pairs(dossier, setting.data),
        triangulation=estimates.triangulation(dossier),
        efficiency=estimates.efficiency(finding),
        workers=workers[:MOST_WORKERS],
        workers_left_out=len(workers[MOST_WORKERS:]),
        rates=miners.rate_drawing(dossier, setting.data.zone),
        timings=[timing.timing_drawing(*item) for item in dossier.timings[:MOST_POINTS]],
        flows=flows[:MOST_FLOWS],
        flows_left_out=len(flows[MOST_FLOWS:]),
        most_lines=MOST_LINES,
        chain=chain.chain(finding["links"] or ()),
        links=(finding["links"] or ())[:MOST_LINKS],
        links_left_out=len((finding["links"] or ())[MOST_LINKS:]),
        evidence=dossier.evidence[:MOST_EVIDENCE],
        evidence_left_out=len(dossier.evidence[MOST_EVIDENCE:]),
        provenance=run,
        table_versions=provenance.table_versions(dossier.evidence, run),
        replay=provenance.replay_command(dossier.finding_id),
    )


def index_page(dossiers: Sequence[Dossier], pages: Sequence[str], setting: Setting) -> str:
    """Return the page that lists the findings; ``pages`` are the addresses of theirs, relative to it."""
    highest = max(
        (item.finding["power_kw_high"] or item.finding["power_kw"] or 0 for item in dossiers), default=0
    )
    return _render(
        "index.html.j2",
        setting,
        rows=[(item.finding, title(item.finding), page) for item, page in zip(dossiers, pages, strict=True)],
        total_kw=sum(item.finding["power_kw"] or 0 for item in dossiers),
        total_kwh=sum(item.finding["energy_kwh"] or 0 for item in dossiers),
        contradicted=sum(bool(item.finding["contradictions"]) for item in dossiers),
        top_kw=1.02 * highest,
        counts=setting.data.counts,
        refusals=setting.data.counts.by_frequency,
        provenance=provenance.provenance(setting.data.manifest),
    )


def _points(dossier: Dossier, data: ReportData) -> list[figures.PointFigures]:
    setting = figures.Setting(data.period, data.zone)
    meters = {
        row["subject_id"]: row
        for row in reversed(dossier.evidence)
        if row["subject_kind"] == SubjectKind.USAGE_POINT
    }
    drawn = (figures.point_figures(name, curve, meters.get(name), setting) for name, curve in dossier.curves)
    return [point for point in drawn if point is not None]


def _residuals(dossier: Dossier, data: ReportData) -> list[tuple[Subject, figures.PointFigures]]:
    setting = figures.Setting(data.period, data.zone)
    rows = _by_subject(dossier)
    drawn = [
        (subject, figures.point_figures(subject.name, curve, rows.get(subject), setting))
        for subject, curve in dossier.residuals[:MOST_POINTS]
    ]
    return [(subject, picture) for subject, picture in drawn if picture is not None]


def _pairs(dossier: Dossier, data: ReportData) -> list[pairs.PairFigures]:
    setting = figures.Setting(data.period, data.zone)
    rows = _by_subject(dossier)
    return [
        pairs.pair_figures(subject, pair, rows.get(subject), setting)
        for subject, pair in dossier.pairs[:MOST_POINTS]
    ]


def _by_subject(dossier: Dossier) -> dict[Subject, Row]:
    """Return the strongest evidence on each subject."""
    return {Subject(row["subject_kind"], row["subject_id"]): row for row in reversed(dossier.evidence)}


def _flows(dossier: Dossier) -> list[FlowView]:
    rows = [row for row in dossier.evidence if row["subject_kind"] == SubjectKind.ENDPOINT]
    return [FlowView(flow, _evidence_of(flow, rows)) for flow in dossier.flows]


def _evidence_of(flow: Row, rows: Sequence[Row]) -> Row | None:
    ends = flow_ends(flow)
    exact = (row for row in rows if row["subject_id"] in ends and row["onset_at"] == flow["first_at"])
    return next(exact, None)


def _render(template: str, setting: Setting, **values: Any) -> str:
    style, script = _asset("style.css"), _asset("script.js")
    data = setting.data
    return (
        _environment()
        .get_template(template)
        .render(
            **values,
            setting=setting,
            data=data,
            clock=partial(wording.clock, zone=data.zone),
            day=partial(wording.day_words, zone=data.zone),
            period_days=_period_days(data),
            style=Markup(style),  # noqa: S704 - files of this package
            script=Markup(script),  # noqa: S704
            policy=_policy(style, script),
        )
    )


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("minewatch.runs.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals |= {
        "say": wording.say,
        "word": wording.word,
        "innocent": wording.innocent,
        "refusal": wording.refusal,
        "interval": wording.interval,
        "with_prefix": wording.with_prefix,
        "interval_with_prefix": wording.interval_with_prefix,
        "english_date": scales.english_date,
        "chinese_date": scales.chinese_date,
        "hour_ticks": scales.hour_ticks(),
        "legend_uri": legend_uri(),
        "heights": (figures.RASTER_PX, figures.DAYS_PX, figures.TYPICAL_PX),
        "pair_height": pairs.PAIR_PX,
        "rate_height": miners.RATE_PX,
        "timing_height": timing.TIMING_PX,
        "version": __version__,
    }
    environment.filters |= {
        "number": wording.number,
        "percent": wording.percent,
        "joule_per_hash": wording.joule_per_hash,
        "reason_values": wording.reason_values,
        "by_code": wording.by_code,
    }
    return environment


@cache
def _asset(name: str) -> str:
    return resources.files(__package__).joinpath("templates", name).read_text(encoding="utf-8").strip()


def _period_days(data: ReportData) -> str:
    first, after_last = data.period.days(data.zone)
    last = after_last - timedelta(days=1)
    return str(first) if first == last else f"{first} – {last}"


def _policy(style: str, script: str) -> str:
    allowed = f"img-src data:; style-src {_hash(style)}; script-src {_hash(script)}"
    return f"default-src 'none'; {allowed}; base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
