"""Counts of machines from files: rows of a model each, taken site by site, a site whole or not at all."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any, ClassVar

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from minewatch.office.register.facts import Said
from minewatch.office.register.imports import cells
from minewatch.office.register.imports.kind import Kind
from minewatch.office.register.imports.models import Import, ImportRow
from minewatch.office.register.imports.rows import Fault, Field, Given, Judged, Outcome, Setting, wrong
from minewatch.office.register.models import MachineGroup, Site
from minewatch.office.register.services import MachinesGiven, count_machines

_COMPARED = ("number", "maker", "algorithm", "hash_rate_each", "power_each_w", "hours_day", "made_year")

_Present = dict[tuple[int, str], MachineGroup]


def _positive(said: str) -> int:
    value = cells.whole_number(said)
    if not 0 < value < 10_000_000:
        raise cells.Unreadable("value_wrong")
    return value


def _year(said: str) -> int:
    value = cells.whole_number(said)
    if not 2009 <= value <= 2100:
        raise cells.Unreadable("value_wrong")
    return value


class Machines(Kind):
    """Machines by model at sites that are there already."""

    name = "machines"
    title = _("Machines by model")
    note: ClassVar[str | Promise] = _("The rows of a site together are a count that ends its earlier count.")
    fields = (
        Field("site", _("Site"), str, True, example="510703-000001"),
        Field("model", _("Model"), lambda said: said[:80], True, example="Antminer S19"),
        Field("machines", _("Number of machines"), _positive, True, example="120"),
        Field("maker", _("Maker"), lambda said: said[:60], example="Bitmain"),
        Field("algorithm", _("Algorithm"), lambda said: said[:40], example="sha256d"),
        Field("hash_rate_each", _("Hash rate of one (as 95 TH/s)"), cells.hash_rate, example="95 TH/s"),
        Field("power_each_w", _("Power of one (W)"), cells.number, example="3250"),
        Field("hours_day", _("Hours a day"), cells.number, example="24"),
        Field("made_year", _("Year of make"), _year, example="2021"),
    )

    def judge(self, rows: Sequence[Given], setting: Setting) -> list[Judged]:
        """Compare each row with the machines of its site that were counted last."""
        sites = _sites_of({given.values.get("site", "") for given in rows}, setting)
        present = _present({site.pk for site in sites.values()})
        return [self._judged(given, sites.get(given.values.get("site", "")), present) for given in rows]

    def close(self, one: Import) -> None:
        """Put sites aside of which a row is in error: half a count would end a whole one."""
        rows = ImportRow._base_manager.filter(of=one)
        bad = rows.filter(outcome=Outcome.WRONG).exclude(values__site=None)
        codes = {values["site"] for values in bad.values_list("values", flat=True) if "site" in values}
        error = [Fault("site", "incomplete_count")._asdict()]
        for code in codes:
            rows.filter(key__startswith=f"{code} ").exclude(outcome=Outcome.WRONG).update(
                outcome=Outcome.WRONG, waits=False, errors=error
            )

        _let_be_what_is_the_same(one)

    def apply(self, rows: Sequence[ImportRow], setting: Setting, said: Said) -> list[ImportRow]:
        """Count the machines of the sites of ``rows``, with all their rows of the file."""
        codes = {row.values["site"] for row in rows}
        sites = _sites_of(codes, setting)
        whole: dict[str, list[ImportRow]] = defaultdict(list)
        for code in codes:
            whole[code] = list(
                ImportRow._base_manager.filter(of=rows[0].of, key__startswith=f"{code} ").order_by("number")
            )
        for code, own in whole.items():
            self._count(sites.get(code), own, said)
        return [row for own in whole.values() for row in own]

    def _judged(
        self, given: Given, site: Site | None, present: dict[tuple[int, str], MachineGroup]
    ) -> Judged:
        faults = [
            Fault(field.name, "missing")
            for field in self.fields
            if field.is_needed
            and field.name not in given.values
            and field.name not in {fault.name for fault in given.faults}
        ]
        if site is None and "site" in given.values:
            faults.append(Fault("site", "site_unknown", given.values["site"]))
        if faults or given.faults or site is None:
            return wrong(given, *faults)
        key = f"{site.code} {given.values['model']}"[:400]
        group = present.get((site.pk, given.values["model"]))
        changes = _changes(given.values, group)
        outcome = Outcome.NEW if group is None else Outcome.CHANGED if changes else Outcome.SAME
        return Judged(given.number, outcome, key, site.pk, given.values, changes if group else {}, waits=True)

    def _count(self, site: Site | None, rows: Sequence[ImportRow], said: Said) -> None:
        holds = site is not None and count_machines(site, [_given(row.values) for row in rows], said)
        for row in rows:
            row.waits = False
            if site is None:
                row.outcome, row.errors = Outcome.WRONG, [Fault("site", "site_unknown")._asdict()]
            elif not holds:
                row.outcome = Outcome.DISPUTED


def _sites_of(codes: set[str], setting: Setting) -> dict[str, Site]:
    found = Site._base_manager.filter(code__in=codes, merged_into=None)
    return {site.code: site for site in found if setting.places.sees(site.region_id)}


def _let_be_what_is_the_same(one: Import) -> None:
    """Take the rows of sites off the list of which the file says what was counted last, all of it."""
    told: dict[int, list[str]] = defaultdict(list)
    rows = ImportRow._base_manager.filter(of=one, waits=True)
    for number, outcome in rows.values_list("thing_id", "outcome"):
        told[number or 0].append(outcome)
    same = {number for number, outcomes in told.items() if set(outcomes) == {Outcome.SAME}}
    counted: dict[int, int] = defaultdict(int)
    for number, _model in _present(same):
        counted[number] += 1
    unchanged = [number for number in same if counted[number] == len(told[number])]
    rows.filter(thing_id__in=unchanged).update(waits=False)


def _present(site_ids: set[int]) -> _Present:
    groups = MachineGroup._base_manager.filter(site__in=site_ids, ended_at=None)
    return {(group.site_id, group.model): group for group in groups}


def _given(values: dict[str, Any]) -> MachinesGiven:
    told = {name: value for name, value in values.items() if name not in ("site", "machines")}
    return MachinesGiven(number=values["machines"], **told)


def _changes(values: dict[str, Any], group: MachineGroup | None) -> dict[str, list[Any]]:
    if group is None:
        return {}
    said = _given(values)
    pairs = {name: [getattr(group, name), getattr(said, name)] for name in _COMPARED}
    return {
        "machines" if name == "number" else name: pair for name, pair in pairs.items() if pair[0] != pair[1]
    }
