"""Statements about things of the register: the one door through which a field changes.

What a field is now follows from the statements: the newest of the weightiest kind of source holds. A weaker
statement that differs is kept and shown as a disagreement, and changes nothing. A weightier source that says
the same is kept too, since from then on its weight guards the value.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from copy import copy
from datetime import UTC, datetime
from typing import Any, NamedTuple, TypeVar

from django.db import IntegrityError, models, transaction

from minewatch.office.platform import audit, events
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.services import By
from minewatch.office.register.canonical import settle
from minewatch.office.register.checks import problems, stated_fields
from minewatch.office.register.models import Registered, Source, Statement

_Thing = TypeVar("_Thing", bound=Registered)
WEIGHT = {kind: weight for weight, kind in enumerate(Source.Kind.values)}
EMPTY: tuple[Any, ...] = (None, "", {}, [])


class Said(NamedTuple):
    """Who says it: the source, and the account or office work that enters it."""

    source: Source
    by: By


class Standing:
    """What was said about one thing so far: by field the weight that guards it and the values in dispute."""

    def __init__(self) -> None:
        self.weights: dict[str, int] = {}
        self.disputed: dict[tuple[str, str], Any] = {}

    def hear(self, values: Mapping[str, Any], kind: str, *, holds: bool) -> None:
        """Take in one more statement of a kind of source; they come oldest first.

        A field that was emptied is open to every source again.
        """
        if holds:
            weights = {name: -1 if value in EMPTY else WEIGHT[kind] for name, value in values.items()}
            self.weights.update(weights)
        else:
            self.disputed.update({(name, kind): value for name, value in values.items()})


class Decision(NamedTuple):
    """What a statement does to a thing: values that change, that are confirmed, and that are disputed."""

    changed: dict[str, Any]
    confirmed: dict[str, Any]
    disputed: dict[str, Any]


def source(kind: Source.Kind, reference: str, by: By) -> Source:
    """Note a new source that statements can refer to: a file, a finding, a visit, a person's word."""
    agency = by.user.agency if by.user else None
    return Source.objects.create(kind=kind, reference=reference, agency=agency, user=by.user, at=by.at)


@transaction.atomic
def register(thing: _Thing, said: Said) -> _Thing:
    """Add a thing to the register, each field that is set as a statement of the source.

    Raises Refused where a value cannot stand or the thing is there already.
    """
    prepare(thing, said)
    try:
        with transaction.atomic():
            thing.save(force_insert=True)
    except IntegrityError as error:
        raise Refused("already_there", thing=str(thing)) from error
    values = set_values(thing)
    statement(thing, values, said, holds=True).save(force_insert=True)
    _tell(thing, "registered", said, {"values": values})
    return thing


@transaction.atomic
def state(thing: _Thing, values: Mapping[str, Any], said: Said) -> list[str]:
    """State ``values`` of fields of a thing; return the fields that changed.

    A field last stated by a weightier kind of source keeps its value. Raises Refused where a value cannot
    stand, or the thing was merged into another.
    """
    locked = type(thing)._base_manager.select_for_update().get(pk=thing.pk)
    target = aimed(locked, values)
    before = values_of(locked, values)
    stood = standings(type(thing), [thing.pk])[thing.pk]
    decision = weigh(before, values_of(target, values), stood, said.source.kind)
    Statement.objects.bulk_create(statements(locked, decision, said))
    if decision.changed:
        _write(locked, target, decision.changed)
        for name in decision.changed:
            setattr(thing, name, getattr(locked, name))
        was = {name: before[name] for name in decision.changed}
        _tell(locked, "changed", said, {"before": was, "after": decision.changed})
    return list(decision.changed)


def prepare(thing: Registered, said: Said) -> None:
    """Make a new thing ready to be saved; raises Refused where a value cannot stand."""
    refuse_wrong(type(thing), {name: getattr(thing, name) for name in stated_fields(type(thing))})
    settle(thing)
    thing.created_at = said.by.at


