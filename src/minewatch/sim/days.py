"""The Chinese calendar of work and rest: weekends, holidays, make-up workdays, Spring Festival.

Source of the dates: the State Council's yearly notices on holiday arrangements
(国务院办公厅关于部分节假日安排的通知) for 2024, 2025 and 2026. Other years have the lunar new year alone
(astronomical date), eight days long.
"""

from datetime import date, timedelta

import numpy as np
import numpy.typing as npt

_OFF = (
    ("2024-01-01", "2024-01-01"),
    ("2024-02-10", "2024-02-17"),
    ("2024-04-04", "2024-04-06"),
    ("2024-05-01", "2024-05-05"),
    ("2024-06-10", "2024-06-10"),
    ("2024-09-15", "2024-09-17"),
    ("2024-10-01", "2024-10-07"),
    ("2025-01-01", "2025-01-01"),
    ("2025-01-28", "2025-02-04"),
    ("2025-04-04", "2025-04-06"),
    ("2025-05-01", "2025-05-05"),
    ("2025-05-31", "2025-06-02"),
    ("2025-10-01", "2025-10-08"),
    ("2026-01-01", "2026-01-03"),
    ("2026-02-15", "2026-02-23"),
    ("2026-04-04", "2026-04-06"),
    ("2026-05-01", "2026-05-05"),
    ("2026-06-19", "2026-06-21"),
    ("2026-09-25", "2026-09-27"),
    ("2026-10-01", "2026-10-07"),
)
_MAKE_UP_DAYS = """
2024-02-04 2024-02-18 2024-04-07 2024-04-28 2024-05-11 2024-09-14 2024-09-29 2024-10-12
2025-01-26 2025-02-08 2025-04-27 2025-09-28 2025-10-11
2026-01-04 2026-02-14 2026-02-28 2026-05-09 2026-09-20 2026-10-10
"""
_MAKE_UP = frozenset(map(date.fromisoformat, _MAKE_UP_DAYS.split()))
_NEW_YEAR = {
    year: date.fromisoformat(day)
    for year, day in (
        (2020, "2020-01-25"),
        (2021, "2021-02-12"),
        (2022, "2022-02-01"),
        (2023, "2023-01-22"),
        (2024, "2024-02-10"),
        (2025, "2025-01-29"),
        (2026, "2026-02-17"),
        (2027, "2027-02-06"),
        (2028, "2028-01-26"),
        (2029, "2029-02-13"),
        (2030, "2030-02-03"),
    )
}


def _holidays() -> frozenset[date]:
    spans = [(date.fromisoformat(first), date.fromisoformat(last)) for first, last in _OFF]
    noticed = {first.year for first, _ in spans}
    spans += [
        (eve - timedelta(days=1), eve + timedelta(days=6))
        for year, eve in _NEW_YEAR.items()
        if year not in noticed
    ]
    return frozenset(
        first + timedelta(days=n) for first, last in spans for n in range((last - first).days + 1)
    )


HOLIDAYS = _holidays()


def is_workday(day: date) -> bool:
    """Tell whether offices work on ``day``."""
    return day in _MAKE_UP or (day.weekday() < 5 and day not in HOLIDAYS)


def workdays(start_on: date, days: int) -> npt.NDArray[np.bool_]:
    """Return for each of ``days`` days whether it is a workday; shape (days,)."""
    return np.array([is_workday(start_on + timedelta(days=n)) for n in range(days)], dtype=bool)


def days_to_new_year(start_on: date, days: int) -> npt.NDArray[np.float64]:
    """Return the signed distance of each day to the nearest lunar new year, in days; shape (days,)."""
    eves = np.array([eve.toordinal() for eve in _NEW_YEAR.values()])
    ordinals = start_on.toordinal() + np.arange(days)
    distance = ordinals[:, None] - eves[None, :]
    nearest = np.abs(distance).argmin(axis=1)
    signed: npt.NDArray[np.float64] = distance[np.arange(days), nearest].astype(np.float64)
    return signed
