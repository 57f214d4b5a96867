"""Sheets that two persons wrote at a time are brought together: of each part one of them holds."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import NAMESPACE_URL, uuid5

from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.services import By
from minewatch.office.verify.inspections import services
from minewatch.office.verify.inspections.models import Inspection, MachineCount, Sheet
from minewatch.office.verify.inspections.sheet_forms import SheetGiven
from minewatch.office.verify.inspections.sheets import as_given, keep_sheet

_SINGLE = ("verdict", "words", "place", "arrived_at", "left_at")


class Difference(NamedTuple):
    """A part in which sheets differ (``answers.access``, ``words``), and what each says; None if nothing."""

    part: str
    values: tuple[Any, ...]


@dataclass(frozen=True)
class Beside:
    """Sheets that stand beside each other, the one that holds first, and where they differ."""

    sheets: tuple[Sheet, ...]
    differences: tuple[Difference, ...]


def beside(inspection: Inspection) -> Beside | None:
    """Return the sheets of an inspection that nobody brought together yet; None where there are none."""
    open_ones = services.open_conflicts(inspection)
    if not open_ones:
        return None
    others = Sheet.objects.filter(inspection=inspection).exclude(pk__in=[one.pk for one in open_ones])
    sheets = [*others.order_by("-revision").select_related("by")[:1], *open_ones]
    return Beside(tuple(sheets), tuple(differences([_said(one) for one in sheets])))


def join(inspection: Inspection, seen: Sequence[int], chosen: Mapping[str, int], by: By) -> Sheet:
    """Write a sheet that brings others together: of each part that differs, what the chosen one says.

    ``seen`` are the revisions that were looked at. Raises Refused where others came since.
    """
    found = beside(inspection)
    if found is None or [one.revision for one in found.sheets] != list(seen):
        raise Refused("sheet_base")
    said = [_parts(_said(one)) for one in found.sheets]
    parts = dict(said[0])
    for one in found.differences:
        parts[one.part] = said[chosen.get(one.part, 0)].get(one.part)
    newest = services.newest_sheet(inspection)
    revision = newest.revision if newest else 0
    given = _from_parts(parts) | {
        "checklist": found.sheets[0].checklist,
        "client_id": uuid5(NAMESPACE_URL, f"{inspection.number}/{sorted(parts)}/{revision}/{chosen}"),
        "base": revision,
        "merges": [one.revision for one in services.open_conflicts(inspection)],
        "written_at": by.at,
    }
    return keep_sheet(inspection, SheetGiven.model_validate(given), by)


def differences(sheets: Sequence[Mapping[str, Any]]) -> list[Difference]:
    """Return the parts that differ between sheets as given: each question, each model, each other part."""
    parts = [_parts(one) for one in sheets]
    names = dict.fromkeys(name for one in parts for name in one)
    found = [Difference(name, tuple(one.get(name) for one in parts)) for name in names]
    return [one for one in found if any(value != one.values[0] for value in one.values[1:])]


def _said(sheet: Sheet) -> dict[str, Any]:
    return as_given(sheet, MachineCount.objects.filter(sheet=sheet).order_by("pk"))


def _parts(given: Mapping[str, Any]) -> dict[str, Any]:
    said = {f"answers.{key}": value for key, value in given["answers"].items()}
    for one in given["machines"]:
        said[f"machines.{one['how']}.{one['model']}.{one['algorithm']}"] = one
    for one in given["readings"]:
        said[f"readings.{one['what']}.{one['at']}"] = one
    return said | {name: given[name] for name in _SINGLE}


def _from_parts(parts: Mapping[str, Any]) -> dict[str, Any]:
    told = {name: value for name, value in parts.items() if value is not None}

    def within(start: str) -> dict[str, Any]:
        return {name.removeprefix(start): value for name, value in told.items() if name.startswith(start)}

    return {
        "answers": within("answers."),
        "machines": list(within("machines.").values()),
        "readings": list(within("readings.").values()),
        **{name: told[name] for name in _SINGLE if name in told},
    }
