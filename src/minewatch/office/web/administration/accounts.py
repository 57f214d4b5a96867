"""Pages of the security administrator: accounts and their roles."""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from minewatch.office.platform import accounts, lists, services
from minewatch.office.platform.models import Agency, Region, RoleAsked, User
from minewatch.office.platform.passwords import make_password
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.roles import Role
from minewatch.office.platform.services import By
from minewatch.office.web.administration import forms
from minewatch.office.web.asking import Question, ask
from minewatch.office.web.doors import by, permitted
from minewatch.office.web.forms import OfficeForm

_MANAGES = "platform.manage_users"
_form_page = require_http_methods(["GET", "HEAD", "POST"])


class Change(NamedTuple):
    """Something to do with an account: words of the page, its form, the service, values shown at first."""

    title: str | Promise
    note: str | Promise
    form: type[OfficeForm]
    act: Callable[[User, Mapping[str, Any], By], object]
    initial: Callable[[User], dict[str, Any]] = lambda _user: {}


def _place(user: User, said: Mapping[str, Any], by: By) -> None:
    agency = Agency.objects.select_related("region").get(code=said["agency"])
    region = Region.objects.filter(code=said["region"]).first() if said["region"] else agency.region
    if region is None:
        raise Refused("region_unknown", code=said["region"])
    accounts.place(user, agency, region, by)


CHANGES: dict[str, Change] = {
    "roles": Change(
        _("Roles"),
        _("A supervisor is asked for on a page of its own; another administrator decides."),
        forms.RolesForm,
        lambda user, said, who: services.set_roles(user, [Role(role) for role in said["roles"]], who),
        lambda user: {"roles": [given.role for given in user.roles.all()]},
    ),
    "supervisor": Change(
        _("Ask for a supervisor"),
        _("A supervisor approves what hurts. Another administrator decides."),
        forms.ReasonForm,
        lambda user, said, who: accounts.ask_role(user, Role.SUPERVISOR, said["reason"], who),
    ),
    "place": Change(
        _("Agency and region"),
        _("The sessions of the account end."),
        forms.PlaceForm,
        _place,
        lambda user: {"agency": user.agency and user.agency.code, "region": user.region and user.region.code},
    ),
    "suspend": Change(
        _("Suspend"),
        _("The account is closed until it is restored, and its sessions end."),
        forms.ReasonForm,
        lambda user, said, who: accounts.suspend(user, said["reason"], who),
    ),
    "restore": Change(
        _("Restore"),
        _("The account is open again."),
        OfficeForm,
        lambda user, _said, who: accounts.restore(user, who),
    ),
    "unlock": Change(
        _("Unlock"),
        _("Opens the account at once after wrong passwords."),
        OfficeForm,
        lambda user, _said, who: accounts.unlock(user, who),
    ),
    "second-factor": Change(
        _("Remove the second factor"),
        _("For a lost telephone: the person sets up a new one at the next login."),
        OfficeForm,
        lambda user, _said, who: accounts.remove_second_factor(user, who),
    ),
}
"""What a security administrator does with an account, by the last part of the address."""


@permitted(_MANAGES)
@require_safe
def account_page(request: HttpRequest, username: str) -> HttpResponse:
    """Show an account and what can be done with it."""
    user = get_object_or_404(lists.accounts({}), username=username)
    left_out = {"suspend"} if not user.is_active else {"restore"}
    if user.administers:
        left_out |= {"roles", "supervisor"}
    ways = [(name, change.title) for name, change in CHANGES.items() if name not in left_out]
    context = {"account": lists.account_row(user), "ways": ways, "is_own": user.pk == request.user.pk}
    return render(request, "web/administration/account.html", context)


@permitted(_MANAGES)
@_form_page
def account_change(request: HttpRequest, username: str, change: str) -> HttpResponse:
    """Ask for, and do, one of ``CHANGES``."""
    user, wanted = get_object_or_404(User, username=username), CHANGES[change]
    page = reverse("account_page", args=[username])

    def act(said: dict[str, Any]) -> str:
        wanted.act(user, said, by(request))
        return page

    form = forms.bound(wanted.form, request, **wanted.initial(user))
    question = Question(f"{username} · {wanted.title}", wanted.title, page, wanted.note)
    return ask(request, question, form, act)


@permitted(_MANAGES)
@_form_page
def account_new(request: HttpRequest) -> HttpResponse:
    """Open an account; its first password is shown once."""
    form = forms.bound(forms.AccountForm, request)
    question = Question(_("New account"), _("Open the account"), reverse("accounts"))
    shown: list[HttpResponse] = []

    def act(said: dict[str, Any]) -> str:
        password = make_password()
        roles = tuple(Role(role) for role in said["roles"])
        given = services.AccountGiven(
            said["username"], password, said["agency"], roles, full_name=said["full_name"], is_temporary=True
        )
        user = services.open_account(given, by(request))
        shown.append(_password_shown(request, user, password))
        return reverse("account_page", args=[user.username])

    answer = ask(request, question, form, act)
    return shown[0] if shown else answer


@permitted(_MANAGES)
@_form_page
def account_password(request: HttpRequest, username: str) -> HttpResponse:
    """Give an account a new password, shown once."""
    user = get_object_or_404(User, username=username)
    page = reverse("account_page", args=[username])
    note = _("The new password is shown once. It is changed at the next login; the sessions end.")
    shown: list[HttpResponse] = []

    def act(_said: dict[str, Any]) -> str:
        shown.append(_password_shown(request, user, accounts.reset_password(user, by(request))))
        return page

    question = Question(f"{username} · {_('New password')}", _("New password"), page, note)
    answer = ask(request, question, forms.bound(OfficeForm, request), act)
    return shown[0] if shown else answer


def _password_shown(request: HttpRequest, user: User, password: str) -> HttpResponse:
    context = {"username": user.username, "password": password}
    answer = render(request, "web/administration/password.html", context)
    answer["Cache-Control"] = "no-store"
    return answer


@permitted(_MANAGES)
@_form_page
def role_decide(request: HttpRequest, number: int) -> HttpResponse:
    """Give or refuse a role that another administrator asked for."""
    asked = get_object_or_404(RoleAsked.objects.select_related("user", "asked_by"), pk=number)
    back = reverse("roles_asked")
    title = f"{asked.user.username} · {asked.get_role_display()}"

    def act(said: dict[str, Any]) -> str:
        accounts.decide_role(asked, said["given"] == "yes", by(request))
        return back

    question = Question(title, _("Decide"), back, f"{asked.asked_by.username}: {asked.reason}")
    return ask(request, question, forms.bound(forms.DecisionForm, request), act)
