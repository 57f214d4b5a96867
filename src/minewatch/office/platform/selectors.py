"""Reading regions, agencies and accounts."""

import time
from datetime import datetime
from functools import lru_cache

from minewatch.office.platform.masking import MASKS
from minewatch.office.platform.models import Region, Unmasking, User
from minewatch.office.platform.scope import Scope


def scope_of(user: User) -> Scope:
    """Return the scope of an account: its region and what lies below.

    Administrators, and accounts without a region, see nothing.
    """
    if user.administers or user.region is None:
        return Scope(region_path="-", actor_id=user.pk, agency_id=user.agency_id)
    return Scope(region_path=user.region.path, actor_id=user.pk, agency_id=user.agency_id)


def regions_below(path: str) -> list[Region]:
    """Return the regions at and below ``path``, in the order of the tree."""
    return list(Region.objects.filter(path__startswith=path).order_by("path"))


def regions_near(path: str, levels: int) -> tuple[tuple[str, str, int], ...]:
    """Return code, name and depth of the region at ``path`` and of those up to ``levels`` below it, in order.

    Every list offers them and they hardly ever change: they are asked for once a minute, and after
    ``forget_regions``.
    """
    return _near(path, levels, int(time.monotonic() // _REMEMBERED_S))


_REMEMBERED_S = 60.0


@lru_cache(maxsize=256)
def _near(path: str, levels: int, _minute: int) -> tuple[tuple[str, str, int], ...]:
    deepest = len(path) // Region.steplen + levels
    below = Region.objects.filter(path__startswith=path, depth__lte=deepest, successor=None).order_by("path")
    return tuple(below.values_list("code", "name_zh", "depth"))


def forget_regions() -> None:
    """Ask for regions anew; called where they change."""
    _near.cache_clear()


def regions_above(region: Region) -> list[Region]:
    """Return the regions that a region lies in, the nation first."""
    paths = [region.path[:end] for end in range(Region.steplen, len(region.path), Region.steplen)]
    return list(Region.objects.filter(path__in=paths).order_by("path"))


def region_by_code(code: str) -> Region | None:
    """Return the region of a code; of one that ended the region that took its place. None if unknown."""
    region = Region.objects.filter(code=code).select_related("successor").first()
    seen = set()
    while region is not None and region.successor is not None and region.pk not in seen:
        seen.add(region.pk)
        region = region.successor
    return region


def is_unmasked(user_id: int, subject: tuple[str, object], field: str, now: datetime) -> bool:
    """Tell whether an account may see a protected field in the clear now."""
    kind, number = subject[0], str(subject[1])
    granted = Unmasking.objects.filter(user_id=user_id, subject_kind=kind, subject_id=number, field=field)
    return granted.filter(until__gt=now).exists()


def shown(value: str, field_class: str, in_the_clear: bool) -> str:
    """Return a protected value as it is shown: masked by its class unless it is unmasked."""
    return value if in_the_clear else MASKS[field_class](value)
