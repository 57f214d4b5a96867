"""What an operation asks of a token, whose eyes read, and pages of rows."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Generic, TypeVar

from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _
from ninja import Field, Schema
from ninja.security import HttpBearer
from pydantic import StringConstraints

from minewatch.office.platform.exporting import note_export
from minewatch.office.platform.paging import after
from minewatch.office.platform.refusals import Refused, describe
from minewatch.office.platform.services import By
from minewatch.office.platform.tokens import Holder, note_missing
from minewatch.office.register.lists import OpenEyes
from minewatch.office.register.protection import Eyes
from minewatch.office.web import clock

UNMASK = "register.unmask"
ASKED_FOR: set[str] = {UNMASK}
"""Permissions that some operation asks for: those that a token can be given."""

describe(
    {
        "cursor_wrong": _("This is no cursor that the office gave."),
        "parameter_unknown": _("There is no parameter %(names)s."),
    }
)

Text = Annotated[str, StringConstraints(max_length=80, pattern="^[^\\x00]*$")]
Code = Annotated[str, StringConstraints(max_length=40, pattern=r"^[\w\-]+$")]
Words = Annotated[str, StringConstraints(min_length=1, max_length=500, pattern="^[^\\x00]*$")]
Number = Annotated[int, Field(ge=1, le=2**63 - 1)]
Purpose = Annotated[str, StringConstraints(min_length=4, max_length=300, pattern="^[^\\x00]*$")]
Item = TypeVar("Item")


class Bearer(HttpBearer):
    """A token with one permission."""

    def __init__(self, permission: str = "") -> None:
        super().__init__()
        self.permission = permission
        if permission:
            ASKED_FOR.add(permission)

    def __call__(self, request: HttpRequest) -> Holder:
        """Return who holds the token, which the gate has let in. Raises PermissionDenied."""
        if self.permission:
            require(request, self.permission)
        return holder_of(request)

    def authenticate(self, request: HttpRequest, _token: str) -> Holder:
        """Return who holds the token."""
        return holder_of(request)


class Clear(Schema):
    """What unmasking asks for."""

    purpose: Purpose | None = Field(
        None, description="Shows protected fields in the clear, for this purpose, which is audited"
    )


class Asked(Clear):
    """What every list takes."""

    cursor: Annotated[str, StringConstraints(max_length=40)] | None = Field(
        None, description="`next` of the page before"
    )
    size: int = Field(100, ge=1, le=500)


class Page(Schema, Generic[Item]):
    """Some rows, and the cursor of the page behind them; null on the last page."""

    items: list[Item]
    next: str | None


def holder_of(request: HttpRequest) -> Holder:
    """Return who holds the token of a request that the gate has let in."""
    holder: Holder = request.holder  # type: ignore[attr-defined]
    return holder


def by(request: HttpRequest) -> By:
    """Return who acts, and when."""
    return By(holder_of(request).token.user, clock.now())


def require(request: HttpRequest, permission: str) -> None:
    """Raise PermissionDenied where the token or its owner lacks a permission."""
    holder = holder_of(request)
    if permission not in holder.permissions:
        note_missing(holder.token, permission, by(request))
        raise PermissionDenied(permission)


def eyes(request: HttpRequest, purpose: str | None) -> Eyes:
    """Return whose eyes read: masked ones, or for a purpose, which is noted first, open ones."""
    who = by(request)
    number = who.user.pk if who.user else None
    if purpose is None:
        return Eyes(number, who.at)
    require(request, UNMASK)
    token = holder_of(request).token.prefix
    note_export(f"api {request.path}"[:60], purpose, {"in_the_clear": True, "token": token}, who)
    return OpenEyes(number, who.at, in_the_clear=True)


def page(
    request: HttpRequest,
    asked: Asked,
    rows: "Callable[[dict[str, Any]], QuerySet[Any]]",
    present: Callable[[Sequence[Any]], Sequence[Any]],
) -> Page[Any]:
    """Return a page of ``rows`` by the filters asked for, in the order of their ids, as presented."""
    known = set(type(asked).model_fields)
    if unknown := sorted(set(request.GET) - known):
        raise Refused("parameter_unknown", names=", ".join(unknown)[:200])
    said = asked.model_dump(exclude={"cursor", "size", "purpose"}, exclude_none=True)
    said = {name: value for name, value in said.items() if value not in ("", False)}
    found, last = after(rows(said), _position(asked.cursor), asked.size)
    return Page(items=list(present(found)), next=_cursor(last) if last else None)


def _cursor(number: int) -> str:
    return base64.urlsafe_b64encode(f"id:{number}".encode()).decode()


def _position(cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        kind, _, number = base64.urlsafe_b64decode(cursor.encode()).decode().partition(":")
        position = int(number)
    except (ValueError, binascii.Error) as error:
        raise Refused("cursor_wrong") from error
    if kind != "id" or not 0 <= position < 2**63:
        raise Refused("cursor_wrong")
    return position
