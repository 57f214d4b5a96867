"""Logins, failures and lock-outs go into the audit chain: Django tells of them by signals."""

from collections.abc import Mapping
from typing import Any

from axes.signals import user_locked_out
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver
from django.http import HttpRequest

from minewatch.office.platform.accounts import note_login
from minewatch.office.platform.models import User
from minewatch.office.platform.services import By
from minewatch.office.web import clock
from minewatch.office.web.adapters import name_tried


@receiver(user_logged_in, dispatch_uid="audit")
def logged_in(request: HttpRequest, user: User, **_: Any) -> None:
    """Note a login."""
    note_login("logged_in", user.username, _address(request), By(user, clock.now()))


@receiver(user_logged_out, dispatch_uid="audit")
def logged_out(request: HttpRequest, user: User | None, **_: Any) -> None:
    """Note a logout."""
    if user is not None:
        note_login("logged_out", user.username, _address(request), By(user, clock.now()))


@receiver(user_login_failed, dispatch_uid="audit")
def failed(credentials: Mapping[str, Any], request: HttpRequest | None = None, **_: Any) -> None:
    """Note a wrong password of an account that there is; other names are not written down."""
    name = name_tried(request, credentials)
    if User.objects.filter(username=name).exists():
        note_login("login_failed", name, _address(request), By(None, clock.now()))


@receiver(user_locked_out, dispatch_uid="audit")
def locked(request: HttpRequest, username: str | None, **_: Any) -> None:
    """Note that an account was locked."""
    if User.objects.filter(username=username or "").exists():
        note_login("locked_out", username or "", _address(request), By(None, clock.now()))


def _address(request: HttpRequest | None) -> str:
    return str(request.META.get("REMOTE_ADDR", "")) if request is not None else ""
