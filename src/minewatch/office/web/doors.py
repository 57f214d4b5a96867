"""What a view asks of an account before it does anything."""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase

from minewatch.office.platform.models import User
from minewatch.office.platform.services import By
from minewatch.office.web import clock

PERMISSION_ATTRIBUTE = "permission_needed"
"""Where the test of all routes reads what a view asks for."""

View = Callable[..., HttpResponseBase]


def permitted(permission: str) -> Callable[[View], View]:
    """Let through who has ``permission``; others get 403."""

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(request: HttpRequest, *args: Any, **named: Any) -> HttpResponseBase:
            if not request.user.has_perm(permission):
                raise PermissionDenied(permission)
            return view(request, *args, **named)

        setattr(guarded, PERMISSION_ATTRIBUTE, permission)
        return guarded

    return guard


def by(request: HttpRequest) -> By:
    """Return who acts in a request, and when."""
    assert isinstance(request.user, User)  # noqa: S101 - the doorkeeper let nobody else in
    return By(request.user, clock.now())
