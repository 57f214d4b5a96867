"""Imports as the console shows them: their state, their rows with what each changes, their errors."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import QuerySet
from django.utils.functional import Promise

from minewatch.office.platform.masking import MASKS
from minewatch.office.platform.models import Agency, Region
from minewatch.office.platform.scope import active
from minewatch.office.platform.services import By
from minewatch.office.register.imports.kinds import kinds
from minewatch.office.register.imports.models import Import, ImportRow
from minewatch.office.register.imports.problems import ADVICE
from minewatch.office.register.imports.rows import PLACE, Field, Outcome
from minewatch.office.register.imports.services import path_of
from minewatch.office.register.imports.tables import rows_of
from minewatch.office.register.models import Enterprise, Premises
from minewatch.office.register.protection import Eyes

_SAMPLES = 3
_CHUNK = 1_000


@dataclass(frozen=True)
class ImportShown:
    """An import; ``share`` of the work that runs, None where its end is not known or none runs."""

    id: int
    name: str
    kind: str
    kind_title: str
    note: str
    state: str
    state_title: str
    failure: str
    region: str
    by: str
    is_own: bool
    counts: Mapping[str, int]
    done: int
    total: int | None
    received_at: datetime
    confirmed_at: datetime | None
    ended_at: datetime | None

    @property
    def is_running(self) -> bool:
        """Tell whether a worker is at it."""
        return self.state in (Import.State.CHECKING, Import.State.APPLYING)


@dataclass(frozen=True)
class ColumnShown:
    """A column of the file: where it stands, what is above it, some of its values, the field it may hold."""

    place: str
    header: str
    samples: tuple[str, ...]
    field: str


@dataclass(frozen=True)
class ChangeShown:
    """A field of a row: what it was, what the file says, and whether a weightier source overrules that."""

    title: str | Promise
    before: str
    after: str
    is_overruled: bool = False


@dataclass(frozen=True)
class ErrorShown:
    """What is wrong in a row: the column, what stood there, what is wrong, what to do."""

    column: str
    value: str
    wrong: str
    do: str


@dataclass(frozen=True)
class RowShown:
    """A row of the preview; ``values`` of a new thing stand in ``changes`` too."""

    number: int
    outcome: str
    outcome_title: str
    changes: tuple[ChangeShown, ...]
    errors: tuple[ErrorShown, ...]


def import_rows() -> "QuerySet[Import]":
    """Return the imports of the account's agency, in scope."""
    rows = Import.objects.filter(agency=active().agency_id)
    return rows.select_related("user", "region", "default_region", "work")


def import_by_number(number: int) -> Import | None:
    """Return an import of the account's agency, or None."""
    return import_rows().filter(pk=number).first()


def shown(one: Import, by: By) -> ImportShown:
    """Return an import as a page shows it."""
    return ImportShown(
        one.pk,
        one.name,
        one.kind,
        str(kinds()[one.kind].title),
        one.note,
        one.state,
        str(one.get_state_display()),
        one.failure,
        str(one.default_region),
        one.user.get_full_name() or one.user.get_username(),
        one.user_id == (by.user.pk if by.user else None),
        one.counts,
        one.work.done if one.work else 0,
        one.work.total if one.work else None,
        one.received_at,
        one.confirmed_at,
        one.ended_at,
    )


def columns_of(one: Import, by: By) -> list[ColumnShown]:
    """Return the columns of a file with some of their values; masked to others than who brought it."""
    samples = _samples(one) if by.user and one.user_id == by.user.pk else []
    return [
        ColumnShown(
            str(place),
            header,
            tuple(
                str(row[place])[:60] for row in samples if place < len(row) and row[place] not in (None, "")
            ),
            one.columns.get(str(place), ""),
        )
        for place, header in enumerate(one.headers)
    ]


def _samples(one: Import) -> list[Sequence[Any]]:
    found: list[Sequence[Any]] = []
    if not path_of(one).is_file():
        return found
    for number, row in rows_of(path_of(one), one.form):
        if number > one.header_row and any(cell not in (None, "") for cell in row):
            found.append(row)
        if len(found) == _SAMPLES:
            break
    return found


