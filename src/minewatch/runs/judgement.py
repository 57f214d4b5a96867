"""From the evidence of a run to its assessments and findings: attribution, combination, the list."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.attribute.describe import describe
from minewatch.attribute.leases import endpoint_of
from minewatch.attribute.sites import Attribution, Registers, attribute
from minewatch.fuse.combination import (
    FamilyScores,
    family_result,
    posterior,
    prior_share,
    site_p_values,
    site_scores,
)
from minewatch.fuse.discovery import q_values
from minewatch.fuse.farm import farm_of
from minewatch.fuse.findings import Case, Run, findings_table
from minewatch.fuse.strength import Calibration
from minewatch.fuse.verdicts import Surroundings
from minewatch.runs.evidence_rows import EvidenceRows, columns_of, rows_by_id
from minewatch.schema.analysis_tables import ASSESSMENTS
from minewatch.schema.evidence import SubjectKind
from minewatch.schema.periods import Period

METER, WIRE = "meter", "wire"
"""Families: evidence on usage points and on endpoints."""

MORE_LIKELY_THAN_NOT = 0.5
"""Posterior below which no site is listed, whatever its q-value: over few sites a rate says little."""

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Row = Mapping[str, Any]
_READ = ("subject_kind", "subject_id", "log10_lr", "onset_at", "ended_at")


@dataclass(frozen=True)
class Question:
    """What is asked of the evidence of run ``run_id``.

    ``rate`` is the false-discovery rate of the list, ``prior`` the share of sites that mine (None: estimated
    from the scores). ``hosts`` are the network addresses looked at. ``peak_kw`` gives for usage points the
    largest load each showed in the period (missing: no reading).
    """

    run_id: str
    period: Period
    rate: float
    prior: float | None
    calibrations: Mapping[str, Calibration]
    hosts: Sequence[str]
    peak_kw: Callable[[Sequence[str]], Mapping[str, float]]


@dataclass(frozen=True)
class Conclusion:
    """Rows of ``assessments`` and ``findings``, and a ``summary`` of what was looked at."""

    assessments: pa.Table
    findings: pa.Table
    summary: Mapping[str, Any]


class _Subjects(NamedTuple):
    """Judged rows of one kind of subject: site, log10_lr, evidence, name, whether a register knows it."""

    sites: Codes
    scores: Floats
    evidence_ids: Sequence[str]
    names: Sequence[str]
    placed: Flags

    def family(self) -> FamilyScores:
        """Return each row as a subject of its own."""
        return FamilyScores(self.sites, self.scores, self.placed)

    def by_host(self) -> FamilyScores:
        """Return the strongest row of each host at a site: a host's flows are one subject."""
        best: dict[tuple[int, str], float] = {}
        for site, score, name in zip(self.sites.tolist(), self.scores.tolist(), self.names, strict=True):
            key = (site, host_of(name))
            best[key] = max(score, best.get(key, -np.inf))
        sites = np.array([site for site, _ in best], np.int64)
        return FamilyScores(sites, np.array(list(best.values()), np.float64), np.ones(len(best), bool))

    def signs(self, sites: Iterable[int]) -> dict[int, list[str]]:
        """Return site → evidence that shows a sign, for some sites."""
        found: dict[int, list[str]] = defaultdict(list)
        for place in np.flatnonzero(np.isin(self.sites, list(sites)) & (self.scores > 0)).tolist():
            found[int(self.sites[place])].append(self.evidence_ids[place])
        return found


class _Board(NamedTuple):
    """All sites of a run: ids by code, subjects by family, and the usage points refused by their detector."""

    site_ids: Sequence[str]
    meter: _Subjects
    wire: _Subjects
    refused_sites: Codes


