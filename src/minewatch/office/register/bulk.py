"""Many things at once, through the same door: one audit entry and one event for a call."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeVar

from django.db import IntegrityError, transaction

from minewatch.office.platform import audit, events
from minewatch.office.platform.refusals import Refused
from minewatch.office.register.canonical import settle
from minewatch.office.register.facts import (
    Said,
    aimed,
    kind_of,
    prepare,
    set_values,
    standings,
    statement,
    statements,
    values_of,
    weigh,
)
from minewatch.office.register.models import Registered, Statement

_Thing = TypeVar("_Thing", bound=Registered)
_BATCH = 2_000


@transaction.atomic
def register_many(things: Sequence[_Thing], said: Said) -> Sequence[_Thing]:
    """Add things of one kind to the register; all or, where one is refused, none.

    A call is a transaction and one entry of the audit chain: some thousand things a call.
    """
    if not things:
        return things
    for thing in things:
        prepare(thing, said)
    try:
        with transaction.atomic():
            type(things[0])._base_manager.bulk_create(things, batch_size=_BATCH)
    except IntegrityError as error:
        raise Refused("already_there", thing=str(things[0])) from error
    rows = [statement(thing, set_values(thing), said, holds=True) for thing in things]
    Statement.objects.bulk_create(rows, batch_size=_BATCH)
    _tell(kind_of(things[0]), "registered", said, rows)
    return things


@transaction.atomic
def state_many(
    model: type[_Thing], values: Mapping[int, Mapping[str, Any]], said: Said
) -> dict[int, list[str]]:
    """State values of things of one kind, by id; return by id the fields that changed, where some did.

    All or, where one is refused, none.
    """
    locked = model._base_manager.select_for_update().filter(pk__in=list(values)).order_by("pk")
    stood = standings(model, values)
    changed: dict[int, list[str]] = {}
    rows: list[Statement] = []
    written: list[_Thing] = []
    for thing in locked:
        target = aimed(thing, values[thing.pk])
        names = values[thing.pk]
        before, wanted = values_of(thing, names), values_of(target, names)
        decision = weigh(before, wanted, stood[thing.pk], said.source.kind)
        rows += statements(thing, decision, said)
        if decision.changed:
            changed[thing.pk] = list(decision.changed)
            for name in decision.changed:
                setattr(thing, name, getattr(target, name))
            settle(thing)
            written.append(thing)
    _write(model, written, {name for names in changed.values() for name in names})
    Statement.objects.bulk_create(rows, batch_size=_BATCH)
    if rows:
        _tell(str(model._meta.model_name), "changed", said, rows)
    return changed


def _write(model: type[_Thing], things: list[_Thing], names: Iterable[str]) -> None:
    """Write fields of many rows in one statement each batch: an insert that meets its row and updates it."""
    if not things:
        return
    try:
        with transaction.atomic():
            model._base_manager.bulk_create(
                things,
                batch_size=_BATCH,
                update_conflicts=True,
                unique_fields=["id"],
                update_fields=sorted({*names, *model.derived}),
            )
    except IntegrityError as error:
        raise Refused("already_there", thing=str(things[0])) from error


def _tell(kind: str, what: str, said: Said, rows: Sequence[Statement]) -> None:
    """Write the audit entry, which binds the statements by their digest, and the event."""
    ids = sorted({row.subject_id for row in rows})
    digest = hashlib.sha256()
    for row in rows:
        line = [row.subject_id, row.values, row.holds]
        digest.update(json.dumps(line, ensure_ascii=False, sort_keys=True).encode())
    details = {"number": len(ids), "first": ids[0], "last": ids[-1], "sha256": digest.hexdigest()}
    act = said.by.act(f"{kind}_{what}_many", (kind, said.source.pk))
    audit.record(act, {**details, "source": said.source.reference})
    events.publish(f"register.many_{what}", {"kind": kind, "ids": ids}, said.by.at)
