"""Errors as ``application/problem+json`` (RFC 9457), in the language that the caller accepts."""

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from ninja import Field, NinjaAPI, Schema
from ninja.errors import HttpError, ValidationError

from minewatch.office.platform.refusals import Refused

_LOG = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
TITLES: Mapping[int, str | Promise] = {
    400: _("The request cannot be read"),
    401: _("A valid token is needed"),
    403: _("The token may not do this"),
    404: _("There is no such thing in your region"),
    405: _("This address does not know the method"),
    409: _("In the present state this cannot be done"),
    413: _("The content is too large"),
    422: _("The request holds something that does not fit"),
    429: _("Too many requests"),
    500: _("The office failed at this request"),
    503: _("The office is busy"),
}
_OF_THE_REQUEST = ("parcel_", "file_", "cursor_", "parameter_", "idempotency_")
TOO_LARGE = "content_too_large"
_BAD_VALUES = ("_missing", "_unknown")


class Fault(Schema):
    """A part of the request that does not fit, and why."""

    where: str
    message: str


class Problem(Schema):
    """An error: ``code`` is for programs and does not change, ``title`` and ``detail`` are for people."""

    type: str
    title: str
    status: int
    code: str
    detail: str = ""
    errors: list[Fault] = Field(default_factory=list)


def problem(status: int, code: str, detail: str = "", errors: Sequence[Fault] = ()) -> HttpResponse:
    """Return the answer that tells of an error."""
    title = str(TITLES.get(status, TITLES[500]))
    told = Problem(type="about:blank", title=title, status=status, code=code, detail=detail)
    content = told.model_dump() | {"errors": [fault.model_dump() for fault in errors]}
    return JsonResponse(content, status=status, content_type=MEDIA_TYPE)


def status_of(refusal: Refused) -> int:
    """Return 413 or 422 where what was sent does not fit, 409 where the state of things stands against it."""
    code = refusal.code
    if code == TOO_LARGE:
        return 413
    return 422 if code.startswith(_OF_THE_REQUEST) or code.endswith(_BAD_VALUES) else 409


def tell(api: NinjaAPI) -> None:
    """Have an interface answer with problems."""
    api.add_exception_handler(Refused, _refused)
    api.add_exception_handler(ValidationError, _invalid)
    api.add_exception_handler(PermissionDenied, _forbidden)
    api.add_exception_handler(Http404, _missing)
    api.add_exception_handler(HttpError, _unreadable)
    api.add_exception_handler(OperationalError, _busy)
    api.add_exception_handler(Exception, _failed)


def _refused(_request: HttpRequest, refusal: Any) -> HttpResponse:
    return problem(status_of(refusal), refusal.code, str(refusal))


def _invalid(_request: HttpRequest, error: Any) -> HttpResponse:
    return problem(422, "invalid", errors=[_fault(one) for one in error.errors])


def _fault(error: Mapping[str, Any]) -> Fault:
    return Fault(where=".".join(str(part) for part in error["loc"]), message=error["msg"])


def _forbidden(_request: HttpRequest, error: Any) -> HttpResponse:
    return problem(403, "forbidden", str(error))


def _missing(_request: HttpRequest, _error: Any) -> HttpResponse:
    return problem(404, "not_found")


def _unreadable(_request: HttpRequest, error: Any) -> HttpResponse:
    return problem(error.status_code, "unreadable")


def _busy(_request: HttpRequest, error: Any) -> HttpResponse:
    _LOG.warning("the database is busy: %s", error)
    answer = problem(503, "busy")
    answer["Retry-After"] = "2"
    return answer


def _failed(_request: HttpRequest, error: Any) -> HttpResponse:
    _LOG.error("a request of a program failed", exc_info=error)
    return problem(500, "failed")
