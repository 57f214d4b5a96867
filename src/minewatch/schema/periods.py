"""Half-open periods of time: the start belongs to them, the end does not."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

_WEEK = re.compile(r"(\d{4})-W(\d{2})")
_MONTH = re.compile(r"(\d{4})-(\d{2})")
_YEAR = re.compile(r"(\d{4})")


@dataclass(frozen=True, order=True)
class Period:
    """From ``start_at`` (included) to ``end_at`` (excluded), both with a time zone.

    Raises ValueError for a time without zone and for an end that is not after the start.
    """

    start_at: datetime
    end_at: datetime

    def __post_init__(self) -> None:
        if self.start_at.tzinfo is None or self.end_at.tzinfo is None:
            raise ValueError("a period needs times with a time zone")
        if self.end_at <= self.start_at:
            raise ValueError(f"the period ends ({self.end_at}) before it starts ({self.start_at})")

    @property
    def hours(self) -> float:
        """Length in hours."""
        return (self.end_at - self.start_at).total_seconds() / 3600

    def contains(self, instant: datetime) -> bool:
        """Tell whether ``instant`` lies in the period."""
        return self.start_at <= instant < self.end_at

    def days(self, zone: ZoneInfo) -> tuple[date, date]:
        """Return the local days that the period touches as (first, last + 1)."""
        last = (self.end_at - timedelta(microseconds=1)).astimezone(zone).date()
        return self.start_at.astimezone(zone).date(), last + timedelta(days=1)


def parse_period(text: str, zone: ZoneInfo) -> Period:
    """Read ``2026-W20``, ``2026-05``, ``2026``, ``2026-05-01`` or ``2026-05-01/2026-06-01`` in local time.

    In the last form the second day is excluded. Raises ValueError that names the accepted forms.
    """
    first, last = _parse_days(text.strip())
    return day_period(first, last, zone)


def day_period(first: date, last: date, zone: ZoneInfo) -> Period:
    """Return the period of the local days ``first`` (included) to ``last`` (excluded)."""
    return Period(_midnight(first, zone), _midnight(last, zone))


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _parse_days(text: str) -> tuple[date, date]:
    try:
        if "/" in text:
            start, _, end = text.partition("/")
            return date.fromisoformat(start), date.fromisoformat(end)
        if match := _WEEK.fullmatch(text):
            monday = date.fromisocalendar(int(match[1]), int(match[2]), 1)
            return monday, monday + timedelta(days=7)
        if match := _MONTH.fullmatch(text):
            year, month = int(match[1]), int(match[2])
            return date(year, month, 1), date(year + month // 12, month % 12 + 1, 1)
        if match := _YEAR.fullmatch(text):
            return date(int(match[1]), 1, 1), date(int(match[1]) + 1, 1, 1)
        day = date.fromisoformat(text)
    except ValueError as error:
        forms = "2026-W20, 2026-05, 2026, 2026-05-01 or 2026-05-01/2026-06-01 (last day excluded)"
        raise ValueError(f"not a period: {text!r} ({error}); write {forms}") from error
    return day, day + timedelta(days=1)