def preview(one: Import, outcome: str) -> "QuerySet[ImportRow]":
    """Return the rows of an import with an outcome (all where it is empty), in the order of the file."""
    rows = ImportRow.objects.filter(of=one).order_by("number")
    return rows.filter(outcome=outcome) if outcome in Outcome.values else rows


def rows_shown(one: Import, rows: Sequence[ImportRow], by: By) -> list[RowShown]:
    """Return rows as the preview shows them: what the register has stays masked."""
    eyes = Eyes(by.user.pk if by.user else None, by.at)
    pen = _Pen(one, eyes, rows)
    return [
        RowShown(
            row.number,
            row.outcome,
            str(row.get_outcome_display()),
            tuple(pen.changes(row)),
            tuple(pen.error(error) for error in row.errors),
        )
        for row in rows
    ]


def error_lines(one: Import, by: By) -> Iterator[tuple[int, ErrorShown]]:
    """Yield what is wrong in an import, with the number of the row."""
    rows = ImportRow.objects.filter(of=one, outcome=Outcome.WRONG).order_by("number")
    pen = _Pen(one, Eyes(by.user.pk if by.user else None, by.at), [])
    for row in rows.iterator(chunk_size=_CHUNK):
        for error in row.errors:
            yield row.number, pen.error(error)


class _Pen:
    """Writes values of rows for a reader: names for ids, masks where the reader may not see."""

    def __init__(self, one: Import, eyes: Eyes, rows: Sequence[ImportRow]) -> None:
        self._kind, self._eyes = one.kind, eyes
        self._is_own = one.user_id == eyes.user_id
        self._fields = kinds()[one.kind].by_name
        self._names = _names_of(rows)

    def changes(self, row: ImportRow) -> Iterator[ChangeShown]:
        """Yield what a row says, field by field."""
        if row.outcome == Outcome.WRONG:
            return
        if not row.changes and not row.disputes:
            said = {**row.values, **({"premises_id": row.values[PLACE][1]} if PLACE in row.values else {})}
            for name, value in said.items():
                if name in self._fields:
                    yield ChangeShown(self._fields[name].title, "", self._after(self._fields[name], value))
        for pairs, is_overruled in ((row.changes, False), (row.disputes, True)):
            for name, (before, after) in pairs.items():
                field = self._fields[name]
                was = self._before(row, field, before)
                yield ChangeShown(field.title, was, self._after(field, after), is_overruled)

    def error(self, error: Mapping[str, str]) -> ErrorShown:
        """Return an error in words."""
        field = self._fields.get(error["name"])
        value = self._masked(field, error["value"]) if field else error["value"]
        advice = ADVICE[error["code"]]
        column = error.get("column") or (str(field.title) if field else "")
        return ErrorShown(column, value, str(advice.wrong), str(advice.do))

    def _before(self, row: ImportRow, field: Field, value: Any) -> str:
        text = self._text(field, value)
        if field.name == "premises_id":
            return self._eyes.show(("premises", value), "address", text)
        return self._eyes.show((self._kind, row.thing_id), field.name, text)

    def _after(self, field: Field, value: Any) -> str:
        return self._masked(field, self._text(field, value))

    def _masked(self, field: Field, text: str) -> str:
        return text if self._is_own or not field.mask or not text else MASKS[field.mask](text)

    def _text(self, field: Field, value: Any) -> str:
        if value is None:
            return ""
        return self._names.get((field.name, value), str(value)) if isinstance(value, int) else str(value)


def _names_of(rows: Sequence[ImportRow]) -> dict[tuple[str, int], str]:
    """Return what the things are called that rows refer to by id: a query for each kind."""
    models = {"region_id": Region, "enterprise_id": Enterprise, "premises_id": Premises, "carrier_id": Agency}
    names: dict[tuple[str, int], str] = {}
    for name, model in models.items():
        ids = {value for row in rows for value in _said(row, name) if isinstance(value, int)}
        if ids:
            found = model._base_manager.filter(pk__in=ids)  # type: ignore[attr-defined]
            names |= {(name, one.pk): str(one) for one in found}
    return names


def _said(row: ImportRow, name: str) -> list[Any]:
    pairs = [*row.changes.get(name, []), *row.disputes.get(name, [])]
    return [row.values.get(name), *pairs]
