"""Pages of an agency's webhooks: subscribing, what was delivered, replay, a new secret."""

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from minewatch.office.platform import programs, webhooks
from minewatch.office.platform.models import Hook, HookDelivery, Region
from minewatch.office.platform.paging import page_of
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.scope import active
from minewatch.office.web.asking import Question, ask
from minewatch.office.web.doors import by, permitted
from minewatch.office.web.forms import OfficeForm
from minewatch.office.web.webhooks.forms import HookForm
from minewatch.office.web.webhooks.happenings import KINDS

_KEEPS = "platform.keep_hooks"
_SIZE = 50
_MOST_REPLAYED = 1_000
_form_page = require_http_methods(["GET", "HEAD", "POST"])
_DEAD_FIRST = (HookDelivery.State.DEAD, HookDelivery.State.WAITING, HookDelivery.State.DONE)


def _data(request: HttpRequest) -> Any:
    return request.POST if request.method == "POST" else None


@permitted(_KEEPS)
@require_safe
def hook(request: HttpRequest, number: int) -> HttpResponse:
    """Show a subscription and its deliveries, by state."""
    found = _own(number)
    said = request.GET.get("state", "")
    state = said if said in HookDelivery.State.values else ""
    turned = request.GET.get("page", "")
    page = page_of(
        programs.deliveries(found.pk, state),
        int(turned) if turned.isascii() and turned.isdigit() and len(turned) < 9 else 1,
        _SIZE,
        lambda rows: programs.delivery_rows(list(rows)),
    )
    context = {
        "hook": programs.hook_rows([found])[0],
        "kinds": [KINDS[kind][0] if kind in KINDS else kind for kind in found.kinds],
        "page": page,
        "state": state,
        "states": [("", _("All")), *((one.value, one.label) for one in _DEAD_FIRST)],
    }
    return render(request, "web/webhooks/hook.html", context)


@permitted(_KEEPS)
@require_safe
def delivery(request: HttpRequest, number: int, delivery: int) -> HttpResponse:
    """Show what was sent in a delivery, and each try."""
    found = get_object_or_404(HookDelivery, pk=delivery, hook=_own(number))
    context = {
        "hook": found.hook,
        "delivery": programs.delivery_rows([found])[0],
        "title": KINDS[found.kind][0] if found.kind in KINDS else found.kind,
        "payload": found.payload,
        "attempts": found.attempts.order_by("-pk"),
    }
    return render(request, "web/webhooks/delivery.html", context)


@permitted(_KEEPS)
@_form_page
def hook_new(request: HttpRequest) -> HttpResponse:
    """Subscribe; the secret is shown once."""
    who = by(request)
    region = who.user.region if who.user else None
    form = HookForm(_data(request), initial={"region": region.code if region else ""})

    def act(said: dict[str, Any]) -> tuple[Hook, str]:
        place = Region.objects.filter(code=said["region"]).first()
        if place is None:
            raise Refused("region_unknown", code=said["region"])
        given = webhooks.HookGiven(said["name"], said["url"], frozenset(said["kinds"]), place)
        return webhooks.subscribe(given, who)

    note = _("Each event is sent once, signed, and again until your system answers.")
    return _showing(request, Question(_("New webhook"), _("Subscribe"), reverse("hooks"), note), form, act)


@permitted(_KEEPS)
@_form_page
def hook_secret(request: HttpRequest, number: int) -> HttpResponse:
    """Change the secret."""
    found = _own(number)

    def act(_said: dict[str, Any]) -> tuple[Hook, str]:
        return found, webhooks.rotate(found, by(request))

    note = _("For a day both secrets sign, so that you can change over without losing an event.")
    question = Question(
        f"{found.name} · {_('New secret')}", _("Change"), reverse("hook", args=[number]), note
    )
    return _showing(request, question, OfficeForm(_data(request)), act)


@permitted(_KEEPS)
@require_POST
def hook_switch(request: HttpRequest, number: int) -> HttpResponse:
    """Stop a subscription or let it go on."""
    found = _own(number)
    webhooks.switch(found, not found.active, by(request))
    return redirect("hook", number)


@permitted(_KEEPS)
@require_POST
def hook_replay(request: HttpRequest, number: int) -> HttpResponse:
    """Try again what was given up: the ticked deliveries, or all."""
    found = _own(number)
    ticked = [int(one) for one in request.POST.getlist("ids") if one.isascii() and one.isdigit()]
    dead = programs.deliveries(found.pk, HookDelivery.State.DEAD).values_list("pk", flat=True)
    webhooks.replay(found, ticked or dead[:_MOST_REPLAYED], by(request))
    return redirect("hook", number)


@permitted("platform.see_hooks")
@_form_page
def hook_stop(request: HttpRequest, number: int) -> HttpResponse:
    """Stop any subscription, for the system administrator."""
    found, back = get_object_or_404(Hook, pk=number), reverse("all_hooks")

    def act(_said: dict[str, Any]) -> str:
        webhooks.stop(found, by(request))
        return back

    note = _("Nothing is sent any more until the agency starts it again.")
    question = Question(f"{found.name} · {_('Stop')}", _("Stop"), back, note)
    return ask(request, question, OfficeForm(_data(request)), act)


def _showing(request: HttpRequest, question: Question, form: OfficeForm, act: Any) -> HttpResponse:
    """Ask, and show the secret that came of it, once."""
    shown: list[HttpResponse] = []

    def acting(said: dict[str, Any]) -> str:
        made, secret = act(said)
        answer = render(request, "web/webhooks/secret.html", {"hook": made, "secret": secret})
        answer["Cache-Control"] = "no-store"
        shown.append(answer)
        return reverse("hooks")

    answer = ask(request, question, form, acting)
    return shown[0] if shown else answer


def _own(number: int) -> Hook:
    found = programs.hooks({"agency": active().agency_id}).filter(pk=number).first()
    if found is None:
        raise Http404(str(number))
    return found
