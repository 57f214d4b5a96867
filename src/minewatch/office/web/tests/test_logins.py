"""Logging in: what the audit chain keeps of it, temporary passwords, and accounts that are closed."""

import re
from typing import Any

import pytest
from allauth.mfa.totp.internal import auth
from django.test import Client

from minewatch.office.conftest import OFFICE, PASSWORD, LogIn, OpenAccount
from minewatch.office.platform import accounts
from minewatch.office.platform.models import AuditEntry
from minewatch.office.platform.roles import Role

NEW = "another-River-7-lantern"


def actions() -> list[str]:
    logins = AuditEntry.objects.filter(subject_kind="user").exclude(action="account_opened")
    return list(logins.order_by("id").values_list("action", flat=True))


@pytest.fixture(autouse=True)
def _without_second_factor(settings: Any) -> None:
    settings.SECOND_FACTOR = "optional"


def test_logins_failures_and_lock_outs_are_in_the_audit_chain(account: OpenAccount, client: Client) -> None:
    account("li.na", "energy-510000", Role.OFFICER)
    client.post("/account/login/", {"login": "li.na", "password": PASSWORD})
    assert client.get("/").status_code == 200
    client.post("/account/logout/")
    assert actions() == ["logged_in", "logged_out"]
    for _ in range(5):
        client.post("/account/login/", {"login": "li.na", "password": "wrong"})
    client.post("/account/login/", {"login": "a-password-typed-here", "password": "wrong"})
    assert sorted(actions()[2:]) == ["locked_out", *["login_failed"] * 5]
    assert AuditEntry.objects.filter(action="locked_out").get().details == {"address": "127.0.0.1"}


def test_a_locked_account_is_opened_by_an_administrator(account: OpenAccount, client: Client) -> None:
    user = account("li.na", "energy-510000", Role.OFFICER)
    for _ in range(5):
        client.post("/account/login/", {"login": "li.na", "password": "wrong"})
    accounts.unlock(user, OFFICE)
    assert client.post("/account/login/", {"login": "li.na", "password": PASSWORD}).status_code == 302


def test_a_temporary_password_is_changed_before_anything_else(account: OpenAccount, client: Client) -> None:
    user = account("li.na", "energy-510000", Role.OFFICER)
    password = accounts.reset_password(user, OFFICE)
    client.post("/account/login/", {"login": "li.na", "password": password})
    assert client.get("/")["Location"] == "/account/password/change/"
    said = {"oldpassword": password, "password1": PASSWORD, "password2": PASSWORD}
    assert client.post("/account/password/change/", said).status_code == 200  # one that was used before
    said |= {"password1": NEW, "password2": NEW}
    assert client.post("/account/password/change/", said).status_code == 302
    client.post("/account/login/", {"login": "li.na", "password": NEW})
    assert client.get("/").status_code == 200
    assert "password_changed" in actions()


def test_a_suspended_account_is_out_at_once(account: OpenAccount, log_in: LogIn) -> None:
    user = account("li.na", "energy-510000", Role.OFFICER)
    client = log_in(user)
    assert client.get("/").status_code == 200
    accounts.suspend(user, "left the bureau", OFFICE)
    assert client.get("/")["Location"].startswith("/account/login/")
    client.post("/account/login/", {"login": "li.na", "password": PASSWORD})
    assert client.get("/")["Location"].startswith("/account/login/")


OWN_PAGES = [
    "password/change/",
    "2fa/",
    "2fa/totp/activate/",
    "2fa/webauthn/",
    "2fa/webauthn/add/",
    "sessions/",
]


@pytest.mark.parametrize("page", OWN_PAGES)
def test_the_pages_of_the_own_account_stand_without_inline_scripts(
    account: OpenAccount, client: Client, page: str
) -> None:
    account("li.na", "energy-510000", Role.OFFICER)
    client.post("/account/login/", {"login": "li.na", "password": PASSWORD})
    answer = client.get(f"/account/{page}", follow=True)  # some ask for the password once more
    assert answer.status_code == 200
    scripts = re.findall(r"<script(?![^>]*(?:src=|application/json))[^>]*>", answer.content.decode())
    assert scripts == []
    assert "onclick=" not in answer.content.decode()


def test_a_new_account_sets_up_its_second_factor(account: OpenAccount, client: Client, settings: Any) -> None:
    settings.SECOND_FACTOR = "required"
    account("li.na", "energy-510000", Role.OFFICER)
    client.post("/account/login/", {"login": "li.na", "password": PASSWORD})
    asked = client.get("/", follow=True)
    assert asked.redirect_chain[-1][0].startswith("/account/reauthenticate/")
    page = client.post(asked.redirect_chain[-1][0], {"password": PASSWORD}, follow=True)
    counter = next(iter(auth.yield_hotp_counters_from_time()))
    code = auth.format_hotp_value(auth.hotp_value(page.context["form"].secret, counter))
    assert client.post("/account/2fa/totp/activate/", {"code": code}).status_code == 302
    assert client.get("/").status_code == 200
