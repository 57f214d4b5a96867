"""The same new values for many things at once: shown first, then written with a reason, or not at all."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from minewatch.office.platform import audit
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.services import By
from minewatch.office.register import facts
from minewatch.office.register.bulk import state_many
from minewatch.office.register.facts import Said, aimed, standings, values_of, weigh
from minewatch.office.register.imports.kinds import kind_named
from minewatch.office.register.imports.rows import Field
from minewatch.office.register.imports.things import ThingKind
from minewatch.office.register.models import Registered, Source
from minewatch.office.register.protection import Eyes

MOST = 500
_RELATED = frozenset(["region_id", "enterprise_id", "premises_id", "carrier_id"])


@dataclass(frozen=True)
class Edit:
    """What becomes of a thing: (title, before, after) of fields that change, and of those that stay.

    ``overruled`` fields stay because a weightier source says otherwise; ``refusal`` says why nothing can be
    written at all.
    """

    id: int
    name: str
    changes: tuple[tuple[str, str, str], ...]
    overruled: tuple[tuple[str, str, str], ...]
    refusal: str


@dataclass(frozen=True)
class Proposal:
    """What an edit would do; ``digest`` stands for it, so that nothing else is written."""

    edits: tuple[Edit, ...]
    digest: str

    @property
    def number(self) -> int:
        """Return how many things change."""
        return sum(bool(edit.changes or edit.overruled) for edit in self.edits)


def fields_of(kind: str) -> list[Field]:
    """Return the fields of a kind that can be given to many: those that tell no thing from another."""
    thing_kind = _kind(kind)
    return [
        field
        for field in thing_kind.fields
        if field.name not in {*thing_kind.needed, *_RELATED, "code", "uscc"}
    ]


def propose(kind: str, ids: Iterable[int], values: Mapping[str, Any], by: By) -> Proposal:
    """Say what new values of fields would do to things in scope; changes nothing."""
    thing_kind = _kind(kind)
    things = _things(thing_kind, ids)
    eyes = Eyes(by.user.pk if by.user else None, by.at)
    stood = standings(thing_kind.model, [thing.pk for thing in things])
    told, seen = [], []
    for thing in things:
        before = values_of(thing, values)
        seen.append([thing.pk, before])
        told.append(_edit(thing_kind, thing, values, stood[thing.pk], eyes))
    content = json.dumps([seen, {name: str(value) for name, value in values.items()}], sort_keys=True)
    return Proposal(tuple(told), hashlib.sha256(content.encode()).hexdigest())


@transaction.atomic
def edit(kind: str, ids: Iterable[int], values: Mapping[str, Any], reason: str, by: By, digest: str) -> int:
    """Write what was proposed, for a reason; return how many things changed.

    Raises Refused without values or reason, where a value cannot stand, or where the register changed since.
    """
    if len(reason.strip()) < 4:
        raise Refused("reason_missing")
    if not values:
        raise Refused("edit_no_values")
    chosen = list(ids)
    if propose(kind, chosen, values, by).digest != digest:
        raise Refused("edit_stale")
    thing_kind = _kind(kind)
    things = _things(thing_kind, chosen)
    said = Said(facts.source(Source.Kind.PERSON, reason.strip()[:200], by), by)
    changed = state_many(thing_kind.model, {thing.pk: values for thing in things}, said)
    details = {
        "reason": reason.strip(),
        "fields": sorted(values),
        "things": len(things),
        "changed": len(changed),
    }
    audit.record(by.act("things_edited", (kind, said.source.pk)), details)
    return len(changed)


def _edit(kind: ThingKind, thing: Registered, values: Mapping[str, Any], stood: Any, eyes: Eyes) -> Edit:
    try:
        target = aimed(thing, values)
    except Refused as refusal:
        return Edit(thing.pk, eyes.named(thing), (), (), str(refusal))
    before, after = values_of(thing, values), values_of(target, values)
    decision = weigh(before, after, stood, Source.Kind.PERSON)
    subject = (kind.name, thing.pk)

    def pairs(names: Iterable[str]) -> tuple[tuple[str, str, str], ...]:
        return tuple(
            (str(kind.by_name[name].title), eyes.show(subject, name, _text(before[name])), _text(after[name]))
            for name in names
        )

    return Edit(thing.pk, eyes.named(thing), pairs(decision.changed), pairs(decision.disputed), "")


def _things(kind: ThingKind, ids: Iterable[int]) -> Sequence[Registered]:
    chosen = sorted(set(ids))
    if not chosen:
        raise Refused("edit_nothing")
    if len(chosen) > MOST:
        raise Refused("edit_too_many", most=MOST)
    return list(kind.model.objects.filter(pk__in=chosen, merged_into=None).order_by("pk"))


def _kind(name: str) -> ThingKind:
    kind = kind_named(name)
    if not isinstance(kind, ThingKind):
        raise Refused("kind_unknown")
    return kind


def _text(value: Any) -> str:
    return "" if value is None else str(value)
