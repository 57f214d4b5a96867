"""What stands before every page: login, second factor, number of sessions, the scope, the request's id."""

import uuid
from collections.abc import Callable
from typing import Any

from allauth.account.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth.views import redirect_to_login
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
            return redirect_to_login(request.get_full_path())
        if must_be_changed(request.user, clock.now()) and name != _CHANGES_PASSWORD:
            return redirect(_CHANGES_PASSWORD)
        return _look(request, request.user, name)


def is_public(name: str, view: Any) -> bool:
    """Tell whether a route is open without a login: marked ``public``, or part of logging in."""
    if getattr(view, PUBLIC_ATTRIBUTE, False) or name in _PUBLIC_NAMES:
        return True
    return name.startswith(_PUBLIC_PREFIXES)


def _look(request: HttpRequest, user: User, name: str) -> HttpResponse | None:
    """Look once a minute at what costs queries: other sessions, second factor; the session then lives on.

    What ends sessions (suspension, a new password, a lost factor) deletes them, and holds at once.
    """
    now = clock.now().timestamp()
    if now - request.session.get(_LOOKED_AT, 0) < _LOOKS_EVERY_S:
        return None
    request.session.modified = True
    if not _is_seen(request):
        UserSession.objects.create_from_request(request)
    if _has_other_sessions(request):
        return redirect("account_logout")
    if name in _WITHOUT_SECOND_FACTOR or name.startswith(_SETS_UP_SECOND_FACTOR):
        return None
    if _lacks_second_factor(user):
        return redirect("mfa_activate_totp")
    request.session[_LOOKED_AT] = now
    return None


def _is_seen(request: HttpRequest) -> bool:
    """Note that the session is in use, and from where; False where it is not known yet."""
    values = {
        "last_seen_at": clock.now(),
        "ip": get_adapter().get_client_ip(request),
        "user_agent": request.headers.get("user-agent", "")[:_LONGEST_USER_AGENT],
    }
    known = UserSession.objects.filter(session_key=request.session.session_key, user=request.user)
    return known.update(**values) > 0


def _lacks_second_factor(user: User) -> bool:
    if settings.SECOND_FACTOR != "required":
        return False
    return not Authenticator.objects.filter(user=user).exclude(type="recovery_codes").exists()


def _has_other_sessions(request: HttpRequest) -> bool:
    """End the oldest sessions beyond the allowed number; tell whether this one was among them."""
    sessions = UserSession.objects.filter(user=request.user).order_by("-last_seen_at", "-id")
    ended = list(sessions[settings.SESSIONS_OF_AN_ACCOUNT :])
    for session in ended:
        session.end()
    return request.session.session_key in {session.session_key for session in ended}
