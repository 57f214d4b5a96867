"""How often somebody may do something: kept in the database, so that it holds across all processes.

A caller may spend up to a minute's rate at once and gets it back evenly (the generic cell rate algorithm):
one number a caller, changed in one conditional UPDATE, which both databases do without a race.
"""

from datetime import datetime

from django.db.models import F
from django.db.models.functions import Greatest

from minewatch.office.platform.models import Allowance

_MINUTE_S = 60.0


def take(key: str, per_minute: int, now: datetime) -> float:
    """Take one from the allowance of a caller; return 0, or the seconds to wait where none is left."""
    cost_s, second = _MINUTE_S / per_minute, now.timestamp()
    if _took(key, cost_s, second):
        return 0.0
    row = Allowance.objects.filter(key=key).first()
    if row is None:
        Allowance.objects.bulk_create([Allowance(key=key)], ignore_conflicts=True)
        return take(key, per_minute, now)
    return max(row.free_at + cost_s - _MINUTE_S - second, 0.001)


def _took(key: str, cost_s: float, second: float) -> bool:
    free = Allowance.objects.filter(key=key, free_at__lte=second + _MINUTE_S - cost_s)
    return bool(free.update(free_at=Greatest(F("free_at"), second) + cost_s))


def forget(now: datetime) -> int:
    """Remove what says nothing any more: all of it is free again. Return how many."""
    return Allowance.objects.filter(free_at__lt=now.timestamp()).delete()[0]