def conclude(evidence: EvidenceRows, registers: Registers, question: Question) -> Conclusion:
    """Attribute, combine and list. The same rows give the same result, in whatever order they come."""
    rows = columns_of(evidence, _READ)
    attribution, board = _board(rows, registers, question.period)
    known, sites = question.calibrations, len(board.site_ids)
    meter = family_result(board.meter.family(), known[METER], sites)
    wire = family_result(board.wire.by_host(), known[WIRE], sites)
    agreement = np.zeros(sites)
    for site, log10_lr in _agreements(np.flatnonzero(meter.sign & wire.sign), board, evidence, question):
        agreement[site] = log10_lr
    tested = np.flatnonzero(meter.spoke | wire.spoke)
    p_values = site_p_values(meter, wire)[tested]
    scores = site_scores(meter, wire, agreement)[tested]
    silent = _silent_hosts(question.hosts, board.wire, attribution)
    q = q_values(p_values, len(tested) + silent)
    prior = prior_share(scores) if question.prior is None else question.prior
    verdict = _Verdict(tested, scores, posterior(scores, prior), p_values, q)
    cases = _cases(verdict.listed(question.rate), board, attribution, evidence, question)
    summary = {
        "sites_tested": len(tested),
        "sites_refused": len(np.setdiff1d(board.refused_sites, tested)),
        "hosts_without_sign": silent,
        "refusals": _refusals(evidence),
        "unattributed": dict(Counter(x.refusal.code for x in attribution.endpoints if x.refusal)),
        "listed": len(cases),
        "prior": prior,
        "best_q": float(q.min()) if len(q) else None,
    }
    findings = findings_table(cases, Run(question.run_id, question.period))
    return Conclusion(verdict.table(board.site_ids, question), findings, summary)


class _Verdict(NamedTuple):
    """Assessment of the tested sites, by column."""

    sites: Codes
    scores: Floats
    posteriors: Floats
    p_values: Floats
    q_values: Floats

    def on_list(self, rate: float) -> npt.NDArray[np.bool_]:
        """Tell which sites are listed: at the stated rate, and more probably mining than not."""
        return (self.q_values <= rate) & (self.posteriors >= MORE_LIKELY_THAN_NOT)

    def listed(self, rate: float) -> dict[int, tuple[float, float]]:
        """Return site → (posterior, q-value) of the sites on the list."""
        on = np.flatnonzero(self.on_list(rate))
        return {int(self.sites[n]): (float(self.posteriors[n]), float(self.q_values[n])) for n in on}

    def table(self, site_ids: Sequence[str], question: Question) -> pa.Table:
        """Return the rows of ``assessments``, ordered by site_id."""
        columns = [
            pa.repeat(question.run_id, len(self.sites)),
            pa.array([site_ids[code] for code in self.sites.tolist()], pa.string()),
            *map(pa.array, (self.scores, self.posteriors, self.p_values, self.q_values)),
            pa.array(self.on_list(question.rate)),
        ]
        return pa.Table.from_arrays(columns, schema=ASSESSMENTS).sort_by("site_id")


def _board(rows: pa.Table, registers: Registers, period: Period) -> tuple[Attribution, _Board]:
    """Give every judged usage point and every endpoint with a sign its site."""
    meter = rows.filter(pc.equal(rows["subject_kind"], SubjectKind.USAGE_POINT.value))
    wire = rows.filter(pc.equal(rows["subject_kind"], SubjectKind.ENDPOINT.value))
    wire = wire.filter(pc.fill_null(pc.greater(wire["log10_lr"], 0), False))
    named = zip(wire["subject_id"].to_pylist(), wire["onset_at"].to_pylist(), strict=True)
    attribution = attribute(registers, meter["subject_id"], [endpoint_of(name, at) for name, at in named])
    site_ids, wire_sites = _numbered(attribution)
    meter_sites = attribution.directory.grouping.codes_of(meter["subject_id"].combine_chunks())
    judged = meter["log10_lr"].is_valid().to_numpy()
    subjects = _subjects(meter.filter(pa.array(judged)), meter_sites[judged], period, _known(registers))
    refused = np.unique(meter_sites[~judged])
    return attribution, _Board(site_ids, subjects, _subjects(wire, wire_sites, period), refused)


