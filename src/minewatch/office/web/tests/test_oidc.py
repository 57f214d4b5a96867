"""Logging in by OpenID Connect, against a provider on the loopback that speaks the protocol's four pages."""

import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from django.test import Client

from minewatch.office.conftest import LogIn, OpenAccount
from minewatch.office.home import origins
from minewatch.office.platform import accounts
from minewatch.office.platform.models import User
from minewatch.office.platform.roles import Role
from minewatch.office.platform.services import By

CLIENT = "minewatch"


class Provider(ThreadingHTTPServer):
    """An organisation's provider; ``person`` is who logs in there."""

    person: dict[str, str]

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class Pages(BaseHTTPRequestHandler):
    """Discovery, token and userinfo."""

    server: Provider

    def do_GET(self) -> None:
        here = self.server.address
        if self.path == "/userinfo":
            assert self.headers["Authorization"] == "Bearer at-1"
            return self.answer(self.server.person)
        pages = {"authorization": "/authorize", "token": "/token", "userinfo": "/userinfo"}
        said = {f"{name}_endpoint": here + page for name, page in pages.items()}
        return self.answer(said | {"issuer": here, "jwks_uri": f"{here}/jwks"})

    def do_POST(self) -> None:
        said = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        assert said["code"] == ["code-1"]
        claims = {"iss": self.server.address, "aud": CLIENT, "exp": time.time() + 60, **self.server.person}
        token = jwt.encode(claims, "a secret of the provider that nobody knows", algorithm="HS256")
        self.answer({"access_token": "at-1", "token_type": "Bearer", "id_token": token})

    def answer(self, said: object) -> None:
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Be quiet."""


@pytest.fixture
def provider(settings: Any) -> Iterator[Provider]:
    server = Provider(("127.0.0.1", 0), Pages)
    server.person = {"sub": "1001", "preferred_username": "li.na"}
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    app = {
        "provider_id": "bureau",
        "name": "省局统一认证",
        "client_id": CLIENT,
        "secret": "s",
        "settings": {"server_url": server.address, "token_auth_method": "client_secret_post"},
    }
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app]}}
    settings.SECOND_FACTOR = "optional"
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


def log_in_there(client: Client) -> Any:
    """Go to the provider, and come back with its code."""
    sent = client.post("/account/oidc/bureau/login/")
    query = parse_qs(urlsplit(sent["Location"]).query)
    return client.get("/account/oidc/bureau/login/callback/", {"code": "code-1", "state": query["state"][0]})


def test_the_login_page_offers_the_provider(provider: Provider, client: Client, db: None) -> None:
    assert "省局统一认证" in client.get("/account/login/").content.decode()


def test_the_page_may_send_its_form_to_the_provider() -> None:
    assert origins(
        {"a": {"server_url": "https://id.example/realms/x"}, "b": {"server_url": "https://id.example"}}
    ) == ["https://id.example"]


def test_a_person_with_an_account_here_logs_in_there(
    provider: Provider, account: OpenAccount, client: Client
) -> None:
    account("li.na", "energy-510000", Role.OFFICER)
    assert log_in_there(client).status_code == 302
    answer = client.get("/")
    assert (answer.status_code, answer.wsgi_request.user.get_username()) == (200, "li.na")


def test_the_number_there_decides_after_the_first_login(
    provider: Provider, account: OpenAccount, client: Client
) -> None:
    account("li.na", "energy-510000", Role.OFFICER)
    account("wang.wu", "energy-510000", Role.OFFICER)
    log_in_there(client)
    provider.person = {"sub": "1001", "preferred_username": "wang.wu"}
    second = Client()
    log_in_there(second)
    assert second.get("/").wsgi_request.user.get_username() == "li.na"


def test_a_second_number_of_the_same_name_is_refused(
    provider: Provider, account: OpenAccount, client: Client
) -> None:
    account("li.na", "energy-510000", Role.OFFICER)
    log_in_there(client)
    provider.person = {"sub": "2002", "preferred_username": "li.na"}
    assert log_in_there(Client()).status_code == 403


def test_who_has_no_account_here_stays_outside(provider: Provider, client: Client, country: None) -> None:
    assert log_in_there(client).status_code == 403
    assert User.objects.count() == 0


def test_a_suspended_account_stays_outside(
    provider: Provider, account: OpenAccount, client: Client, log_in: LogIn
) -> None:
    user = account("li.na", "energy-510000", Role.OFFICER)
    log_in_there(client)
    accounts.suspend(user, "left the bureau", By(None, user.date_joined))
    other = Client()
    log_in_there(other)
    assert other.get("/").status_code == 302
    assert client.get("/").status_code == 302
