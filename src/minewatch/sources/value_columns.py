"""The value columns of a wide file: 00:15 … 24:00, P1 … P96, kw_0, 0015, 数据点1, 1时 and their like."""

import re
from collections.abc import Sequence
from typing import NamedTuple

from minewatch.sources.headers import Unit, folded, parse_header, plain, value_prefixes

DAY_MINUTES = 1440
LONG_DAY_COUNTS = {100: 15, 50: 30, 25: 60}
"""Columns of files that count the intervals of a day as they pass (25 hours) → minutes of one."""

_COUNTS = {24, 48, 72, 96, 144, 288, 1440, *LONG_DAY_COUNTS}
_CLOCK = re.compile(
    r"^(?P<prefix>.*?)_?(?P<hour>\d{1,2})(?:[:时点](?P<minute>\d{2})(?::00|分)?|时)(?:$|[-~至到])"
)
_DIGITS = re.compile(r"^(?P<prefix>.*?\D|)_?(?P<number>\d{1,4})(?:点|$)")


class ValueColumns(NamedTuple):
    """Value columns of one quantity: ``positions`` in the order of time, one for each interval of the day.

    ``counted``: the intervals are counted as they pass, so that a day with a skipped or repeated hour has
    fewer or more of them; ``positions`` then holds those of a day of 25 hours.
    """

    quantity: str
    unit: Unit | None
    positions: tuple[int, ...]
    minutes: int
    counted: bool


class _Numbered(NamedTuple):
    position: int
    prefix: str
    unit: Unit | None
    minute: int | None  # minute of the day, for a clock time
    number: int | None  # for a number


def find_value_columns(names: Sequence[str]) -> list[ValueColumns]:
    """Return the groups of value columns among the headers ``names``; empty for a file that is not wide."""
    groups: dict[tuple[str, bool], list[_Numbered]] = {}
    for position, name in enumerate(names):
        if parsed := _parse(position, name):
            groups.setdefault((parsed.prefix, parsed.minute is None), []).append(parsed)
    found = (_as_columns(prefix, group) for (prefix, _), group in groups.items())
    return [columns for columns in found if columns]


def between(names: Sequence[str], first: str, last: str) -> ValueColumns | None:
    """Return the columns from header ``first`` to ``last``, both included, in their order in the file."""
    names = [plain(name) for name in names]
    if first not in names or last not in names:
        return None
    positions = tuple(range(names.index(first), names.index(last) + 1))
    return _columns("value", None, positions) if len(positions) in _COUNTS else None


def _parse(position: int, name: str) -> _Numbered | None:
    text = plain(name).replace(" ", "")
    if match := _CLOCK.match(text):
        minute = int(match["hour"]) * 60 + int(match["minute"] or 0)
        return _Numbered(position, folded(match["prefix"]), None, minute, None)
    if match := _DIGITS.match(text):
        prefix = parse_header(match["prefix"]) if match["prefix"] else None
        name = prefix.name.removeprefix("第") if prefix else ""
        return _Numbered(position, name, prefix.unit if prefix else None, None, int(match["number"]))
    return None


def _as_columns(prefix: str, group: list[_Numbered]) -> ValueColumns | None:
    quantity = value_prefixes().get(prefix, "value")
    unit = next((each.unit for each in group if each.unit), None)
    if group[0].minute is None:
        group = _as_clock(group) or group
    by_time = sorted(group, key=lambda each: (each.minute or 0, each.number or 0))
    if not _is_even(by_time):
        return None
    return _columns(quantity, unit, tuple(each.position for each in by_time))


def _columns(quantity: str, unit: Unit | None, positions: tuple[int, ...]) -> ValueColumns:
    counted = len(positions) in LONG_DAY_COUNTS
    minutes = LONG_DAY_COUNTS.get(len(positions), DAY_MINUTES // len(positions))
    return ValueColumns(quantity, unit, positions, minutes, counted)


def _as_clock(group: list[_Numbered]) -> list[_Numbered] | None:
    """Read 0015 … 2400 as clock times, where every number is one and they are not just 1 … n."""
    numbers = sorted(each.number or 0 for each in group)
    if numbers[-1] < 1000 or any(number % 100 >= 60 or number > 2400 for number in numbers):
        return None
    return [
        each._replace(minute=(each.number or 0) // 100 * 60 + (each.number or 0) % 100, number=None)
        for each in group
    ]


def _is_even(by_time: list[_Numbered]) -> bool:
    """Tell whether the columns cover the day evenly, by start (00:00 …) or by end (… 24:00)."""
    count = len(by_time)
    if count not in _COUNTS:
        return False
    if by_time[0].minute is None:
        numbers = [each.number for each in by_time]
        return numbers in (list(range(count)), list(range(1, count + 1)))
    if DAY_MINUTES % count:
        return False
    step = DAY_MINUTES // count
    minutes = [each.minute for each in by_time]
    return minutes in ([i * step for i in range(count)], [(i + 1) * step for i in range(count)])
