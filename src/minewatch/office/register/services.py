"""Changes to what hangs on a site: parts, links, sightings and counted machines; codes of new sites."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime

from django.db import transaction

from minewatch.office.platform import audit, events
from minewatch.office.platform.models import Region
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.services import By
from minewatch.office.register.canonical import address_sort_key
from minewatch.office.register.facts import WEIGHT, Said, kind_of
from minewatch.office.register.models import (
    Enterprise,
    Line,
    Link,
    MachineGroup,
    Party,
    Plant,
    Sighting,
    Site,
    UsagePoint,
)

_ENDS = {"usagepoint": "usage_point", "plant": "plant", "line": "line"}


@dataclass(frozen=True)
class LinkGiven:
    """How likely a thing belongs to a site, and how much of its energy a week goes there."""

    probability: float | None = None
    energy_week_kwh: float | None = None


@dataclass(frozen=True)
class SightingGiven:
    """Mining traffic as a source saw it; ``port`` is 0 where it was not told."""

    address: str
    first_at: datetime
    last_at: datetime
    port: int = 0
    pool: str = ""
    coin: str = ""
    algorithm: str = ""
    wallet: str = ""
    worker: str = ""
    submissions: int | None = None


@dataclass(frozen=True)
class MachinesGiven:
    """Machines of one model; hash rate in H/s and power in W are those of one machine."""

    model: str
    number: int
    maker: str = ""
    algorithm: str = ""
    hash_rate_each: float | None = None
    power_each_w: float | None = None
    hours_day: float | None = None
    made_year: int | None = None
    serials: list[str] = field(default_factory=list)


def new_site_code(region: Region) -> str:
    """Return the next free code of sites in a region, as ``510703-000017``."""
    return new_site_codes(region, 1)[0]


@transaction.atomic
def new_site_codes(region: Region, number: int) -> list[str]:
    """Return the next free codes of sites in a region."""
    Region.objects.select_for_update().get(pk=region.pk)  # one at a time
    start = f"{region.code}-"
    taken = Site._base_manager.filter(code__regex=rf"^{start}[0-9]{{6}}$").order_by("-code")
    last = taken.values_list("code", flat=True).first()
    next_free = int(last.removeprefix(start)) + 1 if last else 1
    return [f"{start}{one:06d}" for one in range(next_free, next_free + number)]


@transaction.atomic
def take_part(
    site: Site, enterprise: Enterprise, part: Party.Part, said: Said, probability: float | None = None
) -> Party:
    """Say which part an enterprise has in a site; a part that ended begins again."""
    party = Party._base_manager.filter(site=site, enterprise=enterprise, part=part).first()
    same = party is not None and party.ended_at is None and party.probability == probability
    if party is not None and same:
        return party
    party = party or Party(site=site, enterprise=enterprise, part=part)
    party.source, party.probability, party.ended_at = said.source, probability, None
    party.save()
    details = {"enterprise": enterprise.pk, "part": str(part), "probability": probability}
    _tell(site, "part_taken", said.by, details | {"source": said.source.reference})
    return party


@transaction.atomic
def link(site: Site, thing: UsagePoint | Plant | Line, said: Said, given: LinkGiven = LinkGiven()) -> Link:
    """Say that a usage point, plant or line belongs to a site; a link that ended begins again."""
    end = _ENDS[kind_of(thing)]
    row = Link._base_manager.filter(site=site, **{end: thing}).first()
    if row and row.ended_at is None and LinkGiven(row.probability, row.energy_week_kwh) == given:
        return row
    row = row or Link(site=site, **{end: thing})
    row.source, row.ended_at = said.source, None
    row.probability, row.energy_week_kwh = given.probability, given.energy_week_kwh
    row.save()
    details = {end: thing.pk, **asdict(given), "source": said.source.reference}
    _tell(site, "linked", said.by, details)
    return row


@transaction.atomic
def end_part(party: Party, by: By) -> None:
    """End a part; it stays in the history. Raises Refused where it ended already."""
    _end(party, by)
    _tell(party.site, "part_ended", by, {"enterprise": party.enterprise_id, "part": party.part})


@transaction.atomic
def end_link(row: Link, by: By) -> None:
    """End a link; it stays in the history. Raises Refused where it ended already."""
    _end(row, by)
    ends = {end: getattr(row, f"{end}_id") for end in _ENDS.values() if getattr(row, f"{end}_id")}
    _tell(row.site, "link_ended", by, ends)


@transaction.atomic
def sight(site: Site, given: Sequence[SightingGiven], said: Said) -> int:
    """Keep sightings of a site; the same of the same source count once. Return how many are new."""
    before = Sighting._base_manager.filter(site=site).count()
    rows = [
        Sighting(site=site, source=said.source, address_key=address_sort_key(one.address), **asdict(one))
        for one in given
    ]
    Sighting._base_manager.bulk_create(rows, ignore_conflicts=True, batch_size=2_000)
    new = Sighting._base_manager.filter(site=site).count() - before
    if new:
        _tell(site, "sighted", said.by, {"number": new, "source": said.source.reference})
    return new


@transaction.atomic
def count_machines(site: Site, given: Iterable[MachinesGiven], said: Said) -> bool:
    """Keep a count of the machines at a site, which ends the earlier count; tell whether it holds.

    A count of a weightier kind of source is not ended by a weaker one. Raises Refused where a group has no
    model or no machine.
    """
    groups = list(given)
    if not all(group.model.strip() and group.number > 0 for group in groups):
        raise Refused("machines_wrong")
    locked = Site._base_manager.select_for_update().get(pk=site.pk)
    present = MachineGroup._base_manager.filter(site=locked, ended_at=None)
    kinds = present.values_list("source__kind", flat=True)
    if any(WEIGHT[kind] > WEIGHT[said.source.kind] for kind in kinds):
        return False
    present.update(ended_at=said.by.at)
    MachineGroup._base_manager.bulk_create(
        MachineGroup(site=locked, source=said.source, counted_at=said.by.at, **asdict(group))
        for group in groups
    )
    counted = {group.model: group.number for group in groups}
    _tell(locked, "machines_counted", said.by, {"machines": counted, "source": said.source.reference})
    return True


def _end(row: Party | Link, by: By) -> None:
    changed = type(row)._base_manager.filter(pk=row.pk, ended_at=None).update(ended_at=by.at)
    if not changed:
        raise Refused("part_ended")
    row.ended_at = by.at


def _tell(site: Site, what: str, by: By, details: dict[str, object]) -> None:
    audit.record(by.act(f"site_{what}", ("site", site.pk)), details)
    events.publish(f"register.site_{what}", {"id": site.pk, **details}, by.at)
