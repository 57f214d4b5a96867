"""The history of a thing: for each field who said what and when, and where sources disagree."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.utils.timezone import localtime

from minewatch.office.register.checks import stated_fields
from minewatch.office.register.facts import WEIGHT
from minewatch.office.register.models import Registered, Source, Statement
from minewatch.office.register.protection import Eyes, Subject
from minewatch.office.register.titles import FIELDS

_LARGE = 1e6


@dataclass(frozen=True)
class Entry:
    """One source's word on a field; ``holds`` is false where a weightier source said otherwise."""

    value: str
    source_kind: str
    source: str
    agency: str
    user: str
    at: datetime
    valid_from: datetime | None
    valid_to: datetime | None
    holds: bool


@dataclass(frozen=True)
class FieldHistory:
    """What was said of a field, newest first."""

    field: str
    title: str
    entries: tuple[Entry, ...]

    @property
    def is_disputed(self) -> bool:
        """Tell whether a source disagrees with what holds now."""
        holding = next((entry.value for entry in self.entries if entry.holds), "")
        return any(not entry.holds and entry.value != holding for entry in self.entries)


def history(kind: str, number: int, eyes: Eyes) -> list[FieldHistory]:
    """Return the history of each field of a thing in scope, in the order of its form; nothing outside."""
    model: type[Registered] = apps.get_model("register", kind)
    if not model.objects.filter(pk=number).exists():
        return []
    rows = list(_statements(kind, number))
    names = _names(model, rows, eyes)
    found = []
    for field in stated_fields(model):
        told = [row for row in rows if field in row.values]
        if told:
            shown = tuple(_entry(row, field, names, eyes) for row in reversed(told))
            found.append(FieldHistory(field, str(FIELDS[field]), shown))
    return found


def disagreements(kind: str, number: int, eyes: Eyes) -> list[FieldHistory]:
    """Return the fields of a thing on which sources disagree now."""
    return [field for field in history(kind, number, eyes) if field.is_disputed]


def as_of(thing: Registered, at: datetime) -> dict[str, Any]:
    """Return the fields of a thing as they followed at a time from what had been said until then."""
    values: dict[str, Any] = {}
    weights: dict[str, int] = {}
    for row in _statements(str(thing._meta.model_name), thing.pk).filter(at__lte=at, holds=True):
        weight = WEIGHT[row.source.kind]
        for name, value in row.values.items():
            if weight >= weights.get(name, -1) or values.get(name) in (None, "", {}):
                values[name], weights[name] = value, weight
    return values


def _statements(kind: str, number: int) -> Any:
    rows = Statement.objects.filter(subject_kind=kind, subject_id=number).order_by("id")
    return rows.select_related("source__agency", "source__user")


def _entry(row: Statement, field: str, names: Mapping[tuple[str, Any], str], eyes: Eyes) -> Entry:
    subject: Subject = (row.subject_kind, row.subject_id)
    value = row.values[field]
    if field in ("lon", "lat"):
        value = eyes.place(subject, value)
    text = _text(value) if isinstance(value, dict | list) else names.get((field, value)) or _text(value)
    source = row.source
    return Entry(
        value=eyes.show(subject, field, text),
        source_kind=str(Source.Kind(source.kind).label),
        source=source.reference,
        agency=str(source.agency or ""),
        user=source.user.get_username() if source.user else "",
        at=row.at,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        holds=row.holds,
    )


def _text(value: Any) -> str:
    """Write a value of a statement for a person."""
    if isinstance(value, dict):  # hash rates by algorithm
        return ", ".join(f"{name} {rate['value']:.4g} H/s" for name, rate in sorted(value.items()))
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= _LARGE else f"{value:.6g}"
    if isinstance(value, str) and (moment := _moment(value)):
        return localtime(moment).strftime("%Y-%m-%d %H:%M")
    return "" if value is None else str(value)


def _moment(text: str) -> datetime | None:
    """Return the time that a statement keeps as text, as ``facts.plain`` wrote it."""
    if text.endswith("+00:00"):
        with suppress(ValueError):
            return datetime.fromisoformat(text)
    return None


def _names(model: type[Registered], rows: Iterable[Statement], eyes: Eyes) -> dict[tuple[str, Any], str]:
    """Return what values of foreign keys and choices are called, by field and value."""
    found: dict[tuple[str, Any], str] = {}
    for name, field in stated_fields(model).items():
        found |= {(name, value): str(label) for value, label in field.choices or []}
        ids = {row.values[name] for row in rows if row.values.get(name)} if field.is_relation else set()
        if ids:
            related: Any = field.related_model
            for pk, row in related._base_manager.in_bulk(ids).items():
                found[name, pk] = eyes.named(row) if isinstance(row, Registered) else str(row)
    return found
