"""Known headers: what column of which table a header means, and the unit written in it."""

import re
import unicodedata
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import yaml

_BRACKETED = re.compile(r"^(?P<name>.+?)\s*[(\[{【〔](?P<unit>[^)\]}】〕]+)[)\]}】〕]\s*$")
_SLASHED = re.compile(r"^(?P<name>[^/]+)/(?P<unit>[^/]+(?:/[^/]+)?)$")
_SUFFIXED = re.compile(r"^(?P<name>.*[\u4e00-\u9fff])(?P<unit>[A-Za-z][A-Za-z·./0-9]*)$")
_SEPARATORS = re.compile(r"[\s_\-.]+")
_INVISIBLE = re.compile("[\u200b\u200c\u200d\ufeff]")


READING_COLUMNS = frozenset(
    {
        *("day", "time", "end_time", "time_of_day", "interval_minutes", "multiplier", "quantity"),
        *("kw", "kwh", "register_kwh", "kvar"),
        *("current_l1_a", "current_l2_a", "current_l3_a", "voltage_l1_v", "voltage_l2_v", "voltage_l3_v"),
    }
)
"""Columns of files with one row per reading, beside the identifier."""


class Unit(NamedTuple):
    """A unit of the tables and the factor that brings the file's values to it."""

    name: str
    factor: float


class Header(NamedTuple):
    """A header without its unit: ``name`` as compared (lower case, no separators)."""

    name: str
    unit: Unit | None


def plain(text: str) -> str:
    """Return a header in half-width characters without invisible ones and outer blanks."""
    return _INVISIBLE.sub("", unicodedata.normalize("NFKC", text)).strip().strip("'\"")


def folded(text: str) -> str:
    """Return a header as it is compared: half-width, lower case, without separators."""
    return _SEPARATORS.sub("", plain(text)).lower()


def parse_header(text: str) -> Header:
    """Split a header into name and unit; a bracket that is no unit counts as part of nothing."""
    text = plain(text)
    for pattern in (_BRACKETED, _SLASHED, _SUFFIXED):
        match = pattern.match(text)
        if match and (unit := unit_of_text(match["unit"])):
            return Header(folded(match["name"]), unit)
    if match := _BRACKETED.match(text):
        return Header(folded(match["name"]), None)
    return Header(folded(text), None)


def unit_of_text(text: str) -> Unit | None:
    """Return the unit that ``text`` names, or None. Case counts only where it must (mW is not MW)."""
    text = plain(text).replace(" ", "")
    return _units().get(text) or _units_by_lower_case().get(text.lower())


def unit_factor(unit: Unit, wanted: str) -> float | None:
    """Return the factor from ``unit`` to the unit ``wanted`` of a table column; None: cannot be converted."""
    target = _units().get(wanted)
    if target is None or target.name != unit.name:
        return None
    return unit.factor / target.factor


def meaning(header: str, table: str, columns: frozenset[str]) -> tuple[str, int] | None:
    """Return which of ``columns`` the (folded) ``header`` means in a file of ``table``, and its rank.

    Of two headers that mean one column the lower rank counts: the canonical name has rank 0, then come the
    other names as they are listed. None: nothing is known.
    """
    exact = [(0, name) for name in columns if folded(name) == header]
    own = [each for each in _aliases().get((table, header), ()) if each[1] in columns]
    shared = [each for each in _aliases().get(("", header), ()) if each[1] in columns]
    found = min(exact or own or shared, default=None)
    return None if found is None else (found[1], found[0])


@cache
def quantities() -> Mapping[str, str]:
    """Return what a column with the name of the quantity may say (folded) → "kw" or "kwh"."""
    return {folded(text): name for name, texts in _content()["quantities"].items() for text in texts}


@cache
def value_prefixes() -> Mapping[str, str]:
    """Return prefix of a value column (folded) → quantity."""
    return {folded(p): q for q, prefixes in _content()["value_prefixes"].items() for p in prefixes}


@cache
def fallbacks() -> Mapping[str, Mapping[str, str]]:
    """Return table → {column: column that stands in for it where the file lacks it}."""
    return _content().get("fallbacks", {})


@cache
def words() -> Mapping[str, Mapping[str, str]]:
    """Return column → {word as a utility writes it: canonical word}."""
    return {
        column: {plain(text): word for word, texts in entries.items() for text in texts}
        for column, entries in _content()["words"].items()
    }


@cache
def _aliases() -> Mapping[tuple[str, str], list[tuple[int, str]]]:
    """Return (table or "", header) → (rank, column) of each column that it may mean."""
    found: dict[tuple[str, str], list[tuple[int, str]]] = {}
    for table, columns in {"": _content()["columns"], **_content()["tables"]}.items():
        for column, names in columns.items():
            for rank, name in enumerate(names, start=1):
                found.setdefault((table, folded(name)), []).append((rank, column))
    return found


@cache
def _units() -> Mapping[str, Unit]:
    return {plain(text).replace(" ", ""): Unit(*to) for text, to in _content()["units"].items()}


@cache
def _units_by_lower_case() -> Mapping[str, Unit]:
    return {text.lower(): unit for text, unit in reversed(list(_units().items()))}


@cache
def _content() -> Mapping[str, Any]:
    text = resources.files(__package__).joinpath("headers.yaml").read_text(encoding="utf-8")
    return yaml.load(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506  (a safe loader)
