"""From the evidence of a run to its assessments and findings: attribution, combination, the list."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.attribute.accounts import account_links, other_owners
from minewatch.attribute.describe import Evident, describe
from minewatch.attribute.leases import host_of
from minewatch.attribute.sites import Registers
from minewatch.fuse.combination import (
    Families,
    FamilyResult,
    family_result,
    posterior,
    prior_share,
    site_p_values,
    site_scores,
)
from minewatch.fuse.discovery import stratified_q_values
from minewatch.fuse.families import Family
from minewatch.fuse.farm import agreements, powers_of
from minewatch.fuse.findings import Case, Run, findings_table
from minewatch.fuse.strength import Calibration
from minewatch.fuse.verdicts import Surroundings
from minewatch.runs.board import CUSTOMERS, GRID, Board, Codes, Floats, board_of
from minewatch.runs.evidence_rows import EvidenceRows, is_aside, rows_by_id
from minewatch.runs.presences import accounts_of, owners_of, presence_of
from minewatch.runs.wire_facts import WireFacts
from minewatch.schema.analysis_tables import ASSESSMENTS
from minewatch.schema.periods import Period
from minewatch.schema.sites import Site

MORE_LIKELY_THAN_NOT = 0.5
"""Posterior below which no site is listed, whatever its q-value: over few sites a rate says little."""


@dataclass(frozen=True)
class Question:
    """What is asked of the evidence of run ``run_id``.

    ``rate`` is the false-discovery rate of the list, ``prior`` the share of sites that mine (None: estimated
    from the scores). ``hosts`` are the network addresses looked at. ``peak_kw`` gives for usage points the
    largest load each showed in the period (missing: no reading). ``wire``: what the flows say beside the
    evidence on them.
    """

    run_id: str
    period: Period
    rate: float
    prior: float | None
    calibrations: Mapping[Family, Calibration]
    hosts: Sequence[str]
    peak_kw: Callable[[Sequence[str]], Mapping[str, float]]
    wire: WireFacts = field(default_factory=WireFacts)


@dataclass(frozen=True)
class Conclusion:
    """Rows of ``assessments`` and ``findings``, and a ``summary`` of what was looked at."""

    assessments: pa.Table
    findings: pa.Table
    summary: Mapping[str, Any]


def conclude(evidence: EvidenceRows, registers: Registers, question: Question) -> Conclusion:
    """Attribute, combine and list. The same rows give the same result, in whatever order they come."""
    board = board_of(evidence, registers, question.period, question.wire.connections)
    results = _results(board, question)
    tested = np.flatnonzero(np.any([result.spoke for result in results.values()], axis=0))
    scores = site_scores(results, _agreements(results, board, evidence))[tested]
    p_values = site_p_values(results)[tested]
    silent = _silent_hosts(question.hosts, board)
    # A transformer whose load was given to a customer is no site any more, but was one that might be listed.
    unseen = {CUSTOMERS: silent, GRID: len(board.places)}
    q = stratified_q_values(p_values, board.strata[tested], unseen)
    prior = prior_share(scores) if question.prior is None else question.prior
    verdict = _Verdict(tested, scores, posterior(scores, prior), p_values, q)
    cases = _cases(verdict.listed(question.rate), board, evidence, question)
    summary = {
        "sites_tested": len(tested),
        "sites_refused": len(np.setdiff1d(board.refused_sites, tested)),
        "hosts_without_sign": silent,
        "loads_given_to_customers": len(board.places),
        "judged": {family.value: len(subjects.scores) for family, subjects in board.subjects.items()},
        "refusals": _refusals(evidence),
        "unattributed": dict(
            Counter(item.refusal.code for item in board.attribution.endpoints if item.refusal)
        ),
        "listed": len(cases),
        "prior": prior,
        "best_q": float(q.min()) if len(q) else None,
    }
    findings = findings_table(cases, Run(question.run_id, question.period))
    return Conclusion(verdict.table(board.site_ids, question), findings, summary)


def _results(board: Board, question: Question) -> dict[Family, FamilyResult]:
    """Return what each family with subjects says; the wire looks at every site where there is any traffic."""
    found = {}
    for family, subjects in board.subjects.items():
        watched = family is Family.WIRE and len(question.hosts) > 0
        if len(subjects.scores) or watched:
            scores = subjects.by_host(watched) if family is Family.WIRE else subjects.family()
            found[family] = family_result(scores, question.calibrations[family], board.site_ids)
    return found or {Family.METER: _nothing(len(board.site_ids))}


def _nothing(sites: int) -> FamilyResult:
    no = np.zeros(sites, bool)
    return FamilyResult(np.ones(sites), np.zeros(sites), no, no, no)


def _agreements(
    results: Mapping[Family, FamilyResult], board: Board, evidence: EvidenceRows
) -> dict[Families, Floats]:
    """Return by set of families the log10 likelihood ratio that their powers are one farm's, site by site."""
    found: dict[Families, Floats] = {}
    if Family.WIRE not in results:
        return found
    signs = np.sum([result.sign for result in results.values()], axis=0)
    both = np.flatnonzero(results[Family.WIRE].sign & (signs > 1)).tolist()
    for site, shown in board.signs(both, evidence).items():
        for families, log10_lr in agreements(powers_of(shown)).items():
            found.setdefault(families, np.zeros(len(board.site_ids)))[site] = log10_lr
    return found


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


