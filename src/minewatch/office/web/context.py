"""What every page shows: who is logged in, where, and the way through the console."""

from typing import Any, NamedTuple

from django.conf import settings
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from minewatch.office.platform.models import User


class Way(NamedTuple):
    """An entry of the menu: route, title, icon (of Tabler), permission that shows it."""

    route: str
    title: str | Promise
    icon: str
    permission: str = ""


WAYS: list[Way] = [Way("home", _("Overview"), "layout-dashboard")]


def of_every_page(request: HttpRequest) -> dict[str, Any]:
    """Return the menu of the account and whether a second factor is asked for."""
    user = getattr(request, "user", None)
    if not isinstance(user, User):
        return {"ways": []}
    ways = [way for way in WAYS if not way.permission or user.has_perm(way.permission)]
    return {"ways": ways, "second_factor": settings.SECOND_FACTOR}
