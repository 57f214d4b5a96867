"""What an inspector takes along: the own open inspections, where they lead, what was written there last."""

from collections import defaultdict
from typing import Any

from django.db import transaction
from django.utils.crypto import salted_hmac

from minewatch.office.platform import audit
from minewatch.office.platform.models import User
from minewatch.office.platform.services import By
from minewatch.office.verify.inspections.models import Inspection, MachineCount, Sheet
from minewatch.office.verify.inspections.selectors import inspections_of
from minewatch.office.verify.inspections.sheets import as_given


@transaction.atomic
def inspections_to_take(by: By) -> list[dict[str, Any]]:
    """Return what the account needs on site, the address in the clear; noted as an opening of the address."""
    if by.user is None:
        return []
    rows = list(inspections_of(by.user).select_related("case__site__premises"))
    sheets: dict[int, list[Sheet]] = defaultdict(list)
    written = Sheet.objects.filter(inspection__in=rows).prefetch_related("merged_by")
    for sheet in written.order_by("revision"):
        sheets[sheet.inspection_id].append(sheet)
    newest = [found[-1].pk for found in sheets.values()]
    machines: dict[int, list[MachineCount]] = defaultdict(list)
    for one in MachineCount.objects.filter(sheet__in=newest).order_by("pk"):
        machines[one.sheet_id].append(one)
    if rows:
        details = {"inspections": [row.number for row in rows], "fields": ["address"]}
        audit.record(by.act("inspections_taken", ("user", by.user.get_username())), details)
    return [_taken(row, sheets[row.pk], machines) for row in rows]


def user_key(user: User) -> str:
    """Return a name for an account on a phone, which tells nobody who it is."""
    return salted_hmac("minewatch.field", str(user.pk)).hexdigest()[:16]


def _taken(row: Inspection, sheets: list[Sheet], machines: dict[int, list[MachineCount]]) -> dict[str, Any]:
    site, newest = row.case.site, sheets[-1] if sheets else None
    place = site.premises
    return {
        "number": row.number,
        "planned_for": row.planned_for.isoformat(),
        "state": row.state,
        "site": site.code,
        "name": site.name,
        "address": place.address if place else "",
        "lon": place.lon if place else None,
        "lat": place.lat if place else None,
        "team": [str(row.lead), str(row.second)],
        "revision": newest.revision if newest else 0,
        "conflict": any(one.is_conflict and not one.merged_by.all() for one in sheets),
        "sheet": _light(as_given(newest, machines[newest.pk])) if newest else None,
    }


def _light(sheet: dict[str, Any]) -> dict[str, Any]:
    """Return a sheet without the serials of machines from a file: the office keeps them (``keep_sheet``)."""
    machines = [one | {"serials": []} if one["file"] else one for one in sheet["machines"]]
    return sheet | {"machines": machines}
