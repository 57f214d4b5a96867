"""Deliveries of findings: received, then taken in; done again after a crash, nothing is lost or doubled.

``receive`` keeps the file and notes its runs; ``take_in`` does the work in transactions of some findings
each. A finding is known by its id: what is in already is passed by.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import transaction

from minewatch.office.intake import deliveries
from minewatch.office.intake.estimates import energies_of, sightings_of, since_ever, values_of
from minewatch.office.intake.exhibits import Shown, exhibit, plain
from minewatch.office.intake.models import Delivery, Exhibit, Finding, KnownSite
from minewatch.office.intake.parcels import FINDINGS, MANIFESTS, Parcel, opened
from minewatch.office.intake.placing import (
    Records,
    belongings,
    join,
    new_site,
    operate,
    records_of,
    region_of,
    region_of_all,
    site_of,
)
from minewatch.office.platform import audit, events
from minewatch.office.platform.models import Region
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.scope import scoped, whole
from minewatch.office.platform.services import By
from minewatch.office.register import facts
from minewatch.office.register.facts import Said
from minewatch.office.register.models import Site, Source
from minewatch.office.register.services import sight

Row = Mapping[str, Any]
Watch = Callable[[int], object]

_AT_ONCE = 20
"""Findings a transaction."""


class Run(NamedTuple):
    """A run as a parcel tells of it: its period, when it was made, how many sites it listed."""

    run_id: str
    period_start_at: datetime
    period_end_at: datetime
    made_at: datetime
    listed: int | None = None


def receive(content: bytes, name: str, origin: str, by: By) -> list[Delivery]:
    """Keep a file of findings and note a delivery for each of its runs, oldest first; twice is once.

    ``origin`` names the analysis that made it. Of a file delivered again, what was put aside waits again.
    Raises Refused where the file is none of findings.
    """
    parcel = opened(content, name)
    runs = sorted(_runs(parcel, by.at), key=lambda run: (run.made_at, run.period_end_at, run.run_id))
    if not runs:
        raise Refused("parcel_says_nothing", name=name)
    deliveries.keep(content, parcel.sha256)
    with transaction.atomic():
        return [_noted(run, parcel, origin, by) for run in runs]


def take_in(delivery: Delivery, at: datetime, watch: Watch = bool) -> Delivery:
    """Take the findings of a delivery into the register; ``watch`` is told how many are done.

    Raises Refused where its file is gone. What the register cannot take is put aside with its reason.
    """
    by = By(delivery.user, at)
    with scoped(whole(f"delivery {delivery.pk}")):
        delivery.refresh_from_db()
        if delivery.state == Delivery.State.WAITING:
            _take_all(_Intake(delivery, deliveries.kept(delivery), by), watch)
            delivery.refresh_from_db()
    deliveries.drop(delivery.sha256)
    return delivery


def _runs(parcel: Parcel, now: datetime) -> Iterator[Run]:
    """Yield the runs that the parcel speaks of: those of its manifests, else those of its findings."""
    columns = ["run_id", "period_start_at", "period_end_at"]
    found = {row["run_id"]: row for row in parcel.table(FINDINGS).select(columns).to_pylist()}
    for row in parcel.table(MANIFESTS).to_pylist():
        found.pop(row["run_id"], None)
        listed = json.loads(row["summary"] or "{}").get("listed")
        yield Run(*_named(row), row["finished_at"], listed)
    for row in found.values():
        yield Run(*_named(row), now)


def _named(row: Row) -> tuple[str, datetime, datetime]:
    return row["run_id"], row["period_start_at"], row["period_end_at"]


def _noted(run: Run, parcel: Parcel, origin: str, by: By) -> Delivery:
    found = parcel.table(FINDINGS).select(["run_id", "region_code"]).to_pylist()
    of_run = [row for row in found if row["run_id"] == run.run_id]
    key = {"sha256": parcel.sha256, "run_id": run.run_id, "origin": origin}
    rows = len(of_run)
    values = {
        "region": (by.user and by.user.region) or region_of_all(of_run) or Region.objects.get(depth=1),
        "name": parcel.name[:200],
        "period_start_at": run.period_start_at,
        "period_end_at": run.period_end_at,
        "made_at": run.made_at,
        "rows": rows,
        "complete": run.listed == rows,
        "user": by.user,
        "received_at": by.at,
    }
    delivery, is_new = Delivery._base_manager.select_for_update().get_or_create(**key, defaults=values)
    if is_new:
        details = {"run_id": run.run_id, "origin": origin, "sha256": parcel.sha256, "rows": rows}
        audit.record(by.act("findings_received", ("delivery", delivery.pk)), details)
    elif delivery.aside:
        Delivery._base_manager.filter(pk=delivery.pk).update(state=Delivery.State.WAITING)
    return delivery


class _Intake:
    """A delivery in work: its rows, and what the parcel shows of them."""

    def __init__(self, delivery: Delivery, parcel: Parcel, by: By) -> None:
        self.delivery, self.by = delivery, by
        rows = parcel.table(FINDINGS).to_pylist()
        self.rows: list[Row] = [row for row in rows if row["run_id"] == delivery.run_id]
        self.region = region_of_all(self.rows)
        self.keys = {row["site_id"] for row in self.rows}
        self.shown = Shown(*(parcel.table(name) for name in ("evidence", "flows", "interval_readings")))
        registers = ("usage_points", "enterprises", "plants")
        self.records: Records = records_of({name: parcel.table(name).to_pylist() for name in registers})

    def is_overtaken(self) -> bool:
        """Tell whether a later run of the same origin on the same period came before this one."""
        later = _same_period(self.delivery).filter(made_at__gt=self.delivery.made_at)
        return later.filter(state=Delivery.State.DONE).exists()


def _same_period(delivery: Delivery) -> Any:
    period = {name: getattr(delivery, name) for name in ("origin", "period_start_at", "period_end_at")}
    return Delivery.objects.filter(**period).exclude(run_id=delivery.run_id)


def _take_all(intake: _Intake, watch: Watch) -> None:
    aside: list[dict[str, Any]] = []
    for done in range(0, len(intake.rows), _AT_ONCE):
        rows = intake.rows[done : done + _AT_ONCE]
        with transaction.atomic():
            _locked(intake.delivery)
            aside += _take_some(intake, rows)
        watch(done + len(rows))
    with transaction.atomic():
        if _locked(intake.delivery).state == Delivery.State.WAITING:
            _finish(intake, aside)


def _locked(delivery: Delivery) -> Delivery:
    """Lock the delivery, so that of two that take it in one waits for the other."""
    return Delivery.objects.select_for_update().get(pk=delivery.pk)


def _take_some(intake: _Intake, rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Take findings in; return those that the register refused, with the reason."""
    ids = [row["finding_id"] for row in rows]
    known = set(Finding.objects.filter(finding_id__in=ids).values_list("finding_id", flat=True))
    aside = []
    for row in rows:
        try:
            with transaction.atomic():
                if row["finding_id"] not in known:
                    _take(intake, row)
        except Refused as refused:
            said = {"code": refused.code, "values": plain(refused.values)}
            aside.append({"finding_id": row["finding_id"], **said})
    return aside


