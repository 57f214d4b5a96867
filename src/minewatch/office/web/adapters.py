"""How the office differs from allauth's habits: nobody signs up, and a foreign account needs one here."""

from collections.abc import Mapping
from typing import Any

from allauth.account.adapter import DefaultAccountAdapter
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.socialaccount.adapter import DefaultSocialAccountAdapter
from allauth.socialaccount.models import SocialAccount
from django.http import HttpRequest
from django.shortcuts import render

from minewatch.office.platform.accounts import change_password
from minewatch.office.platform.models import User
from minewatch.office.platform.services import By
from minewatch.office.web import clock


class AccountAdapter(DefaultAccountAdapter):
    """Accounts are opened by the security administrator."""

    def is_open_for_signup(self, _request: HttpRequest) -> bool:
        """Return False: nobody opens the own account."""
        return False

    def set_password(self, user: Any, password: str) -> None:
        """Take the password that the account's owner chose."""
        change_password(user, password, By(user, clock.now()))


class ForeignAccountAdapter(DefaultSocialAccountAdapter):
    """A login by OpenID Connect is one of an account that is here already, by user name."""

    def is_open_for_signup(self, _request: HttpRequest, _login: Any) -> bool:
        """Return False: nobody opens the own account."""
        return False

    def pre_social_login(self, request: HttpRequest, login: Any) -> None:
        """Bind a first login to the account of the same name; refuse where there is none, or it is bound."""
        if login.is_existing:
            return
        said = login.account.get_provider_account().get_user_data() or {}
        name = said.get("preferred_username", "")
        user = User.objects.filter(username=name, is_active=True, is_machine=False).first() if name else None
        if user is None or SocialAccount.objects.filter(user=user, provider=login.account.provider).exists():
            raise ImmediateHttpResponse(render(request, "account/unknown.html", {"name": name}, status=403))
        login.connect(request, user)


def name_tried(request: HttpRequest | None, credentials: Mapping[str, Any] | None) -> str:
    """Return the user name of an attempt to log in, for the count of failures."""
    said = credentials or {}
    return str(said.get("username") or said.get("login") or (request and request.POST.get("login")) or "")
