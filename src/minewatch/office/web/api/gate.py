"""What stands before the programming interface: the token, its rate, its scope; and how answers leave."""

import math
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.middleware.http import ConditionalGetMiddleware

from minewatch.office.platform.allowances import take
from minewatch.office.platform.scope import scoped
from minewatch.office.platform.tokens import Holder, TokenRefused, hold
from minewatch.office.web import clock
from minewatch.office.web.api.problems import MEDIA_TYPE, TITLES, problem

PREFIX = "/api/v1/"
OPEN = f"{PREFIX}openapi.json"
"""The one address that needs no token: it describes the others."""


class Gate:
    """Lets a program through with a valid token, within the token's scope; pages pass untouched."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response
        self._conditional = ConditionalGetMiddleware(get_response)

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Serve the request."""
        if not request.path_info.startswith(PREFIX):
            return self._get_response(request)
        answer = _as_problem(self._serve(request))
        answer.setdefault("Cache-Control", "private, no-cache")
        return self._conditional.process_response(request, answer)

    def _serve(self, request: HttpRequest) -> HttpResponse:
        if request.path_info == OPEN:
            return _throttled_by_address(request) or self._get_response(request)
        holder = _holder(request)
        if holder is None:
            return _throttled_by_address(request) or _unknown()
        limited = _throttled(f"token {holder.token.prefix}", settings.API_PER_MINUTE)
        if limited:
            return limited
        request.holder = holder  # type: ignore[attr-defined]
        with scoped(holder.scope):
            return self._get_response(request)


def address_of(request: HttpRequest) -> str:
    """Return where a request comes from; behind a proxy what the proxy says."""
    said = str(request.META.get("HTTP_X_FORWARDED_FOR", "")) if settings.SECURE_PROXY_SSL_HEADER else ""
    return (said.rpartition(",")[2].strip() or str(request.META.get("REMOTE_ADDR", "")))[:45]


def _holder(request: HttpRequest) -> Holder | None:
    scheme, _, key = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not key.isascii() or "\0" in key:
        return None
    try:
        return hold(key.strip(), address_of(request), clock.now())
    except TokenRefused:
        return None


def _unknown() -> HttpResponse:
    answer = problem(401, "token_invalid")
    answer["WWW-Authenticate"] = 'Bearer realm="minewatch"'
    return answer


def _throttled_by_address(request: HttpRequest) -> HttpResponse | None:
    return _throttled(f"address {address_of(request)}", settings.API_PER_MINUTE_WITHOUT_TOKEN)


def _throttled(key: str, per_minute: int) -> HttpResponse | None:
    wait_s = take(key, per_minute, clock.now())
    if not wait_s:
        return None
    answer = problem(429, "too_many_requests")
    answer["Retry-After"] = str(math.ceil(wait_s))
    return answer


def _as_problem(answer: Any) -> HttpResponse:
    """Return Django's own errors (no such route, a method that is not known) as problems too."""
    if answer.status_code < 400 or answer.get("Content-Type") == MEDIA_TYPE:
        return answer
    status = answer.status_code if answer.status_code in TITLES else 500
    told = problem(status, {404: "not_found", 405: "method"}.get(status, "unreadable"))
    if "Allow" in answer:
        told["Allow"] = answer["Allow"]
    return told
