"""Reading regions, agencies and accounts."""

from datetime import datetime

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
