"""Two entries that are one thing: merged with all that hangs on them, and taken apart again.

Every foreign key of every app that points at the merged row is turned to the kept one, and what could not be
turned, because the kept row has the same already, stays. What moved is written down row by row.
"""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple, TypeVar, cast

from django.apps import apps
from django.db import IntegrityError, models, transaction

from minewatch.office.platform import audit, events
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.services import By
from minewatch.office.register import facts
from minewatch.office.register.checks import stated_fields
from minewatch.office.register.facts import EMPTY, Said, kind_of
from minewatch.office.register.models import EvidenceFile, Merge, Registered, Source

_Thing = TypeVar("_Thing", bound=Registered)
_OWN_KEYS = {"number", "code", "region_id"}
_FILLED = "filled"


class _Pointer(NamedTuple):
    """A field somewhere that holds the id of a thing, and the rows where it does."""

    name: str
    field: str
    rows: "models.QuerySet[Any]"


@transaction.atomic
def merge(kept: _Thing, merged: _Thing, reason: str, by: By) -> Merge:
    """Merge one entry into another; the kept one's empty fields are filled from the merged one.

    Raises Refused where they are of two kinds, the same row, or one was merged away before.
    """
    kept, merged = _both_locked(kept, merged, reason)
    merged_id = merged.pk
    type(merged)._base_manager.filter(pk=merged_id).update(merged_into=kept.pk)
    moved: dict[str, Any] = {p.name: _turn(p, kept.pk) for p in _pointers(type(kept), merged_id)}
    row = Merge(kind=kind_of(kept), kept_id=kept.pk, merged_id=merged_id, region_id=kept.region_id)
    row.reason, row.by, row.at = reason.strip(), by.user, by.at
    row.save(force_insert=True)
    moved[_FILLED] = _fill(kept, merged, row, by)
    row.moved = {name: value for name, value in moved.items() if value}
    row.save(update_fields=["moved"])
    _tell(row, "merged", by)
    return row


@transaction.atomic
def unmerge(row: Merge, by: By) -> None:
    """Take a merge apart: what it moved and still points at the kept row goes back.

    Raises Refused where it was undone already, or the kept row was merged further.
    """
    locked = Merge._base_manager.select_for_update().get(pk=row.pk)
    model: Any = apps.get_model("register", locked.kind)
    kept = model._base_manager.select_for_update().get(pk=locked.kept_id)
    if locked.undone_at is not None:
        raise Refused("merge_undone")
    if kept.merged_into_id is not None:
        raise Refused("merge_below")
    _empty(kept, locked, by)
    if not _updated(model._base_manager.filter(pk=locked.merged_id), "merged_into", None):
        raise Refused("already_there", thing=str(kept))
    for pointer in _pointers(model, locked.kept_id):
        ids = locked.moved.get(pointer.name, [])
        _turn(pointer._replace(rows=pointer.rows.filter(pk__in=ids)), locked.merged_id)
    locked.undone_at, locked.undone_by = by.at, by.user
    locked.save(update_fields=["undone_at", "undone_by"])
    _tell(locked, "unmerged", by)


def _both_locked(kept: _Thing, merged: _Thing, reason: str) -> tuple[Any, Any]:
    if type(kept) is not type(merged):
        raise Refused("merge_of_two_kinds")
    if kept.pk == merged.pk:
        raise Refused("merge_with_itself")
    if len(reason.strip()) < 4:
        raise Refused("merge_without_reason")
    locked = type(kept)._base_manager.select_for_update().order_by("pk")
    rows: dict[int, Any] = {row.pk: row for row in locked.filter(pk__in=[kept.pk, merged.pk])}
    if any(row.merged_into_id is not None for row in rows.values()):
        raise Refused("merged_away")
    return rows[kept.pk], rows[merged.pk]


def _pointers(model: type[Registered], number: int) -> Iterator[_Pointer]:
    """Yield every field of every app that points at a row, but for the merges themselves."""
    relations = [one for one in model._meta.get_fields(include_hidden=True) if _is_pointer(one)]
    for field in (cast("models.ForeignKey[Any, Any]", one.remote_field) for one in relations):
        if field.model is not model:
            rows = field.model._base_manager.filter(**{field.attname: number})
            yield _Pointer(f"{field.model._meta.label}.{field.attname}", field.attname, rows)
    files = EvidenceFile._base_manager.filter(subject_kind=model._meta.model_name, subject_id=number)
    yield _Pointer("register.EvidenceFile.subject_id", "subject_id", files)


def _is_pointer(relation: Any) -> bool:
    return relation.auto_created and (relation.one_to_many or relation.one_to_one)


def _turn(pointer: _Pointer, number: int) -> list[int]:
    """Turn the rows of a pointer to another row; return the ids of those that could be turned."""
    ids = sorted(pointer.rows.values_list("pk", flat=True))
    every = pointer.rows.model._base_manager
    if not ids or _updated(every.filter(pk__in=ids), pointer.field, number):
        return ids
    return [pk for pk in ids if _updated(every.filter(pk=pk), pointer.field, number)]


def _updated(rows: "models.QuerySet[Any]", field: str, number: int | None) -> bool:
    try:
        with transaction.atomic():
            rows.update(**{field: number})
    except IntegrityError:  # the kept row has the same already
        return False
    return True


def _fill(kept: Registered, merged: Registered, row: Merge, by: By) -> dict[str, Any]:
    """State the merged row's values for fields that are empty in the kept one, each with its own weight.

    Return by field the value and the kind of source.
    """
    present, weights = facts.values_of(kept), facts.standings(type(merged), [merged.pk])[merged.pk].weights
    kinds = {name: Source.Kind.values[weight] for name, weight in weights.items() if weight >= 0}
    filled = {
        name: (value, kinds.get(name, Source.Kind.PERSON))
        for name, value in facts.set_values(merged).items()
        if present[name] in EMPTY and name not in _OWN_KEYS
    }
    _state_each(kept, filled, row, by)
    return filled


def _empty(kept: Registered, row: Merge, by: By) -> None:
    """State fields that the merge filled as empty again where nobody said otherwise since."""
    present, fields = facts.values_of(kept), stated_fields(type(kept))
    emptied = {
        name: (None if fields[name].null else fields[name].get_default(), kind)
        for name, (value, kind) in row.moved.get(_FILLED, {}).items()
        if present[name] == value
    }
    _state_each(kept, emptied, row, by)


def _state_each(thing: Registered, values: Mapping[str, tuple[Any, str]], row: Merge, by: By) -> None:
    for kind in sorted({kind for _, kind in values.values()}):
        source = facts.source(Source.Kind(kind), f"merge {row.pk}", by)
        of_kind = {name: value for name, (value, its) in values.items() if its == kind}
        facts.state(thing, of_kind, Said(source, by))


def _tell(row: Merge, what: str, by: By) -> None:
    details = {"kept": row.kept_id, "merged": row.merged_id}
    act = by.act(f"{row.kind}_{what}", (row.kind, row.kept_id))
    numbers = {name: len(moved) for name, moved in row.moved.items()}
    audit.record(act, {**details, "merge": row.pk, "reason": row.reason, "moved": numbers})
    events.publish(f"register.{row.kind}_{what}", details, by.at)
