"""The page of a site and its panels; the pages of enterprises and usage points; unmasking; the search."""

from datetime import timedelta
from typing import Any

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from minewatch.office.platform.services import unmask
from minewatch.office.register import selectors
from minewatch.office.register.history import history
from minewatch.office.register.legal_basis import NOTICE, legal_basis
from minewatch.office.register.protection import EVERY_FIELD, eyes_of
from minewatch.office.register.search import search as find
from minewatch.office.register.things import thing_page
from minewatch.office.register.titles import KINDS
from minewatch.office.web.asking import Question, ask
from minewatch.office.web.doors import View, by, permitted
from minewatch.office.web.forms import OfficeForm
from minewatch.office.web.panels import PANELS, Panel
from minewatch.office.web.sites.lists import STATE_COLOURS

_UNMASKED_FOR = timedelta(minutes=30)
_PAGES = {"enterprise": "enterprise", "usagepoint": "usage_point", "plant": "plant", "line": "line"}
"""Routes of things other than sites, by kind."""


@permitted("register.see_things")
@require_safe
def site(request: HttpRequest, code: str) -> HttpResponse:
    """Show a site: what it is, what hangs on it, its legal basis; the other panels load on their own."""
    eyes = eyes_of(by(request))
    page = selectors.site_page(code, eyes)
    if page is None:
        raise Http404(code)
    if page.code != code:
        return redirect("site", page.code)
    context = {
        "site": page,
        "colour": STATE_COLOURS.get(page.state, "blue"),
        "panels": [panel for panel in _ordered_panels() if request.user.has_perm(panel.permission)],
        "notice": NOTICE,
        "articles": legal_basis(page.phase, page.kind, page.state),
        "is_open": eyes.sees(("site", page.id), EVERY_FIELD),
    }
    return render(request, "web/sites/site.html", context)


def _ordered_panels() -> list[Panel]:
    return sorted(PANELS, key=lambda panel: panel.key != "case")


@permitted("register.see_things")
@require_safe
def site_panel(request: HttpRequest, code: str, key: str) -> HttpResponse:
    """Show one panel of a site, alone."""
    panel = next((panel for panel in PANELS if panel.key == key), None)
    found = selectors.site_by_code(code)
    if panel is None or found is None:
        raise Http404(key)
    if not request.user.has_perm(panel.permission):
        raise PermissionDenied(panel.permission)
    context = {"panel": panel, "code": found.code, **panel.context(found.pk, by(request))}
    template = panel.template if request.htmx else "web/sites/panel_page.html"  # type: ignore[attr-defined]
    return render(request, template, context)


def history_context(site_id: int, who: Any) -> dict[str, Any]:
    """Return the history of each field of a site."""
    return {"fields": history("site", site_id, eyes_of(who))}


class PurposeForm(OfficeForm):
    """What protected fields are needed for."""

    purpose = forms.CharField(label=_("Purpose"), min_length=4, max_length=300)


@permitted("register.unmask")
@require_http_methods(["GET", "POST"])
def site_unmask(request: HttpRequest, code: str) -> HttpResponse:
    """Ask for a purpose, and show the protected fields of a site for half an hour."""
    found = selectors.site_by_code(code)
    if found is None:
        raise Http404(code)
    address = reverse("site", args=[found.code])

    def act(said: dict[str, Any]) -> str:
        who = by(request)
        unmask(("site", found.pk), EVERY_FIELD, said["purpose"], (who, who.at + _UNMASKED_FOR))
        return address

    question = Question(
        title=_("Show the protected fields of %(code)s") % {"code": found.code},
        button=_("Show"),
        back=address,
        note=_("The purpose is kept in the audit log. The fields stay open for 30 minutes."),
        done=_("The protected fields are shown for 30 minutes."),
    )
    return ask(request, question, PurposeForm(request.POST or None), act)


@permitted("register.see_things")
@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Find things by name, code, 户号, credit code, IP address or wallet."""
    text = request.GET.get("q", "").strip()
    hits = find(text, eyes_of(by(request))) if text else []
    found = [(hit, KINDS[hit.kind], _address_of(hit.kind, hit.id, hit.key)) for hit in hits]
    return render(request, "web/sites/search.html", {"text": text, "found": found})


def _address_of(kind: str, number: int, key: str) -> str:
    if kind == "site":
        return reverse("site", args=[key])
    return reverse(_PAGES.get(kind, "premises"), args=[number])


def thing(kind: str) -> View:
    """Return the view of the page of a thing of ``kind``."""

    def view(request: HttpRequest, number: int) -> HttpResponse:
        eyes = eyes_of(by(request))
        page = thing_page(kind, number, eyes)
        if page is None:
            raise Http404(kind)
        told = history(kind, number, eyes) if request.user.has_perm("register.see_history") else []
        return render(request, "web/sites/thing.html", {"thing": page, "fields": told})

    return permitted("register.see_things")(require_safe(view))
