"""Which site each judged subject of a run belongs to: customers, endpoints, and loads of the grid.

An unmetered load is given to a customer of its transformer where voltages or traffic point there surely
enough; else the transformer or feeder is a site of its own, as is a plant.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from types import MappingProxyType
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.attribute.endpoints import CERTAIN
from minewatch.attribute.grid import Attached, GridPart
from minewatch.attribute.leases import endpoint_of, host_of
from minewatch.attribute.sites import Attribution, Registers, attribute
from minewatch.fuse.combination import FamilyScores
from minewatch.fuse.families import FAMILY_OF, Family
from minewatch.fuse.farm import Signs, powers_of
from minewatch.fuse.placing import Load, Place, Wanting, likely_farm, missing, place_of
from minewatch.runs.evidence_rows import EvidenceRows, columns_of, is_aside, rows_by_id
from minewatch.runs.wire_facts import Connection
from minewatch.schema.evidence import Estimate, SubjectKind
from minewatch.schema.periods import Period
from minewatch.schema.reasons import Reason, reason

Codes = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
Row = Mapping[str, Any]
CUSTOMERS, GRID, PLANTS = 0, 1, 2
"""Strata of sites: customers and lines; transformers and feeders; plants."""

_READ = ("detector", "subject_kind", "subject_id", "log10_lr", "onset_at", "ended_at")
_GRID = (SubjectKind.TRANSFORMER, SubjectKind.FEEDER, SubjectKind.PLANT)


class Subjects(NamedTuple):
    """Judged rows of one family: site, log10_lr, evidence, name, whether a register knows it."""

    sites: Codes
    scores: Floats
    evidence_ids: Sequence[str]
    names: Sequence[str]
    placed: Flags

    def family(self) -> FamilyScores:
        """Return each row as a subject of its own."""
        return FamilyScores(self.sites, self.scores, self.placed)

    def by_host(self, watched: bool) -> FamilyScores:
        """Return the strongest row of each host at a site: a host's flows are one subject.

        ``watched``: traffic was looked at, and hosts without a sign are not told.
        """
        best: dict[tuple[int, str], float] = {}
        for site, score, name in zip(self.sites.tolist(), self.scores.tolist(), self.names, strict=True):
            key = (site, host_of(name))
            best[key] = max(score, best.get(key, -np.inf))
        sites = np.array([site for site, _ in best], np.int64)
        scores = np.array(list(best.values()), np.float64)
        return FamilyScores(sites, scores, np.ones(len(best), bool), everywhere=watched)

    def chosen(self, sites: Iterable[int], sign: bool = True) -> dict[int, list[str]]:
        """Return site → evidence that shows a sign (or speaks against one), for some sites."""
        wanted = (self.scores > 0) == sign
        found: dict[int, list[str]] = defaultdict(list)
        for place in np.flatnonzero(np.isin(self.sites, list(sites)) & wanted).tolist():
            found[int(self.sites[place])].append(self.evidence_ids[place])
        return found


@dataclass(frozen=True)
class Board:
    """All sites of a run: ids and strata by code, subjects by family, sites of refused subjects.

    ``places``: evidence on a load of the grid → the customer's site that it was given to. ``hints``: site →
    what may belong together, but not surely enough. ``asides``: transformer → evidence on where its load
    sits. ``connections``: the flows that the evidence on endpoints speaks of.
    """

    attribution: Attribution
    site_ids: Sequence[str]
    strata: Codes
    subjects: Mapping[Family, Subjects]
    refused_sites: Codes
    places: Mapping[str, Place]
    hints: Mapping[int, Sequence[Reason]]
    asides: Mapping[str, Row]
    connections: Mapping[Connection, Row] = field(default_factory=dict)

    def signs(self, sites: Sequence[int], evidence: EvidenceRows) -> dict[int, Signs]:
        """Return site → whole rows of evidence that show a sign, by family."""
        found = {family: subjects.chosen(sites) for family, subjects in self.subjects.items()}
        wanted = [name for by_site in found.values() for names in by_site.values() for name in names]
        rows = rows_by_id(evidence, wanted)
        signs: dict[int, Signs] = {}
        for site in sites:
            shown = {family: by_site[site] for family, by_site in found.items() if site in by_site}
            signs[site] = {
                family: [self._told(rows[name]) for name in names] for family, names in shown.items()
            }
        return signs

    def _told(self, row: Row) -> Row:
        """Return evidence with what is known beside it: places of a load, flow and host of an endpoint."""
        if row["subject_kind"] != SubjectKind.ENDPOINT:
            return self.with_aside(row)
        name = (row["subject_id"], row["onset_at"])
        return {**row, "flow": self.connections.get(name), "host": self.inner_hosts.get(name)}

    @cached_property
    def inner_hosts(self) -> Mapping[Connection, str]:
        """The innermost address that leases surely give an endpoint, where they give a single one."""
        claimed = [item for item in self.attribution.endpoints if item.claim]
        return {
            (item.endpoint.name, item.endpoint.at): address
            for item in claimed
            if item.claim
            and item.claim.probability >= CERTAIN
            and (address := item.claim.lease.single_address)
        }

    def with_aside(self, row: Row) -> Row:
        """Return evidence on a transformer with the places of its load."""
        is_load = row["subject_kind"] == SubjectKind.TRANSFORMER and row["subject_id"] in self.asides
        return {**row, "places": self.asides[row["subject_id"]]["places"]} if is_load else row

    def beside(self, signs: Signs) -> list[Row]:
        """Return the evidence on where the loads of a site sit."""
        names = [row["subject_id"] for row in signs.get(Family.SUPPLY, ())]
        return [self.asides[name] for name in names if name in self.asides]

    def attached(self, signs: Signs) -> Iterator[Attached]:
        """Yield the parts of the grid that the evidence of one site speaks of."""
        for row in (*signs.get(Family.SUPPLY, ()), *signs.get(Family.PLANT, ())):
            part = GridPart(row["subject_kind"], row["subject_id"])
            if place := self.places.get(row["evidence_id"]):
                yield Attached(part, place.probability, place.reason)
            else:
                places = {item["name"]: item["probability"] for item in row["places"] or ()}
                yield Attached(part, places=places)


def board_of(
    evidence: EvidenceRows,
    registers: Registers,
    period: Period,
    connections: Mapping[Connection, Row] = MappingProxyType({}),
) -> Board:
    """Give every judged subject, and every endpoint with a sign, its site.

    ``connections``: flows with a sign, see ``minewatch.runs.wire_facts``.
    """
    every = columns_of(evidence, _READ)
    aside = is_aside(every)
    asides = rows_by_id(evidence, every.filter(aside)["evidence_id"].to_pylist()).values()
    rows = every.filter(pc.invert(aside))
    by_kind = {kind: rows.filter(pc.equal(rows["subject_kind"], kind.value)) for kind in FAMILY_OF}
    wire = by_kind[SubjectKind.ENDPOINT]
    by_kind[SubjectKind.ENDPOINT] = wire = wire.filter(pc.fill_null(pc.greater(wire["log10_lr"], 0), False))
    named = zip(wire["subject_id"].to_pylist(), wire["onset_at"].to_pylist(), strict=True)
    endpoints = [endpoint_of(name, at) for name, at in named]
    attribution = attribute(registers, by_kind[SubjectKind.USAGE_POINT]["subject_id"], endpoints)
    names = {kind: list(_site_names(kind, table, attribution)) for kind, table in by_kind.items()}
    site_ids = _all_sites(attribution, names)
    codes = {kind: _codes(kind, by_kind[kind], attribution, (site_ids, names[kind])) for kind in by_kind}
    known = _known(registers)
    families: dict[Family, list[Subjects]] = defaultdict(list)
    for kind, table in by_kind.items():
        families[FAMILY_OF[kind]].append(_subjects(kind, table, codes[kind], (period, known)))
    refused = [codes[kind][table["log10_lr"].is_null().to_numpy()] for kind, table in by_kind.items()]
    subjects = {family: _joined(parts) for family, parts in families.items()}
    told = {row["subject_id"]: row for row in asides}
    strata = np.full(len(site_ids), CUSTOMERS)
    strata[np.concatenate([codes[SubjectKind.TRANSFORMER], codes[SubjectKind.FEEDER]])] = GRID
    strata[codes[SubjectKind.PLANT]] = PLANTS
    board = Board(attribution, site_ids, strata, subjects, np.unique(np.concatenate(refused)), {}, {}, told)
    board = replace(board, connections=connections)
    return _with_places(board, evidence)


def customers_of(evidence: EvidenceRows, registers: Registers) -> Attribution:
    """Return the sites of the judged usage points, as ``board_of`` makes them, without endpoints."""
    rows = columns_of(evidence, ("subject_kind", "subject_id"))
    points = rows.filter(pc.equal(rows["subject_kind"], SubjectKind.USAGE_POINT.value))
    return attribute(registers, points["subject_id"], [])


def _site_names(kind: SubjectKind, table: pa.Table, attribution: Attribution) -> Iterator[str]:
    """Yield the id of the site of each row that is not a usage point."""
    if kind is SubjectKind.ENDPOINT:
        yield from (item.site_id for item in attribution.endpoints)
    elif kind in _GRID:
        yield from (GridPart(kind.value, name).site_id for name in table["subject_id"].to_pylist())
    elif kind is SubjectKind.SITE:
        yield from table["subject_id"].to_pylist()


def _all_sites(attribution: Attribution, names: Mapping[SubjectKind, Sequence[str]]) -> list[str]:
    """Return all site ids, those without usage points last."""
    known = attribution.directory.site_ids
    others = {name for listed in names.values() for name in listed} - set(known)
    return [*known, *sorted(others)]


def _codes(
    kind: SubjectKind, table: pa.Table, attribution: Attribution, sites: tuple[Sequence[str], Sequence[str]]
) -> Codes:
    if kind is SubjectKind.USAGE_POINT:
        return attribution.directory.grouping.codes_of(table["subject_id"].combine_chunks())
    site_ids, names = sites
    places = pc.index_in(pa.array(names, pa.string()), value_set=pa.array(site_ids, pa.string()))
    codes: Codes = places.to_numpy(zero_copy_only=False).astype(np.int64)
    return codes


def _known(registers: Registers) -> pa.Array:
    """Return the usage points of which the archive knows the kind of customer."""
    points = registers.usage_points
    return points.filter(pc.is_valid(points["tariff_class"]))["usage_point_id"].combine_chunks()


def _subjects(kind: SubjectKind, rows: pa.Table, sites: Codes, context: tuple[Period, pa.Array]) -> Subjects:
    """Take judged rows; mining that had ended before the period is no sign in it."""
    period, known = context
    judged = rows["log10_lr"].is_valid().to_numpy()
    rows, sites = rows.filter(pa.array(judged)), sites[judged]
    scores = rows["log10_lr"].to_numpy().astype(np.float64)
    over = pc.fill_null(pc.less_equal(rows["ended_at"], pa.scalar(period.start_at)), False).to_numpy()
    scores = np.where(over, np.minimum(scores, 0.0), scores)
    names = rows["subject_id"]
    is_point = kind is SubjectKind.USAGE_POINT
    placed = pc.is_in(names, value_set=known).to_numpy() if is_point else np.ones(len(scores), bool)
    ids = rows["evidence_id"].to_pylist()
    return Subjects(sites, scores, ids, names.to_pylist(), placed)


def _joined(parts: Sequence[Subjects]) -> Subjects:
    sites, scores, placed = (np.concatenate([part[n] for part in parts]) for n in (0, 1, 4))
    ids, names = ([item for part in parts for item in part[n]] for n in (2, 3))
    return Subjects(sites, scores, ids, names, placed)


def _with_places(board: Board, evidence: EvidenceRows) -> Board:
    """Give the unmetered loads to customers where that is sure enough."""
    supply = board.subjects[Family.SUPPLY]
    shown = [name for names in supply.chosen(supply.sites.tolist()).values() for name in names]
    rows = map(board.with_aside, rows_by_id(evidence, shown).values())
    loads = [row for row in rows if row["power_kw"]]
    customers = _customers(board.attribution, [row["subject_id"] for row in loads])
    near = sorted({site for sites in customers.values() for site in sites.values()})
    signs = board.signs(near, evidence)
    wanting = {site: found for site in near if (found := _wanting(signs[site]))}
    placed = {
        row["evidence_id"]: _place(row, customers[row["subject_id"]], wanting)
        for row in loads
        if row["subject_id"] in customers
    }
    places = {name: place for name, place in placed.items() if place}
    left = [row for row in loads if row["evidence_id"] not in places]
    return replace(_moved(board, places), hints=_hints(left, board, evidence))


def _hints(loads: Sequence[Row], board: Board, evidence: EvidenceRows) -> dict[int, list[Reason]]:
    """Name to each other the loads, and the farms known by traffic alone, of a county that may be one."""
    registers = board.attribution.registers
    regions = {**_regions(registers.transformers), **_regions(registers.feeders)}
    code_of = {name: code for code, name in enumerate(board.site_ids)}
    farms = _farms(board, evidence, code_of) if loads else {}
    found: dict[int, list[Reason]] = defaultdict(list)
    for row in loads:
        near, power_kw = farms.get(regions.get(row["subject_id"]), {}), _power(row)
        if likely := likely_farm(power_kw, {site: farm.power_kw for site, farm in near.items()}):
            site, probability = likely
            told = {"percent": 100 * probability, "power_kw": power_kw.value, "part": row["subject_id"]}
            told |= {"wire_kw": near[site].power_kw.value, "endpoint": near[site].endpoint}
            for code in (site, code_of[GridPart(row["subject_kind"], row["subject_id"]).site_id]):
                found[code].append(reason("farm_may_be_load", **told))
    return found


class _Farm(NamedTuple):
    """A farm of which only the traffic is known."""

    endpoint: str
    power_kw: Estimate


def _farms(
    board: Board, evidence: EvidenceRows, code_of: Mapping[str, int]
) -> dict[str | None, dict[int, _Farm]]:
    """Return county → sites with traffic of a farm, a holder and no account."""
    lines = [item for item in board.attribution.endpoints if item.claim and not item.match and not item.plant]
    regions = {code_of[item.site_id]: item.claim.lease.region_code for item in lines if item.claim}
    found: dict[str | None, dict[int, _Farm]] = defaultdict(dict)
    for site, signs in board.signs(sorted(regions), evidence).items():
        if power_kw := powers_of(signs).get(Family.WIRE):
            found[regions[site]][site] = _Farm(signs[Family.WIRE][0]["subject_id"], power_kw)
    return found


def _regions(table: pa.Table) -> dict[str, str | None]:
    return dict(zip(table.column(0).to_pylist(), table["region_code"].to_pylist(), strict=True))


def _power(row: Row) -> Estimate:
    return Estimate(row["power_kw"], row["power_kw_low"], row["power_kw_high"])


def _place(row: Row, sites: Mapping[str, int], wanting: Mapping[int, Wanting]) -> Place | None:
    voltages: dict[int, float] = defaultdict(float)
    for item in row["places"] or ():
        if item["name"] in sites:
            voltages[sites[item["name"]]] += item["probability"]
    own = {site: wanting[site] for site in set(sites.values()) & wanting.keys()}
    return place_of(Load(row["subject_id"], _power(row), len(set(sites.values()))), voltages, own)


def _customers(attribution: Attribution, transformers: Sequence[str]) -> dict[str, dict[str, int]]:
    """Return transformer → its usage points, each with the code of its site."""
    points = attribution.registers.usage_points
    rows = points.filter(pc.is_in(points["transformer_id"], value_set=pa.array(transformers, pa.string())))
    codes = attribution.directory.grouping.codes_of(rows["usage_point_id"].combine_chunks()).tolist()
    found: dict[str, dict[str, int]] = defaultdict(dict)
    columns = (rows["transformer_id"].to_pylist(), rows["usage_point_id"].to_pylist(), codes)
    for transformer, name, code in zip(*columns, strict=True):
        found[transformer][name] = code
    return found


def _wanting(signs: Signs) -> Wanting | None:
    powers = powers_of(signs)
    if Family.WIRE not in powers:
        return None
    missing_kw = missing(powers[Family.WIRE], powers.get(Family.METER))
    strength = max(row["log10_lr"] for row in signs[Family.WIRE])
    return Wanting(strength, missing_kw) if missing_kw else None


def _moved(board: Board, places: Mapping[str, Place]) -> Board:
    supply = board.subjects[Family.SUPPLY]
    own = zip(supply.evidence_ids, supply.sites.tolist(), strict=True)
    sites = np.array([places[name].site if name in places else site for name, site in own], np.int64)
    subjects = {**board.subjects, Family.SUPPLY: supply._replace(sites=sites)}
    return replace(board, subjects=subjects, places=places)
