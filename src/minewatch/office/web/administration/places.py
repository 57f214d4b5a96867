"""Pages of the system administrator: agencies, parks, and how the office's work stands."""

from typing import Any

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from minewatch.office.platform import services
from minewatch.office.platform.models import Agency
from minewatch.office.platform.operation import state_of_work
from minewatch.office.web.administration import forms
from minewatch.office.web.asking import Question, ask
from minewatch.office.web.doors import by, permitted

_form_page = require_http_methods(["GET", "HEAD", "POST"])


@permitted("platform.manage_agencies")
@_form_page
def agency_new(request: HttpRequest) -> HttpResponse:
    """Add an agency."""
    back = reverse("agencies")

    def act(said: dict[str, Any]) -> str:
        services.add_agency(services.AgencyGiven(**said), by(request))
        return back

    return ask(request, Question(_("New agency"), back=back), forms.bound(forms.AgencyForm, request), act)


@permitted("platform.manage_agencies")
@_form_page
def agency_edit(request: HttpRequest, code: str) -> HttpResponse:
    """Change an agency."""
    agency, back = get_object_or_404(Agency, code=code), reverse("agencies")

    def act(said: dict[str, Any]) -> str:
        services.change_agency(agency, said, by(request))
        return back

    initial = {name: getattr(agency, name) for name in ("name_zh", "name_en", "active")}
    form = forms.bound(forms.AgencyChangeForm, request, **initial)
    return ask(request, Question(agency.code, back=back), form, act)


@permitted("platform.manage_regions")
@_form_page
def park_new(request: HttpRequest) -> HttpResponse:
    """Add a park below its county."""
    back = reverse("regions")

    def act(said: dict[str, Any]) -> str:
        services.add_park(said["county"], (said["name_zh"], said["name_en"]), by(request))
        return back

    return ask(request, Question(_("New park"), back=back), forms.bound(forms.ParkForm, request), act)


@permitted("platform.see_work")
@require_safe
def office_state(request: HttpRequest) -> HttpResponse:
    """Show jobs and events that wait, run or failed."""
    return render(request, "web/administration/state.html", {"state": state_of_work()})
