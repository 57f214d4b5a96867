"""Every route needs a login or is listed as public; accounts lock, need a second factor, and end."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import URLPattern, URLResolver, get_resolver

from minewatch.office.conftest import PASSWORD, LogIn, OpenAccount
from minewatch.office.platform.roles import Administrator, Role
from minewatch.office.web import clock
from minewatch.office.web.middleware import is_public

QUIET = "/audit/anchor/"
"""A page that asks for nothing itself when it is read."""

PUBLIC = {
    "account_login",
    "account_logout",
    "healthz",
    "mfa_authenticate",
    "mfa_login_webauthn",
    "openid_connect_callback",
    "openid_connect_login",
    "public",
    "public_draw",
    "public_draw_file",
    "public_results",
    "set_language",
    "socialaccount_login_cancelled",
    "socialaccount_login_error",
}


def routes(resolver: URLResolver | None = None) -> Iterator[URLPattern]:
    for entry in (resolver or get_resolver()).url_patterns:
        if isinstance(entry, URLResolver):
            yield from routes(entry)
        else:
            yield entry


def test_every_route_needs_a_login_or_is_listed() -> None:
    found = {route.name for route in routes() if is_public(route.name or "", route.callback)}
    assert found == PUBLIC


@pytest.mark.django_db
@pytest.mark.parametrize("path", ["/", "/account/password/change/", "/account/2fa/", "/account/sessions/"])
def test_who_is_not_logged_in_is_sent_to_the_login(path: str, client: Client) -> None:
    answer = client.get(path)
    assert answer.status_code == 302
    assert answer["Location"].startswith("/account/login/")


@pytest.mark.django_db
def test_nobody_signs_up(client: Client) -> None:
    answer = client.post("/account/signup/", {"username": "x", "password1": PASSWORD, "password2": PASSWORD})
    assert answer.status_code == 302
    assert answer["Location"].startswith("/account/login/")


def test_an_account_without_a_second_factor_sets_one_up(account: OpenAccount, client: Client) -> None:
    client.force_login(
        account("li.na", "energy-510000", Role.OFFICER),
        backend="allauth.account.auth_backends.AuthenticationBackend",
    )
    answer = client.get("/")
    assert (answer.status_code, answer["Location"]) == (302, "/account/2fa/totp/activate/")


def test_five_wrong_passwords_lock_the_account(account: OpenAccount, client: Client) -> None:
    account("li.na", "energy-510000", Role.OFFICER)
    wrong = {"login": "li.na", "password": "wrong"}
    answers = [client.post("/account/login/", wrong).status_code for _ in range(5)]
    assert answers[-1] == 429
    assert client.post("/account/login/", {"login": "li.na", "password": PASSWORD}).status_code == 429


def test_the_oldest_session_ends_when_there_are_too_many(account: OpenAccount, log_in: LogIn) -> None:
    user = account("li.na", "energy-510000", Role.OFFICER)
    clients = [log_in(user) for _ in range(3)]
    for client in clients:
        assert client.get("/").status_code == 200
    assert clients[0].get("/").status_code == 302
    assert clients[2].get("/").status_code == 200


def test_pages_answer_in_the_language_asked_for(client: Client, db: None) -> None:
    client.post("/language/", {"language": "zh-hans"})
    assert "登录" in client.get("/account/login/").content.decode()
    client.post("/language/", {"language": "en"})
    assert "Log in" in client.get("/account/login/").content.decode()


def test_the_sign_of_life_asks_the_database(client: Client, db: None) -> None:
    assert client.get("/healthz").content == b"ok\n"


def test_the_door_costs_two_queries(
    account: OpenAccount, log_in: LogIn, django_assert_num_queries: Any
) -> None:
    client = log_in(account("li.na", "energy-510000", administers=Administrator.AUDIT))
    client.get(QUIET)
    with django_assert_num_queries(2):  # the session; the account with agency and region
        assert client.get(QUIET).status_code == 405


def test_a_session_in_use_lives_on_and_an_idle_one_ends(
    account: OpenAccount, log_in: LogIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = log_in(account("li.na", "energy-510000", administers=Administrator.AUDIT))
    client.get(QUIET)
    session = Session.objects.get(session_key=client.session.session_key)
    Session.objects.update(expire_date=session.expire_date - timedelta(minutes=20))
    client.get(QUIET)
    assert Session.objects.get().expire_date < session.expire_date
    later = clock.now() + timedelta(minutes=2)
    monkeypatch.setattr(clock, "now", lambda: later)
    client.get(QUIET)
    assert Session.objects.get().expire_date >= session.expire_date
    Session.objects.update(expire_date=session.expire_date - timedelta(days=1))
    assert client.get(QUIET).status_code == 302


def test_the_minute_of_a_look_costs_two_queries_more(account: OpenAccount, log_in: LogIn) -> None:
    client = log_in(account("li.na", "energy-510703", Role.OFFICER))
    client.get(QUIET)
    with CaptureQueriesContext(connection) as quiet:
        client.get("/works/")
    session = client.session
    session["looked_at"] = 0
    session.save()
    with CaptureQueriesContext(connection) as looked:
        client.get("/works/")
    more = [one["sql"] for one in looked if not one["sql"].startswith(("SAVEPOINT", "RELEASE"))]
    assert len(more) - len(quiet) == 2  # the session seen, with a second factor; the session kept
