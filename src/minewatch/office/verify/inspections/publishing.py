"""Results of inspections as the public reads them, within the time limit; what is not public is left out.

``content`` of a publication holds what is public and nothing else: the public pages read no other table.
"""

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from minewatch.office.platform import audit, events
from minewatch.office.platform.masking import mask_name
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.services import By
from minewatch.office.register.models import Enterprise, Party, Site
from minewatch.office.verify import deciding
from minewatch.office.verify.inspections import services
from minewatch.office.verify.inspections.models import DrawnCase, Inspection, Publication
from minewatch.office.verify.models import Judgement
from minewatch.office.verify.services import refuse_without

FORMAT = "minewatch-result/1"
RESULTS: Mapping[str, str | Promise] = {
    "found": _("Mining found; handled under the notice"),
    "nothing_found": _("No mining by the object of the inspection found"),
}
"""What is published of a verdict: a victim of an intrusion is not told apart from who does nothing."""
_NATURAL_PERSON = "92"  # begins the credit code of a self-employed person
_SHORT = 4  # of a name so short no more than the first character is shown
_SURE = 0.5


@transaction.atomic
def publish(inspection: Inspection, by: By) -> Publication:
    """Publish the result of an inspection; what was owed is settled. Raises Refused for its inspectors."""
    row = services.locked(inspection)
    _refuse(row, by)
    if Publication.objects.filter(inspection=row).exists():
        raise Refused("publication_same")
    publication = _add(row, content_of(row), by)
    if row.publishing is not None and row.publishing.ended_at is None:
        deciding.settle(row.publishing, row.number, By(None, by.at))
    services.note_published(row, row.number, by)
    return publication


@transaction.atomic
def correct(inspection: Inspection, reason: str, by: By) -> Publication:
    """Publish what a later judgement or a corrected register says now; the earlier one stays, as earlier."""
    refuse_without(reason)
    row = services.locked(inspection)
    _refuse(row, by)
    last = Publication.objects.filter(inspection=row).order_by("-revision").first()
    content = content_of(row)
    if last is None or {**last.content, "correction": "", "revision": 0} == {**content, "revision": 0}:
        raise Refused("publication_same")
    publication = _add(row, content | {"correction": reason.strip()}, by)
    services.note_published(row, reason, by)
    return publication


def content_of(inspection: Inspection) -> dict[str, Any]:
    """Return all that is public of an inspection that is done."""
    site = inspection.case.site
    assert inspection.lead_signed is not None  # noqa: S101 - it is done
    visited = inspection.lead_signed.sheet.arrived_at or inspection.lead_signed.at
    return {
        "format": FORMAT,
        "number": inspection.number,
        "agency": inspection.order.agency.name_zh,
        "region": site.region.name_zh,
        "inspected_on": timezone.localdate(visited).isoformat(),
        "origin": inspection.origin,
        "object": _object(site),
        "result": "found" if _verdict(inspection) == Judgement.Verdict.ACTIVE else "nothing_found",
        "draw": _opened(inspection),
        "correction": "",
    }


def _verdict(inspection: Inspection) -> str:
    """Return the verdict that holds: an appeal may have had the site judged anew."""
    newest = Judgement._base_manager.filter(case=inspection.case_id).order_by("-pk").first()
    return newest.verdict if newest is not None and inspection.judgement is not None else inspection.verdict


def _object(site: Site) -> dict[str, str]:
    """Return the name and credit code of who was inspected; a natural person's are masked.

    Without an enterprise that is at least likely to run the site nobody is named.
    """
    parties = Party._base_manager.filter(site=site, part=Party.Part.OPERATOR, ended_at=None)
    likely = parties.exclude(probability__lt=_SURE).select_related("enterprise")
    party = likely.order_by("-probability", "pk").first()
    if party is None:
        return {"name": "", "uscc": ""}
    firm: Enterprise = party.enterprise
    if not firm.uscc or firm.uscc.startswith(_NATURAL_PERSON):
        return {"name": mask_name(firm.name[:_SHORT]), "uscc": ""}
    return {"name": firm.name, "uscc": firm.uscc}


def _opened(inspection: Inspection) -> dict[str, str]:
    """Return what shows which token of its draw an inspection is of; empty where it comes of none."""
    if inspection.draw is None:
        return {}
    one = DrawnCase._base_manager.get(draw=inspection.draw, case=inspection.case)
    site = inspection.case.site.code
    return {"number": inspection.draw.number, "token": one.token, "salt": one.salt, "site": site}


def _refuse(row: Inspection, by: By) -> None:
    if row.state != Inspection.State.DONE:
        raise Refused("publication_not_done")
    owing = row.publishing.agency if row.publishing is not None else row.case.holder
    if by.user is None or by.user.agency_id != owing.pk:
        raise Refused("publication_of_others", agency=str(owing))
    if by.user.pk in {one.user_id for one in services.team(row)}:
        raise Refused("publication_own")


def _add(row: Inspection, content: dict[str, Any], by: By) -> Publication:
    last = Publication.objects.filter(inspection=row).order_by("-revision").first()
    revision = last.revision + 1 if last is not None else 1
    made = Publication.objects.create(
        inspection=row, revision=revision, content=content | {"revision": revision}, by=by.user, at=by.at
    )
    audit.record(by.act("result_published", ("inspection", row.number)), made.content)
    events.publish("inspections.result_published", {"inspection": row.pk, "revision": revision}, by.at)
    return made