def aimed(thing: _Thing, values: Mapping[str, Any]) -> _Thing:
    """Return a copy of a thing that has ``values``; raises Refused where one cannot stand."""
    target: Any = copy(thing)
    if target.merged_into_id is not None:
        raise Refused("merged_away")
    refuse_wrong(type(thing), values)
    fields = stated_fields(type(thing))
    for name, value in values.items():
        setattr(target, name, value if fields[name].is_relation else fields[name].to_python(value))
    settle(target)
    return target


def refuse_wrong(model: type[Registered], values: Mapping[str, Any]) -> None:
    """Raise Refused for the first of ``values`` that cannot stand."""
    for problem in problems(model, values):
        raise Refused(problem.code, field=problem.field, value=problem.value)


def weigh(before: Mapping[str, Any], values: Mapping[str, Any], stood: Standing, kind: str) -> Decision:
    """Weigh ``values`` that a kind of source states: to change, confirm, dispute or nothing new."""
    decision, weight = Decision({}, {}, {}), WEIGHT[kind]
    for name, value in values.items():
        guard = stood.weights.get(name, -1)
        if value == before[name]:
            if weight > guard and value not in EMPTY:
                decision.confirmed[name] = value
        elif weight >= guard:
            decision.changed[name] = value
        elif stood.disputed.get((name, kind), before[name]) != value:
            decision.disputed[name] = value
    return decision


def standings(model: type[Registered], ids: Iterable[int]) -> Mapping[int, Standing]:
    """Return what was said so far about things of a model, by id; one query."""
    found: dict[int, Standing] = defaultdict(Standing)
    said = Statement.objects.filter(subject_kind=model._meta.model_name, subject_id__in=list(ids))
    rows = said.order_by("id").values_list("subject_id", "values", "source__kind", "holds")
    for number, values, kind, holds in rows:
        found[number].hear(values, kind, holds=holds)
    return found


def statement(thing: Registered, values: Mapping[str, Any], said: Said, *, holds: bool) -> Statement:
    """Return the row of a statement, not saved yet."""
    return Statement(
        subject_kind=kind_of(thing),
        subject_id=thing.pk,
        values=dict(values),
        source=said.source,
        at=said.by.at,
        valid_from=said.source.at,
        holds=holds,
    )


def statements(thing: Registered, decision: Decision, said: Said) -> list[Statement]:
    """Return the rows that a decision adds, not saved yet: what holds, and what is in dispute."""
    held = {**decision.changed, **decision.confirmed}
    rows = [statement(thing, held, said, holds=True)] if held else []
    return rows + ([statement(thing, decision.disputed, said, holds=False)] if decision.disputed else [])


def kind_of(thing: models.Model) -> str:
    """Return the name of a thing's kind, as in ``Statement.subject_kind``."""
    return str(thing._meta.model_name)


def values_of(thing: Registered, names: Iterable[str] | None = None) -> dict[str, Any]:
    """Return fields of a thing (all, or ``names``) as they are stated: foreign keys by id, days as text."""
    wanted = stated_fields(type(thing)) if names is None else names
    return {name: plain(getattr(thing, name)) for name in wanted}


def set_values(thing: Registered) -> dict[str, Any]:
    """Return the fields of a thing that are not empty, as they are stated."""
    return {name: value for name, value in values_of(thing).items() if value not in EMPTY}


def plain(value: Any) -> Any:
    """Return a value as it stands in a statement."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat()
    return value.isoformat() if hasattr(value, "isoformat") else value


def _write(locked: Registered, target: Registered, changed: Mapping[str, Any]) -> None:
    for name in changed:
        setattr(locked, name, getattr(target, name))
    settle(locked)
    try:
        with transaction.atomic():
            locked.save(update_fields=[*changed, *locked.derived])
    except IntegrityError as error:
        raise Refused("already_there", thing=str(locked)) from error


def _tell(thing: Registered, what: str, said: Said, details: Mapping[str, Any]) -> None:
    kind = kind_of(thing)
    audit.record(
        said.by.act(f"{kind}_{what}", (kind, thing.pk)), {**details, "source": said.source.reference}
    )
    events.publish(f"register.{kind}_{what}", {"id": thing.pk, **details}, said.by.at)
