"""Working days and time limits, both from tables: what the State Council moves each year is data.

Days that the table does not name follow the week. An office replaces a table by a file of the same name in
its home. A limit of n working days ends with the n-th working day, in the office's time zone.
"""

import csv
from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from functools import cache
from pathlib import Path

from django.utils import timezone

from minewatch.office.home import home

_DATA = Path(__file__).parent / "data"
_FRIDAY, _WEEKEND = 4, (5, 6)


def _rows(name: str) -> Iterator[Mapping[str, str]]:
    own = home().folder / name
    with (own if own.is_file() else _DATA / name).open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


@cache
def moved_days() -> Mapping[date, bool]:
    """Return the days on which work differs from the week: whether one works on them."""
    return {date.fromisoformat(row["day"]): row["works"] == "1" for row in _rows("working_days.csv")}


@cache
def limits() -> Mapping[str, int]:
    """Return the time limits in working days, by what must be done."""
    return {row["what"]: int(row["working_days"]) for row in _rows("limits.csv")}


def is_known(year: int) -> bool:
    """Tell whether the table names the moved days of a year."""
    return any(day.year == year for day in moved_days())


def works(day: date) -> bool:
    """Tell whether a day is a working day."""
    return moved_days().get(day, day.weekday() not in _WEEKEND)


def end_of(day: date) -> datetime:
    """Return the instant in which a day of the office ends."""
    return timezone.make_aware(datetime.combine(day + timedelta(days=1), time.min))


def working_days_on(at: datetime, number: int) -> datetime:
    """Return when ``number`` working days after ``at`` are over."""
    day = timezone.localdate(at)
    while number > 0:
        day += timedelta(days=1)
        number -= works(day)
    return end_of(day)


def due(what: str, at: datetime) -> datetime:
    """Return when something that is to be done from ``at`` on is due."""
    return working_days_on(at, limits()[what])


def weekly_deadline(at: datetime) -> datetime:
    """Return the end of the week's Friday, of the working day before it where nobody works on it.

    From the end of that day on it is the next week's.
    """
    friday = timezone.localdate(at) + timedelta(days=(_FRIDAY - timezone.localdate(at).weekday()) % 7)
    while True:
        day = friday
        while not works(day):
            day -= timedelta(days=1)
        if end_of(day) > at:
            return end_of(day)
        friday += timedelta(days=7)