def _cases(
    listed: Mapping[int, tuple[float, float]], board: Board, evidence: EvidenceRows, question: Question
) -> list[Case]:
    signs = board.signs(list(listed), evidence)
    names = {site: board.site_ids[site] for site in listed}
    evident = {
        names[site]: Evident(
            [row["subject_id"] for row in signs[site].get(Family.METER, ())],
            list(board.attached(signs[site])),
        )
        for site in listed
    }
    sites = describe(board.attribution, evident)
    accounts = accounts_of(board.attribution, question.wire)
    sites = {
        name: replace(site, links=(*account_links(accounts.get(name, ())), *site.links))
        for name, site in sites.items()
    }
    around = _surroundings({code: sites[name] for code, name in names.items()}, board, evidence, question)
    owners = {name: owners_of(site) for name, site in sites.items()}
    cases = []
    for code, (probability, q) in listed.items():
        beside = [*board.beside(signs[code]), *around[code].beside]
        presence = presence_of(signs[code], sites[names[code]], question.wire)
        others = other_owners(names[code], accounts.get(names[code], ()), owners)
        told = replace(around[code], beside=beside, presence=replace(presence, sites_with_account=others))
        cases.append(Case(sites[names[code]], signs[code], told, probability, q))
    return cases


def _surroundings(
    sites: Mapping[int, Site], board: Board, evidence: EvidenceRows, question: Question
) -> dict[int, Surroundings]:
    """Return what is known of listed sites beside their evidence. A transformer has no meter of its own."""
    customers = board.attribution.directory.grouping.sites
    points = {code: list(site.usage_points) if code < customers else [] for code, site in sites.items()}
    peaks = question.peak_kw([name for names in points.values() for name in names])
    judged = set(board.subjects[Family.METER].sites.tolist())
    doubts = board.subjects[Family.TRAFFIC].chosen(sites, sign=False)
    rows = rows_by_id(evidence, [name for names in doubts.values() for name in names])
    found = {}
    for code, site in sites.items():
        metered = [peaks[name] for name in points[code] if name in peaks]
        beside = [rows[name] for name in doubts.get(code, ())]
        total = sum(metered) if metered else None
        hints = board.hints.get(code, ())
        found[code] = Surroundings(total, site.public_body, code in judged, beside, hints)
    return found


def _silent_hosts(hosts: Sequence[str], board: Board) -> int:
    """Count the hosts that were looked at, show nothing, and lie in no lease: sites that might be listed.

    A host in a lease is taken for one of the sites that are counted already.
    """
    spoke = {host_of(name) for name in board.subjects[Family.WIRE].names}
    return sum(1 for host in hosts if host not in spoke and not board.attribution.leases.covers(host))


def _refusals(evidence: EvidenceRows) -> dict[str, int]:
    """Count the evidence that was refused, by the code of its first reason."""
    counts: Counter[str] = Counter()
    for rows in evidence.read(["detector", "log10_lr", "reasons"]):
        refused = rows.filter(pc.and_not(pc.is_null(rows["log10_lr"]), is_aside(rows)))["reasons"]
        counts.update(item[0]["code"] for item in refused.to_pylist())
    return dict(sorted(counts.items()))
