"""What a cell says: text, numbers, days, times, shares and choices as people and spreadsheets write them."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from typing import Any

from django.utils import timezone

LONGEST = 1_000
_EXACT_DIGITS = 15
_AS_TEXT = re.compile(r'^="(?P<text>[^"]*)"$')  # how Excel keeps the zeros of a number in CSV
_ERRORS = frozenset(["#REF!", "#N/A", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!"])
_DAY = re.compile(r"^(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?$|^(\d{4})(\d{2})(\d{2})$")
_CLOCK = re.compile(r"^(\d{1,2}):(\d{2})(?::(\d{2})(?:\.\d+)?)?$")
_NUMBER = re.compile(r"^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$", re.IGNORECASE)
_GROUPS = re.compile(r"(?<=\d),(?=\d{3}(\D|$))")
_RATE = re.compile(r"^(?P<number>[^a-z]+)(?P<prefix>[kmgtpe]?)(h|sol|g)?(/s|ps)?$", re.IGNORECASE)
_PREFIXES = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12, "p": 1e15, "e": 1e18}


class Unreadable(ValueError):  # noqa: N818 - named for what it is
    """A cell cannot be read as what its column holds; ``code`` says why."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


def text(cell: Any) -> str:
    """Return a cell as text, empty for an empty one; raises Unreadable for what is no value."""
    if cell is None:
        return ""
    if isinstance(cell, str):
        return _plain(cell)
    if isinstance(cell, bool):
        return str(cell).upper()
    if isinstance(cell, int | float):
        return _digits(cell)
    return cell.isoformat(sep=" ") if isinstance(cell, datetime) else str(cell)


def _plain(cell: str) -> str:
    if len(cell) > LONGEST:
        raise Unreadable("too_long")
    known = " ".join(cell.split())
    if as_text := _AS_TEXT.match(known):
        return as_text["text"].strip()
    if known in _ERRORS:
        raise Unreadable("cell_error")
    if known.startswith("="):
        raise Unreadable("formula")
    # an apostrophe before what could act as a formula is an export's, and no part of the value
    known = known[1:] if known[:1] == "'" and known[1:2] in tuple("=+-@") else known
    if any(unicodedata.category(c) == "Cc" for c in known):
        raise Unreadable("control_character")
    return known


def _digits(cell: float) -> str:
    if abs(cell) >= 10**_EXACT_DIGITS:
        raise Unreadable("digits_lost")
    return str(int(cell)) if cell == int(cell) else repr(cell)


def number(said: str) -> float:
    """Return a number: with thousands' commas, in full width."""
    known = _GROUPS.sub("", unicodedata.normalize("NFKC", said).replace(" ", ""))
    if not _NUMBER.match(known):
        raise Unreadable("not_a_number")
    return float(known)


def whole_number(said: str) -> int:
    """Return a whole number."""
    value = number(said)
    if value != int(value):
        raise Unreadable("not_a_number")
    return int(value)


def share(said: str) -> float:
    """Return a share of 1: also as per cent."""
    known = unicodedata.normalize("NFKC", said)
    return round(number(known[:-1]) / 100, 12) if known.endswith("%") else number(known)


def hash_rate(said: str) -> float:
    """Return a hash rate in H/s: ``95 TH/s``; a bare number is in H/s."""
    found = _RATE.match(unicodedata.normalize("NFKC", said).replace(" ", ""))
    if not found:
        raise Unreadable("not_a_number")
    return number(found["number"]) * _PREFIXES[found["prefix"].lower()]


def day(said: str) -> date:
    """Return a day: 2021-09-03, 2021/9/3, 2021.9.3, 2021年9月3日, 20210903; a time behind it counts not."""
    known = _DAY.match(unicodedata.normalize("NFKC", said).split(" ")[0].split("T")[0])
    if not known:
        raise Unreadable("not_a_day")
    try:
        return date(*(int(part) for part in known.groups() if part))
    except ValueError as error:
        raise Unreadable("not_a_day") from error


def moment(said: str) -> datetime:
    """Return a time of the office's zone; a day alone begins at midnight. One with its own zone keeps it."""
    try:
        known = datetime.fromisoformat(said)
    except ValueError:
        clock = said.split(" ")[1] if " " in said else "0:00"
        known = datetime.combine(day(said), _clock(clock))
    aware = known if known.tzinfo else timezone.make_aware(known)
    return aware.astimezone(UTC)


def _clock(said: str) -> time:
    found = _CLOCK.match(said)
    try:
        if found is None:
            return time.fromisoformat(said)
        hour, minute, second = (int(part or 0) for part in found.groups())
        return time(hour, minute, second)
    except ValueError as error:
        raise Unreadable("not_a_time") from error


def choice(words: Mapping[str, str]) -> Callable[[str], str]:
    """Return a reader of choices: ``words`` maps what people write (bare, in capitals) to the value."""

    def read(said: str) -> str:
        value = words.get(said.upper())
        if value is None:
            raise Unreadable("not_a_choice")
        return value

    return read
