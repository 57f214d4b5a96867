"""Making, drawing and revoking tokens; accounts of machines."""

from collections.abc import Callable
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from minewatch.office.platform import programs, tokens
from minewatch.office.platform.machines import open_machine
from minewatch.office.platform.models import Region, Token, User
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.roles import Role
from minewatch.office.web.asking import Question, ask
from minewatch.office.web.doors import by, permitted
from minewatch.office.web.forms import OfficeForm
from minewatch.office.web.tokens.forms import PERMISSIONS, MachineForm, MachineTokenForm, TokenForm
from minewatch.office.web.tokens.lists import COLOURS

_USES, _MANAGES = "platform.use_tokens", "platform.manage_users"
_form_page = require_http_methods(["GET", "HEAD", "POST"])


def _data(request: HttpRequest) -> Any:
    return request.POST if request.method == "POST" else None


@permitted(_USES)
@require_safe
def token(request: HttpRequest, prefix: str) -> HttpResponse:
    """Show a token that the account owns or keeps."""
    return _page(request, _own(request, prefix), "token_revoke")


@permitted(_MANAGES)
@require_safe
def any_token(request: HttpRequest, prefix: str) -> HttpResponse:
    """Show a token to the security administrator."""
    return _page(request, _any(prefix), "any_token_revoke")


def _page(request: HttpRequest, found: Token, revoking: str) -> HttpResponse:
    row = programs.token_row(found, by(request).at)
    context = {
        "token": row,
        "colour": COLOURS[row.state],
        "permissions": [PERMISSIONS.get(name, name) for name in row.permissions],
        "can_draw": row.state == "waiting" and found.keeper_id == request.user.pk,
        "revoking": revoking,
    }
    return render(request, "web/tokens/token.html", context)


@permitted(_USES)
@_form_page
def token_new(request: HttpRequest) -> HttpResponse:
    """Make a token for the own account; its key is shown once."""
    who = by(request)
    assert who.user is not None  # noqa: S101 - by() gives one
    region = who.user.region
    form = TokenForm(
        _data(request),
        held=who.user.permissions_held,
        initial={"region": region.code if region else ""},
    )

    def act(said: dict[str, Any]) -> tuple[Token, str]:
        return tokens.make(_given(said), who)

    note = _("The key is shown once. It can do what you choose here, as long as you may do it yourself.")
    return _showing(request, Question(_("New token"), _("Make"), reverse("tokens"), note), form, act)


@permitted(_USES)
@_form_page
def token_draw(request: HttpRequest, prefix: str) -> HttpResponse:
    """Draw the key of a token that was prepared for a machine."""
    found = _own(request, prefix)

    def act(_said: dict[str, Any]) -> tuple[Token, str]:
        return found, tokens.draw(found, by(request))

    note = _("The key is shown once, to you alone. Put it into the machine and nowhere else.")
    question = Question(_("Draw the key"), _("Draw"), reverse("token", args=[prefix]), note)
    return _showing(request, question, OfficeForm(_data(request)), act)


@permitted(_USES)
@_form_page
def token_revoke(request: HttpRequest, prefix: str) -> HttpResponse:
    """Revoke a token that the account owns or keeps."""
    return _revoking(request, _own(request, prefix), "tokens")


@permitted(_MANAGES)
@_form_page
def any_token_revoke(request: HttpRequest, prefix: str) -> HttpResponse:
    """Revoke any token."""
    return _revoking(request, _any(prefix), "all_tokens")


def _revoking(request: HttpRequest, found: Token, back: str) -> HttpResponse:
    def act(_said: dict[str, Any]) -> str:
        tokens.revoke(found, by(request))
        return reverse(back)

    note = _("The token ends at once, and for good.")
    question = Question(f"{found.name} · {_('Revoke')}", _("Revoke"), reverse(back), note)
    return ask(request, question, OfficeForm(_data(request)), act)


@permitted(_MANAGES)
@_form_page
def machine_new(request: HttpRequest) -> HttpResponse:
    """Open the account of another system."""

    def act(said: dict[str, Any]) -> str:
        roles = frozenset(Role(role) for role in said["roles"])
        user = open_machine(said["username"], said["title"], said["agency"], roles, by(request))
        return reverse("machine_token", args=[user.username])

    note = _("It has no password and never logs in: another system acts through it with tokens.")
    question = Question(_("New machine account"), _("Open"), reverse("all_tokens"), note)
    return ask(request, question, MachineForm(_data(request)), act)


@permitted(_MANAGES)
@_form_page
def machine_token(request: HttpRequest, username: str) -> HttpResponse:
    """Prepare a token for a machine's account."""
    user = get_object_or_404(User, username=username, is_machine=True)
    initial = {"region": user.region.code if user.region else ""}
    form = MachineTokenForm(_data(request), held=user.permissions_held, initial=initial)

    def act(said: dict[str, Any]) -> str:
        made = tokens.prepare(user, said["keeper"], _given(said), by(request))
        return reverse("any_token", args=[made.prefix])

    note = _("The keeper finds the token among the own ones and draws its key there.")
    question = Question(f"{username} · {_('New token')}", _("Prepare"), reverse("all_tokens"), note)
    return ask(request, question, form, act)


def _given(said: dict[str, Any]) -> tokens.TokenGiven:
    region = Region.objects.filter(code=said["region"]).first()
    if region is None:
        raise Refused("region_unknown", code=said["region"])
    return tokens.TokenGiven(said["name"], frozenset(said["permissions"]), region, said["days"])


def _showing(
    request: HttpRequest,
    question: Question,
    form: OfficeForm,
    act: Callable[[dict[str, Any]], tuple[Token, str]],
) -> HttpResponse:
    """Ask, and show the key that came of it, once."""
    shown: list[HttpResponse] = []

    def acting(said: dict[str, Any]) -> str:
        made, key = act(said)
        answer = render(request, "web/tokens/key.html", {"token": made, "key": key})
        answer["Cache-Control"] = "no-store"
        shown.append(answer)
        return reverse("tokens")

    answer = ask(request, question, form, acting)
    return shown[0] if shown else answer


def _own(request: HttpRequest, prefix: str) -> Token:
    found = programs.tokens({"of": request.user.pk}).filter(prefix=prefix).first()
    if found is None:
        raise Http404(prefix)
    return found


def _any(prefix: str) -> Token:
    return get_object_or_404(programs.tokens({}), prefix=prefix)
