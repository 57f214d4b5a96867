"""What a row of a file says and what it would do: the shapes that reading, deciding and applying share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from django.utils.functional import Promise

from minewatch.office.register.facts import plain
from minewatch.office.register.imports.models import ImportRow
from minewatch.office.register.imports.places import Gazetteer

Outcome = ImportRow.Outcome
PLACE = "place"
"""Key in the values of a row: region and address of premises that are registered with it."""


class Field(NamedTuple):
    """A column that a kind knows: how its cell is read, and the class by which it is masked.

    ``choices`` are the values that it can have, in words, for the template.
    """

    name: str
    title: str | Promise
    read: Callable[[str], Any]
    is_needed: bool = False
    mask: str = ""
    example: str = ""
    choices: Sequence[str | Promise] = ()


class Fault(NamedTuple):
    """What is wrong with a row: the field, what was in its cell, and the code of the advice."""

    name: str
    code: str
    value: str = ""


@dataclass
class Given:
    """A row as read: ``values`` by field, ``masked`` cells as they stand, and what was wrong so far."""

    number: int
    values: dict[str, Any] = field(default_factory=dict)
    masked: dict[str, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


@dataclass
class Judged:
    """A row and what it would do; ``values`` as they can be kept in JSON."""

    number: int
    outcome: Outcome
    key: str = ""
    thing_id: int | None = None
    values: dict[str, Any] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)
    disputes: dict[str, Any] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    waits: bool = False


class Setting(NamedTuple):
    """What rows are judged against: the regions, and the region of rows that name none."""

    places: Gazetteer
    default_region_id: int


def kept(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values as they can be kept in JSON."""
    return {name: plain(value) for name, value in values.items()}


def wrong(given: Given, *faults: Fault, key: str = "") -> Judged:
    """Return the row as one in error."""
    return Judged(
        given.number, Outcome.WRONG, key, faults=[*given.faults, *faults], values=kept(given.values)
    )


def read(number: int, cells: Sequence[Any], fields: Mapping[int, Field], texts: "Texts") -> Given:
    """Read the cells of a row by the fields of its columns (by place)."""
    given = Given(number)
    for place, known in fields.items():
        cell = cells[place] if place < len(cells) else None
        if cell is None or cell == "":
            continue
        try:
            said = texts(cell)
            if said and known.mask and "*" in said:
                given.masked[known.name] = said
            elif said:
                given.values[known.name] = known.read(said)
        except ValueError as error:
            code = getattr(error, "code", "value_wrong")
            given.faults.append(Fault(known.name, str(code), str(cell)[:200]))
    return given


Texts = Callable[[Any], str]
