"""The phone's page of a visit and what it sends and fetches. The page itself holds nothing of anybody."""

from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.middleware.csrf import get_token
from django.shortcuts import redirect, render
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_POST, require_safe

from minewatch.office.platform.refusals import Refused
from minewatch.office.verify.inspections.checklist import checklist
from minewatch.office.verify.inspections.pack import inspections_to_take, user_key
from minewatch.office.verify.inspections.selectors import inspection_by_number
from minewatch.office.verify.inspections.sheet_forms import PhotoGiven, SheetGiven, parsed
from minewatch.office.verify.inspections.sheets import keep_photo, keep_sheet
from minewatch.office.web.doors import by, permitted
from minewatch.office.web.field.offline import worker_script
from minewatch.office.web.field.words import words

_CARRY_OUT = "inspections.carry_out"
_MOST_SHEET_BYTES = 2_000_000
_MOST_PHOTO_BYTES = 25_000_000


@permitted(_CARRY_OUT)
@require_safe
def field(request: HttpRequest) -> HttpResponse:
    """Show the page; the same for everybody, so that a phone may keep it."""
    return render(request, "web/field/shell.html", _shell())


@permitted(_CARRY_OUT)
@require_safe
def field_inspection(_request: HttpRequest, number: str) -> HttpResponse:
    """Lead to an inspection on the page."""
    return redirect(f"{reverse('field')}#{urlencode({'n': number})}")


@permitted(_CARRY_OUT)
@require_safe
def worker(_request: HttpRequest) -> HttpResponse:
    """Give the service worker out: below ``/field/``, which it may answer for."""
    shell = render_to_string("web/field/shell.html", _shell()).encode()
    response = HttpResponse(worker_script(shell), content_type="text/javascript")
    response["Cache-Control"] = "no-cache"
    return response


@permitted(_CARRY_OUT)
@require_safe
def pack(request: HttpRequest) -> JsonResponse:
    """Give out what the account's own open inspections need on site; that it was taken is kept."""
    who = by(request)
    get_token(request)  # what is sent later needs the cookie
    assert who.user is not None  # noqa: S101 - the doorkeeper let nobody else in
    taken = inspections_to_take(who)
    response = JsonResponse(
        {
            "user": user_key(who.user),
            "name": who.user.get_full_name() or who.user.get_username(),
            "at": who.at.isoformat(),
            "checklist": checklist(),
            "inspections": taken,
        }
    )
    response["Cache-Control"] = "no-store"
    return response


@permitted(_CARRY_OUT)
@require_POST
def sheet_in(request: HttpRequest, number: str) -> JsonResponse:
    """Take a sheet in; the same one again gives the same answer."""
    if len(request.body) > _MOST_SHEET_BYTES:
        return _refusal(Refused("sheet_malformed", what=f"> {_MOST_SHEET_BYTES} B"), 413)
    return _answered(
        number,
        lambda inspection: _kept_sheet(
            keep_sheet(inspection, parsed(SheetGiven, request.body), by(request)), inspection
        ),
    )


@permitted(_CARRY_OUT)
@require_POST
def photo_in(request: HttpRequest, number: str, client_id: UUID) -> JsonResponse:
    """Take a photo in; the same one again gives the same answer."""
    file = request.FILES.get("file")
    if file is None or (file.size or 0) > _MOST_PHOTO_BYTES:
        return _refusal(Refused("file_too_large", most_mb=_MOST_PHOTO_BYTES // 1_000_000), 413)

    def taken(inspection: Any) -> dict[str, Any]:
        given = parsed(PhotoGiven, str(request.POST.get("said", "")))
        if given.client_id != client_id:
            raise Refused("sheet_malformed", what="client_id")
        return {"sha256": keep_photo(inspection, file.chunks(), given, by(request)).file.sha256}

    return _answered(number, taken)


def _answered(number: str, act: Any) -> JsonResponse:
    inspection = inspection_by_number(number)
    if inspection is None:
        return _refusal(Refused("sheet_of_others"), 404)
    try:
        return JsonResponse(act(inspection))
    except Refused as refusal:
        return _refusal(refusal, 422 if refusal.code == "sheet_malformed" else 409)


def _kept_sheet(sheet: Any, _inspection: Any) -> dict[str, Any]:
    names = ("revision", "is_conflict", "content_sha256")
    return {name: getattr(sheet, name) for name in names} | {"client_id": str(sheet.client_id)}


def _refusal(refusal: Refused, status: int) -> JsonResponse:
    return JsonResponse({"code": refusal.code, "text": str(refusal)}, status=status)


def _shell() -> dict[str, Any]:
    places = {
        "field": reverse("field"),
        "pack": reverse("field_pack"),
        "login": reverse("account_login"),
        "logout": reverse("account_logout"),
    }
    return {"words": words(), "places": places}
