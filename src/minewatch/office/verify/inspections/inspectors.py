"""The register of inspectors, what they keep away from, and complaints that came in about sites."""

from collections.abc import Iterable
from datetime import date
from typing import NamedTuple

from django.db import IntegrityError, models, transaction
from django.db.models import Q
from django.utils import timezone

from minewatch.office.platform import audit
from minewatch.office.platform.models import User
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.services import By
from minewatch.office.register.models import Enterprise, Party, Site
from minewatch.office.verify.inspections import refusals  # noqa: F401 - refusals in words
from minewatch.office.verify.inspections.models import Complaint, Inspector, Recusal
from minewatch.office.verify.services import refuse_elsewhere, refuse_without


class InspectorGiven(NamedTuple):
    """An account that may inspect from a day on (and before another), with certificate and qualifications."""

    user: User
    certificate: str
    qualifications: tuple[str, ...]
    active_from: date
    active_to: date | None = None


class ComplaintGiven(NamedTuple):
    """A complaint about a site: when it came in, where, and its number there."""

    site: Site
    received_on: date
    source: str
    reference: str


@transaction.atomic
def enter(given: InspectorGiven, by: By) -> Inspector:
    """Enter an account of the acting account's agency as inspector."""
    agency = given.user.agency
    if agency is None:
        raise Refused("inspector_without_agency", user=str(given.user))
    _refuse_other_agency(given.user.agency_id, str(agency), by)
    if given.active_to is not None and given.active_to <= given.active_from:
        raise Refused("inspector_period")
    if Inspector._base_manager.filter(user=given.user).exists():
        raise Refused("inspector_there", user=str(given.user))
    row = Inspector(agency=agency, region=agency.region, **given._asdict())
    row.qualifications = sorted(given.qualifications)
    _insert(row, "certificate_there", certificate=given.certificate)
    details = {"certificate": row.certificate, "qualifications": row.qualifications}
    audit.record(by.act("inspector_entered", ("inspector", row.pk)), details | {"user": str(row.user)})
    return row


@transaction.atomic
def retire(inspector: Inspector, on: date, by: By) -> Inspector:
    """End an inspector's entry: from the day ``on`` the person inspects no more."""
    _refuse_other_agency(inspector.agency_id, str(inspector.agency), by)
    if on <= inspector.active_from:
        raise Refused("inspector_period")
    inspector.active_to = on
    inspector.save(update_fields=["active_to"])
    audit.record(by.act("inspector_retired", ("inspector", inspector.pk)), {"on": on})
    return inspector


@transaction.atomic
def recuse(inspector: Inspector, thing: Enterprise | Site, reason: str, by: By) -> Recusal:
    """Declare that an inspector keeps away from an enterprise or a site; the person or the agency does."""
    refuse_without(reason)
    if by.user is None or (by.user.pk != inspector.user_id and by.user.agency_id != inspector.agency_id):
        raise Refused("recusal_of_others")
    end = {"enterprise": thing} if isinstance(thing, Enterprise) else {"site": thing}
    if Recusal._base_manager.filter(inspector=inspector, ended_at=None, **end).exists():
        raise Refused("recusal_there")
    row = Recusal.objects.create(
        inspector=inspector, reason=reason.strip(), declared_by=by.user, declared_at=by.at, **end
    )
    details = {"inspector": inspector.certificate, "from": str(thing), "reason": row.reason}
    audit.record(by.act("recusal_declared", ("recusal", row.pk)), details)
    return row


@transaction.atomic
def end_recusal(recusal: Recusal, reason: str, by: By) -> Recusal:
    """End a recusal; the inspector's agency does, not the inspector alone."""
    refuse_without(reason)
    inspector = recusal.inspector
    _refuse_other_agency(inspector.agency_id, str(inspector.agency), by)
    if by.user is not None and by.user.pk == inspector.user_id:
        raise Refused("recusal_of_others")
    changed = Recusal._base_manager.filter(pk=recusal.pk, ended_at=None).update(
        ended_at=by.at, ended_by=by.user
    )
    if not changed:
        raise Refused("recusal_ended")
    audit.record(by.act("recusal_ended", ("recusal", recusal.pk)), {"reason": reason.strip()})
    return recusal


@transaction.atomic
def note_complaint(given: ComplaintGiven, by: By) -> Complaint:
    """Note a complaint about a site; it raises the site's weight in draws for a time."""
    if given.received_on > timezone.localdate(by.at):
        raise Refused("complaint_day")
    said = {"source": given.source.strip(), "reference": given.reference.strip()}
    row = Complaint(site=given.site, received_on=given.received_on, by=by.user, at=by.at, **said)
    _insert(row, "complaint_there", **said)
    audit.record(by.act("complaint_noted", ("site", given.site.pk)), said | {"on": given.received_on})
    return row


def active_on(inspector: Inspector, day: date) -> bool:
    """Tell whether an inspector inspects on a day."""
    if not inspector.user.is_active or inspector.active_from > day:
        return False
    return inspector.active_to is None or day < inspector.active_to


def kept_away(inspectors: Iterable[Inspector], sites: Iterable[Site]) -> set[tuple[int, int]]:
    """Return which inspectors keep away from which sites, as ids: by site, or by an enterprise in it."""
    people, places = [one.pk for one in inspectors], [one.pk for one in sites]
    declared = Recusal._base_manager.filter(inspector__in=people, ended_at=None)
    pairs = set(declared.filter(site__in=places).values_list("inspector_id", "site_id"))
    parts = Party._base_manager.filter(
        Q(ended_at=None), site__in=places, enterprise__in=declared.values("enterprise")
    )
    by_enterprise: dict[int, set[int]] = {}
    for enterprise, site in parts.values_list("enterprise_id", "site_id"):
        by_enterprise.setdefault(enterprise, set()).add(site)
    for person, enterprise in declared.exclude(enterprise=None).values_list("inspector_id", "enterprise_id"):
        pairs.update((person, site) for site in by_enterprise.get(enterprise, ()))
    return pairs


def refuse_unfit(team: Iterable[Inspector], site: Site, day: date) -> None:
    """Raise Refused where one of a team does not inspect on a day, elsewhere, or keeps away from a site."""
    people = list(team)
    if len({one.pk for one in people}) < len(people) or len(people) < 2:
        raise Refused("inspectors_same")
    away = kept_away(people, [site])
    for one in people:
        refuse_elsewhere(one.agency, site)
        if not active_on(one, day):
            raise Refused("inspector_inactive", inspector=str(one), day=day)
        if (one.pk, site.pk) in away:
            raise Refused("inspector_recused", inspector=str(one))


def _refuse_other_agency(agency_id: int | None, agency: str, by: By) -> None:
    if by.user is None or by.user.agency_id != agency_id:
        raise Refused("inspector_of_others", agency=agency)


def _insert(row: models.Model, code: str, **values: str) -> None:
    try:
        with transaction.atomic():
            row.save(force_insert=True)
    except IntegrityError as error:
        raise Refused(code, **values) from error
