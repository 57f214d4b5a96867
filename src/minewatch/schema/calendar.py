"""The Chinese calendar of work and rest: weekends, holidays, make-up workdays, Spring Festival.

Source of the dates: the State Council's yearly notices on holiday arrangements
(国务院办公厅关于部分节假日安排的通知) for 2020 to 2026, with the lengthened Spring Festival of 2020. Other
years have the lunar new year alone (astronomical date), eight days long.
"""

from collections.abc import Iterable
from datetime import date, timedelta
from enum import IntEnum

_OFF = """
2020-01-01 2020-01-01  2020-01-24 2020-02-02  2020-04-04 2020-04-06  2020-05-01 2020-05-05
2020-06-25 2020-06-27  2020-10-01 2020-10-08
2021-01-01 2021-01-03  2021-02-11 2021-02-17  2021-04-03 2021-04-05  2021-05-01 2021-05-05
2021-06-12 2021-06-14  2021-09-19 2021-09-21  2021-10-01 2021-10-07
2022-01-01 2022-01-03  2022-01-31 2022-02-06  2022-04-03 2022-04-05  2022-04-30 2022-05-04
2022-06-03 2022-06-05  2022-09-10 2022-09-12  2022-10-01 2022-10-07
2022-12-31 2023-01-02  2023-01-21 2023-01-27  2023-04-05 2023-04-05  2023-04-29 2023-05-03
2023-06-22 2023-06-24  2023-09-29 2023-10-06
2024-01-01 2024-01-01  2024-02-10 2024-02-17  2024-04-04 2024-04-06  2024-05-01 2024-05-05
2024-06-10 2024-06-10  2024-09-15 2024-09-17  2024-10-01 2024-10-07
2025-01-01 2025-01-01  2025-01-28 2025-02-04  2025-04-04 2025-04-06  2025-05-01 2025-05-05
2025-05-31 2025-06-02  2025-10-01 2025-10-08
2026-01-01 2026-01-03  2026-02-15 2026-02-23  2026-04-04 2026-04-06  2026-05-01 2026-05-05
2026-06-19 2026-06-21  2026-09-25 2026-09-27  2026-10-01 2026-10-07
"""
_MAKE_UP_DAYS = """
2020-01-19 2020-04-26 2020-05-09 2020-06-28 2020-09-27 2020-10-10
2021-02-07 2021-02-20 2021-04-25 2021-05-08 2021-09-18 2021-09-26 2021-10-09
2022-01-29 2022-01-30 2022-04-02 2022-04-24 2022-05-07 2022-10-08 2022-10-09
2023-01-28 2023-01-29 2023-04-23 2023-05-06 2023-06-25 2023-10-07 2023-10-08
2024-02-04 2024-02-18 2024-04-07 2024-04-28 2024-05-11 2024-09-14 2024-09-29 2024-10-12
2025-01-26 2025-02-08 2025-04-27 2025-09-28 2025-10-11
2026-01-04 2026-02-14 2026-02-28 2026-05-09 2026-09-20 2026-10-10
"""
_MAKE_UP = frozenset(map(date.fromisoformat, _MAKE_UP_DAYS.split()))
_NEW_YEARS = """
2018-02-16 2019-02-05 2020-01-25 2021-02-12 2022-02-01 2023-01-22 2024-02-10 2025-01-29 2026-02-17
2027-02-06 2028-01-26 2029-02-13 2030-02-03
"""
NEW_YEARS = tuple(map(date.fromisoformat, _NEW_YEARS.split()))
"""First days of lunar years."""


class DayKind(IntEnum):
    """What a day is to those who work."""

    WORKDAY = 0
    REST = 1
    SPRING_FESTIVAL = 2  # from the eve of the lunar new year to its seventh day


def _days(spans: Iterable[tuple[date, date]]) -> frozenset[date]:
    return frozenset(
        first + timedelta(days=n) for first, last in spans for n in range((last - first).days + 1)
    )


_ENDS = tuple(map(date.fromisoformat, _OFF.split()))
_NOTICED = tuple(zip(_ENDS[::2], _ENDS[1::2], strict=True))
_FESTIVALS = [(first - timedelta(days=1), first + timedelta(days=6)) for first in NEW_YEARS]
_YEARS = {last.year for _, last in _NOTICED}

FESTIVAL_DAYS = _days(_FESTIVALS)
HOLIDAYS = _days([*_NOTICED, *(span for span in _FESTIVALS if span[1].year not in _YEARS)])


def is_workday(day: date) -> bool:
    """Tell whether offices work on ``day``."""
    return day in _MAKE_UP or (day.weekday() < 5 and day not in HOLIDAYS)


def day_kind(day: date) -> DayKind:
    """Return what ``day`` is to those who work."""
    if day in FESTIVAL_DAYS:
        return DayKind.SPRING_FESTIVAL
    return DayKind.WORKDAY if is_workday(day) else DayKind.REST
