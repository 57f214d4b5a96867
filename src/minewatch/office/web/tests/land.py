"""Fixtures of the walk: a planted country that the tests of a module share, and accounts that walk it."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.db import transaction
from django.test import Client, override_settings

from minewatch.office.conftest import AT
from minewatch.office.home import HOME_VARIABLE
from minewatch.office.platform import tokens
from minewatch.office.platform.models import User
from minewatch.office.platform.scope import scoped, whole
from minewatch.office.platform.services import By
from minewatch.office.web import clock
from minewatch.office.web.api.doors import ASKED_FOR
from minewatch.office.web.tests.planting import PLANTED_IN, Land, settled
from minewatch.office.web.tests.walking import Walker

SETTINGS: dict[str, Any] = {
    "PASSWORD_HASHERS": ["django.contrib.auth.hashers.MD5PasswordHasher"],
    "PASSWORD_DAYS": 0,  # the accounts are as old as AT says
    "SECOND_FACTOR": "optional",
    "SESSIONS_OF_AN_ACCOUNT": 100,
    "API_PER_MINUTE": 1_000_000,
    "API_PER_MINUTE_WITHOUT_TOKEN": 1_000_000,
}
MakeWalker = Callable[[str, str], Walker]


@pytest.fixture(scope="module")
def bare_land(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Land]:
    """Return a country with accounts and no data, in a transaction of the module that is taken back."""
    with (
        django_db_blocker.unblock(),
        override_settings(**SETTINGS),
        pytest.MonkeyPatch.context() as patch,
        transaction.atomic(),
    ):
        patch.setenv(HOME_VARIABLE, str(tmp_path_factory.mktemp("home")))
        patch.setattr(clock, "now", lambda: AT)
        yield settled()
        transaction.set_rollback(True)


@pytest.fixture(scope="module")
def land(bare_land: Land) -> Land:
    """Return the country with every model planted in each of its beds."""
    with scoped(whole("test")):
        for code in PLANTED_IN:
            bare_land.plant(code)
    return bare_land


def walker(land: Land, region: str, role: str) -> Walker:
    """Return a walker for an account, logged in and with a token for the programming interface."""
    user = land.accounts[region][role]
    client = Client(raise_request_exception=False)
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    client.get("/")  # what is looked at once a minute
    return Walker(land, user, client, _key(user))


def _key(user: User) -> str:
    wanted = frozenset(ASKED_FOR & user.permissions_held)
    if user.administers or user.region is None or not wanted:
        return ""
    return tokens.make(tokens.TokenGiven("walk", wanted, user.region, 300), By(user, AT))[1]
