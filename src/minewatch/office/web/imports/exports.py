"""The exports that an account asked for, and their files."""

from datetime import datetime

from django.core.exceptions import PermissionDenied
from django.http import FileResponse, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_safe

from minewatch.office.platform.refusals import Refused
from minewatch.office.register.exports import services
from minewatch.office.register.exports.models import Export
from minewatch.office.web.doors import by
from minewatch.office.web.listing.exports import LISTINGS

_MOST = 50


@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show the exports of the account; asks again while one is being made."""
    who = by(request)
    found = list(services.exports_of(who)[:_MOST])
    rows = [(one, _title(one), _is_there(one, who.at)) for one in found]
    is_running = any(one.work.state in ("waiting", "running") for one in found)
    is_part = request.htmx and not request.htmx.boosted  # type: ignore[attr-defined]
    name = "web/imports/exports_table.html" if is_part else "web/imports/exports.html"
    return render(request, name, {"exports": rows, "is_running": is_running, "days": services.KEPT_DAYS})


def _title(one: Export) -> object:
    return LISTINGS[one.page].title if one.page in LISTINGS else one.page


def _is_there(one: Export, now: datetime) -> bool:
    return bool(one.file and one.expires_at and one.expires_at > now)


@require_safe
def file(request: HttpRequest, number: int) -> HttpResponseBase:
    """Give a finished export to the account that asked for it, if it may still have it."""
    who = by(request)
    export = services.exports_of(who).filter(pk=number).first()
    if export is not None:
        _expect_permission(request, export)
    try:
        kept, path = services.open_export(number, who)
    except Refused as refusal:
        return render(request, "404.html", {"refusal": str(refusal)}, status=404)
    name = f"{kept.page}-{kept.asked_at:%Y%m%d-%H%M}.{kept.form}"
    return FileResponse(path.open("rb"), as_attachment=True, filename=name)


def _expect_permission(request: HttpRequest, export: Export) -> None:
    listing = LISTINGS.get(export.page)
    if listing is None:
        raise PermissionDenied(export.page)
    needed = [listing.exporting, *([listing.clearing] if export.in_the_clear else [])]
    for permission in needed:
        if not request.user.has_perm(permission):
            raise PermissionDenied(permission)