def _numbered(attribution: Attribution) -> tuple[list[str], Codes]:
    """Return all site ids, those without usage points last, and the code of each endpoint's site."""
    site_ids = list(attribution.directory.site_ids)
    placed = [item.site_id for item in attribution.endpoints]
    wanted = set(placed)
    code_of = {name: code for code, name in enumerate(site_ids) if name in wanted}
    for name in sorted(wanted - code_of.keys()):
        code_of[name] = len(site_ids)
        site_ids.append(name)
    return site_ids, np.array([code_of[name] for name in placed], np.int64)


def _known(registers: Registers) -> pa.Array:
    """Return the usage points of which the archive knows the kind of customer."""
    points = registers.usage_points
    return points.filter(pc.is_valid(points["tariff_class"]))["usage_point_id"].combine_chunks()


def _subjects(rows: pa.Table, sites: Codes, period: Period, known: pa.Array | None = None) -> _Subjects:
    """Take judged rows; mining that had ended before the period is no sign in it."""
    scores = rows["log10_lr"].to_numpy().astype(np.float64)
    over = pc.fill_null(pc.less_equal(rows["ended_at"], pa.scalar(period.start_at)), False).to_numpy()
    scores = np.where(over, np.minimum(scores, 0.0), scores)
    names = rows["subject_id"]
    placed = np.ones(len(scores), bool) if known is None else pc.is_in(names, value_set=known).to_numpy()
    return _Subjects(sites, scores, rows["evidence_id"].to_pylist(), names.to_pylist(), placed)


def _agreements(
    sites: Codes, board: _Board, evidence: EvidenceRows, question: Question
) -> Iterator[tuple[int, float]]:
    """Yield (site, log10 likelihood ratio of one farm) where meter and wire both give a power."""
    for site, (meter, wire) in _signs(sites.tolist(), board, evidence).items():
        comparison = farm_of(meter, wire, question.period).comparison
        if comparison:
            yield site, comparison.log10_lr


def _signs(
    sites: Sequence[int], board: _Board, evidence: EvidenceRows
) -> dict[int, tuple[Sequence[Row], Sequence[Row]]]:
    """Return site → whole rows of meter and wire evidence that show a sign."""
    meter, wire = board.meter.signs(sites), board.wire.signs(sites)
    wanted = [name for found in (meter, wire) for names in found.values() for name in names]
    rows = rows_by_id(evidence, wanted)
    return {
        site: ([rows[name] for name in meter.get(site, ())], [rows[name] for name in wire.get(site, ())])
        for site in sites
    }


def _cases(
    listed: Mapping[int, tuple[float, float]],
    board: _Board,
    attribution: Attribution,
    evidence: EvidenceRows,
    question: Question,
) -> list[Case]:
    signs = _signs(list(listed), board, evidence)
    names = {site: board.site_ids[site] for site in listed}
    sites = describe(attribution, {names[n]: [row["subject_id"] for row in signs[n][0]] for n in listed})
    peaks = question.peak_kw([name for site in sites.values() for name in site.usage_points])
    judged = set(board.meter.sites.tolist())
    cases = []
    for code, (probability, q) in listed.items():
        site = sites[names[code]]
        metered = [peaks[name] for name in site.usage_points if name in peaks]
        around = Surroundings(sum(metered) if metered else None, site.public_body, code in judged)
        cases.append(Case(site, *signs[code], around, probability, q))
    return cases


def _silent_hosts(hosts: Sequence[str], wire: _Subjects, attribution: Attribution) -> int:
    """Count the hosts that were looked at, show nothing, and lie in no lease: sites that might be listed.

    A host in a lease is taken for one of the sites that are counted already.
    """
    spoke = {host_of(name) for name in wire.names}
    return sum(1 for host in hosts if host not in spoke and not attribution.leases.covers(host))


def _refusals(evidence: EvidenceRows) -> dict[str, int]:
    """Count the evidence that was refused, by the code of its first reason."""
    counts: Counter[str] = Counter()
    for rows in evidence.read(["log10_lr", "reasons"]):
        refused = rows.filter(pc.is_null(rows["log10_lr"]))["reasons"]
        counts.update(item[0]["code"] for item in refused.to_pylist())
    return dict(sorted(counts.items()))


def host_of(endpoint: str) -> str:
    """Return the address of "ip:port"."""
    return endpoint.rpartition(":")[0].strip("[]")