def _take(intake: _Intake, row: Row) -> None:
    region = region_of(row, intake.region)
    _refuse_outside(region, intake.by)
    source = facts.source(Source.Kind.FINDING, row["finding_id"], intake.by)
    said = Said(source, intake.by)
    evidence, flows = intake.shown.evidence_of(row), intake.shown.flows_of(row)
    having = belongings(row, region, intake.records, said)
    values = values_of(row, flows)
    site = site_of(row, region, having, intake.keys)
    is_new = site is None
    if site is None:
        site = new_site(row, region, having, values, said)
    else:
        facts.state(site, since_ever(values, site, newest=_is_newest(intake, row, site)), said)
    KnownSite.objects.get_or_create(site_key=row["site_id"], defaults={"site": site})
    join(site, having, energies_of(row, evidence), said)
    operate(site, row, region, intake.records, said)
    sight(site, sightings_of(row, flows), said)
    finding = _finding(intake, row, site, source)
    Exhibit.objects.create(finding=finding, content=exhibit(row, intake.shown))
    told = {"site": site.pk, "finding": finding.pk, "new_site": is_new, "state": finding.state}
    audit.record(intake.by.act("finding_taken", ("site", site.pk)), told | {"finding_id": row["finding_id"]})
    events.publish("intake.finding_taken", told, intake.by.at)


