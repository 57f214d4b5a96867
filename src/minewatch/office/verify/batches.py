"""Batches: lists of sites that go out with a number and are worked off by the week's deadline."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from django.db import transaction

from minewatch.office.platform import audit, events
from minewatch.office.platform.models import Agency, Region
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.services import By
from minewatch.office.register.models import Site
from minewatch.office.verify import calendar
from minewatch.office.verify.models import Batch, Case, Listed
from minewatch.office.verify.services import open_case

LEADING = (Agency.Kind.REFORM, Agency.Kind.ENERGY, Agency.Kind.GOVERNMENT)
"""Kinds of agencies that lead the work in a region, the first first: articles (五) and (十八)."""


class BatchGiven(NamedTuple):
    """A batch as it is issued; ``codes`` are codes of sites."""

    number: str
    title: str
    kind: str
    codes: Sequence[str]


@transaction.atomic
def issue(given: BatchGiven, by: By) -> Batch:
    """Issue a batch of the acting account's agency; sites without a case get one, in this agency's hands.

    A full list is due at the end of the week after, a key list on this week's deadline. Raises Refused where
    the number is taken, a site is unknown, or there is none.
    """
    agency = by.user.agency if by.user else None
    if agency is None:
        raise Refused("agency_unknown", code="")
    if Batch._base_manager.filter(number=given.number.strip()).exists():
        raise Refused("batch_there", number=given.number)
    sites = _sites(given.codes)
    batch = Batch.objects.create(
        region=agency.region,
        number=given.number.strip(),
        title=given.title.strip(),
        kind=given.kind,
        agency=agency,
        issued_by=by.user,
        issued_at=by.at,
        due_at=_deadline(given.kind, by),
    )
    _list(batch, sites, by)
    details = {"sites": len(sites), "kind": given.kind, "due_at": batch.due_at}
    audit.record(by.act("batch_issued", ("batch", batch.number)), details)
    events.publish("verify.batch_issued", {"batch": batch.pk, "sites": len(sites)}, by.at)
    return batch


def leading_agency(region: Region) -> Agency | None:
    """Return the agency that leads in a region, or in the nearest one above that has any."""
    paths = [region.path[:end] for end in range(len(region.path), 0, -Region.steplen)]
    found = Agency.objects.filter(region__path__in=paths, kind__in=LEADING, active=True)
    agencies = found.select_related("region")
    return min(
        agencies,
        key=lambda one: (-len(one.region.path), LEADING.index(Agency.Kind(one.kind)), one.pk),
        default=None,
    )


def _deadline(kind: str, by: By) -> datetime:
    this_week = calendar.weekly_deadline(by.at)
    return this_week if kind == Batch.Kind.KEY else calendar.weekly_deadline(this_week)


def _sites(codes: Iterable[str]) -> list[Site]:
    wanted = list(dict.fromkeys(code.strip().upper() for code in codes if code.strip()))
    if not wanted:
        raise Refused("batch_empty")
    found = {
        site.code: site
        for site in Site.objects.filter(code__in=wanted, merged_into=None).select_related("region")
    }
    for code in wanted:
        if code not in found:
            raise Refused("site_unknown", code=code)
    return [found[code] for code in wanted]


def _list(batch: Batch, sites: Sequence[Site], by: By) -> None:
    cases = {case.site_id: case for case in Case.objects.filter(site__in=[site.pk for site in sites])}
    for site in sites:
        if site.pk not in cases:
            cases[site.pk] = open_case(site, batch.agency, f"{batch.number} {batch.title}", by)
    Listed.objects.bulk_create(Listed(batch=batch, case=cases[site.pk], at=by.at) for site in sites)
