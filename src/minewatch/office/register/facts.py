"""Statements about things of the register: the one door through which a field changes.

What a field is now follows from the statements: the newest of the weightiest kind of source holds. A weaker
statement that differs is kept and shown as a disagreement, and changes nothing.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple, TypeVar

from django.db import models, transaction

from minewatch.office.platform import audit, events
from minewatch.office.platform.services import By
from minewatch.office.register.models import Fact, Registered, Source

_Thing = TypeVar("_Thing", bound=Registered)
_WEIGHT = {kind: weight for weight, kind in enumerate(Source.Kind.values)}


class Said(NamedTuple):
    """Who says it: the source, and the account or office work that enters it."""

    source: Source
    by: By


@transaction.atomic
def register(thing: _Thing, said: Said) -> _Thing:
    """Add a thing to the register, each field that is set as a statement of the source."""
    thing.created_at = said.by.at
    thing.save(force_insert=True)
    values = {name: value for name, value in _values(thing).items() if value not in (None, "", {})}
    _keep(thing, values, said, holds=True)
    _tell(thing, "registered", said, {"values": values})
    return thing


@transaction.atomic
def state(thing: _Thing, values: Mapping[str, Any], said: Said) -> list[str]:
    """State ``values`` of fields of a thing; return the fields that changed.

    A field last stated by a weightier kind of source keeps its value.
    """
    locked = type(thing)._base_manager.select_for_update().get(pk=thing.pk)
    present = _values(locked)
    differing = {name: value for name, value in values.items() if _plain(value) != present[name]}
    if not differing:
        return []
    overruled = _overruled(locked, differing, said.source)
    taken = {name: value for name, value in differing.items() if name not in overruled}
    for name, value in taken.items():
        setattr(locked, name, value)
        setattr(thing, name, value)
    locked.save(update_fields=list(taken))
    _keep(locked, {name: _plain(value) for name, value in taken.items()}, said, holds=True)
    _keep(locked, {name: _plain(differing[name]) for name in overruled}, said, holds=False)
    if taken:
        before = {name: present[name] for name in taken}
        after = {name: _plain(value) for name, value in taken.items()}
        _tell(locked, "changed", said, {"before": before, "after": after})
    return list(taken)


def kind_of(thing: models.Model) -> str:
    """Return the name of a thing's kind, as in ``Fact.subject_kind``."""
    return str(thing._meta.model_name)


def _overruled(thing: Registered, values: Mapping[str, Any], source: Source) -> set[str]:
    """Return the fields whose present value was stated by a weightier kind of source."""
    stated = Fact.objects.filter(
        subject_kind=kind_of(thing), subject_id=thing.pk, field__in=list(values), holds=True
    )
    last: dict[str, str] = dict(stated.order_by("id").values_list("field", "source__kind"))
    return {name for name, kind in last.items() if _WEIGHT[kind] > _WEIGHT[source.kind]}


def _keep(thing: Registered, values: Mapping[str, Any], said: Said, *, holds: bool) -> None:
    facts = [
        Fact(
            subject_kind=kind_of(thing),
            subject_id=thing.pk,
            field=name,
            value=value,
            source=said.source,
            valid_from=said.source.at,
            holds=holds,
        )
        for name, value in values.items()
    ]
    Fact.objects.bulk_create(facts)


def _tell(thing: Registered, what: str, said: Said, details: Mapping[str, Any]) -> None:
    kind = kind_of(thing)
    audit.record(
        said.by.act(f"{kind}_{what}", (kind, thing.pk)), {**details, "source": said.source.reference}
    )
    events.publish(f"register.{kind}_{what}", {"id": thing.pk, **details}, said.by.at)


def _values(thing: Registered) -> dict[str, Any]:
    """Return the fields of a thing as they are stated: foreign keys by id, days and times as text."""
    left_out = {"id", "created_at", "merged_into"}
    return {
        field.attname: _plain(getattr(thing, field.attname))
        for field in thing._meta.concrete_fields
        if field.name not in left_out
    }


def _plain(value: Any) -> Any:
    return value.isoformat() if hasattr(value, "isoformat") else value