def _refuse_outside(region: Region, by: By) -> None:
    if by.user is not None and (by.user.region is None or not region.path.startswith(by.user.region.path)):
        raise Refused("finding_outside", region=region.code)


def _is_newest(intake: _Intake, row: Row, site: Site) -> bool:
    """Tell whether the register's estimates are to follow this finding: no standing one is of later time."""
    standing = Finding.objects.filter(site=site, state=Finding.State.STANDING)
    later = standing.filter(period_end_at__gt=row["period_end_at"])
    return not intake.is_overtaken() and not later.exists()


def _finding(intake: _Intake, row: Row, site: Site, source: Source) -> Finding:
    overtaken = intake.is_overtaken()
    same = ("finding_id", "period_start_at", "period_end_at", "posterior", "q_value", "kind")
    return Finding.objects.create(
        **{name: row[name] for name in same},
        power_kw=row.get("power_kw"),
        energy_kwh=row.get("energy_kwh"),
        contradicted=bool(row["contradictions"]),
        site=site,
        site_key=row["site_id"],
        delivery=intake.delivery,
        source=source,
        row=plain(row),
        taken_at=intake.by.at,
        state=Finding.State.REPLACED if overtaken else Finding.State.STANDING,
        ended_at=intake.by.at if overtaken else None,
    )


def _finish(intake: _Intake, aside: list[dict[str, Any]]) -> None:
    """End what earlier runs said of the period, and close the delivery."""
    taken = Finding.objects.filter(delivery=intake.delivery).count()
    elsewhere = len(intake.rows) - taken - len(aside)
    counts = {"rows": len(intake.rows), "taken": taken, "known": elsewhere, "aside": len(aside)}
    counts |= _end_earlier(intake) if not intake.is_overtaken() else {"replaced": 0, "withdrawn": 0}
    values = {"state": Delivery.State.DONE, "counts": counts, "aside": aside, "done_at": intake.by.at}
    Delivery.objects.filter(pk=intake.delivery.pk).update(**values)
    audit.record(intake.by.act("findings_taken_in", ("delivery", intake.delivery.pk)), counts)
    events.publish("intake.delivery_done", {"delivery": intake.delivery.pk, **counts}, intake.by.at)


def _end_earlier(intake: _Intake) -> dict[str, int]:
    """Mark the standing findings of earlier runs on the period: replaced where the site is found again."""
    earlier = Finding.objects.filter(delivery__in=_same_period(intake.delivery), state=Finding.State.STANDING)
    again = set(Finding.objects.filter(delivery=intake.delivery).values_list("site", flat=True))
    ended = {"replaced": 0, "withdrawn": 0}
    for finding in earlier.order_by("pk"):
        if finding.site_id in again or finding.site_key in intake.keys:
            _end(finding, Finding.State.REPLACED, intake)
            ended["replaced"] += 1
        elif intake.delivery.complete:
            _end(finding, Finding.State.WITHDRAWN, intake)
            _tell_withdrawn(finding, intake)
            ended["withdrawn"] += 1
    return ended


def _end(finding: Finding, state: Finding.State, intake: _Intake) -> None:
    finding.state, finding.ended_by, finding.ended_at = state, intake.delivery, intake.by.at
    finding.save(update_fields=["state", "ended_by", "ended_at"])


def _tell_withdrawn(finding: Finding, intake: _Intake) -> None:
    told = {"site": finding.site_id, "finding": finding.pk}
    act = intake.by.act("finding_withdrawn", ("site", finding.site_id))
    audit.record(act, told | {"finding_id": finding.finding_id, "run_id": intake.delivery.run_id})
    events.publish("intake.finding_withdrawn", told, intake.by.at)
