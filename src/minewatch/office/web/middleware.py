"""What stands before every page: login, second factor, number of sessions, the scope, the request's id."""

import uuid
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from allauth.account.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
from django.db.models import Exists, OuterRef, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect

from minewatch.office.platform.audit import REQUEST_ID
from minewatch.office.platform.models import User
from minewatch.office.platform.passwords import must_be_changed
from minewatch.office.platform.scope import scoped
from minewatch.office.platform.selectors import scope_of
from minewatch.office.web import clock

PUBLIC_ATTRIBUTE = "is_public"
PROGRAMS = "ninja"
"""Name of the routes of the programming interface, which know tokens and no logins."""
_SETS_UP_SECOND_FACTOR = "mfa_"
_LONGEST_USER_AGENT = UserSession._meta.get_field("user_agent").max_length
_LOOKED_AT, _LOOKS_EVERY_S = "looked_at", 60
_CHANGES_PASSWORD = "account_change_password"  # noqa: S105 - the name of a route
_WITHOUT_SECOND_FACTOR = (_CHANGES_PASSWORD, "account_reauthenticate")
_PUBLIC_NAMES = frozenset(
    ["account_login", "account_logout", "mfa_authenticate", "mfa_login_webauthn", "set_language"]
)
_PUBLIC_PREFIXES = ("openid_connect_", "socialaccount_login")


def public(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Mark a view as open to everybody; every other needs a login."""
    setattr(view, PUBLIC_ATTRIBUTE, True)
    return view


class Doorkeeper:
    """Lets a request through to its view when the account may be there, inside the account's scope."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Serve the request under an id of its own, within the account's scope."""
        token = REQUEST_ID.set(str(uuid.uuid4()))
        try:
            if isinstance(request.user, User):
                with scoped(scope_of(request.user)):
                    return self._get_response(request)
            return self._get_response(request)
        finally:
            REQUEST_ID.reset(token)

    def process_view(
        self, request: HttpRequest, view: Any, _args: list[Any], _named: dict[str, Any]
    ) -> HttpResponse | None:
        """Send to the login, or to the set-up of a second factor, who may not be here yet."""
        name = request.resolver_match.url_name or "" if request.resolver_match else ""
        if request.resolver_match and request.resolver_match.app_names == [PROGRAMS]:
            return None  # the gate of the programming interface asks for a token
        if is_public(name, view):
            return None
        if not isinstance(request.user, User):
            return _to_the_login(request)
        if must_be_changed(request.user, clock.now()) and name != _CHANGES_PASSWORD:
            return redirect(_CHANGES_PASSWORD)
        return _look(request, request.user, name)


def _to_the_login(request: HttpRequest) -> HttpResponse:
    """Send to the login and back; a part of a page that asks again sends the whole page there."""
    if "HX-Request" not in request.headers:
        return redirect_to_login(request.get_full_path())
    page = urlsplit(request.headers.get("HX-Current-URL", "/"))
    login = redirect_to_login(urlunsplit(("", "", page.path or "/", page.query, "")))
    return HttpResponse(headers={"HX-Redirect": login["Location"]})


def is_public(name: str, view: Any) -> bool:
    """Tell whether a route is open without a login: marked ``public``, or part of logging in."""
    if getattr(view, PUBLIC_ATTRIBUTE, False) or name in _PUBLIC_NAMES:
        return True
    return name.startswith(_PUBLIC_PREFIXES)


def _look(request: HttpRequest, user: User, name: str) -> HttpResponse | None:
    """Look once a minute at what costs queries: second factor, the session's list; the session then lives on.

    What ends sessions (suspension, a new password, a lost factor) deletes them, and holds at once. How many
    sessions an account has is looked at when one begins.
    """
    now, looked_at = clock.now().timestamp(), request.session.get(_LOOKED_AT)
    if looked_at is not None and now - looked_at < _LOOKS_EVERY_S:
        return None
    request.session.modified = True
    if looked_at is None or not _goes_on(request, user):
        UserSession.objects.create_from_request(request)
        if _has_other_sessions(request):
            return redirect("account_logout")
        if name in _WITHOUT_SECOND_FACTOR or name.startswith(_SETS_UP_SECOND_FACTOR):
            return None
        if not _with_second_factor(User.objects.filter(pk=user.pk), "pk").exists():
            return redirect("mfa_activate_totp")
    request.session[_LOOKED_AT] = now
    return None


def _goes_on(request: HttpRequest, user: User) -> bool:
    """Note that a session is in use, and from where; False where it is not known or lacks a second factor."""
    values = {
        "last_seen_at": clock.now(),
        "ip": get_adapter().get_client_ip(request),
        "user_agent": request.headers.get("user-agent", "")[:_LONGEST_USER_AGENT],
    }
    known = UserSession.objects.filter(session_key=request.session.session_key, user=user)
    return _with_second_factor(known, "user").update(**values) > 0


def _with_second_factor(rows: "QuerySet[Any]", account: str) -> "QuerySet[Any]":
    """Leave rows whose account has a second factor, where one is asked for."""
    if settings.SECOND_FACTOR != "required":
        return rows
    factors = Authenticator.objects.filter(user=OuterRef(account)).exclude(type="recovery_codes")
    return rows.filter(Exists(factors))


def _has_other_sessions(request: HttpRequest) -> bool:
    """End the oldest sessions beyond the allowed number; tell whether this one was among them."""
    sessions = UserSession.objects.filter(user=request.user).order_by("-last_seen_at", "-id")
    ended = list(sessions[settings.SESSIONS_OF_AN_ACCOUNT :])
    for session in ended:
        session.end()
    return request.session.session_key in {session.session_key for session in ended}
