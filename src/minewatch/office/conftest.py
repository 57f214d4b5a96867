"""What the office's tests share: a small country, accounts, and clients that are logged in."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.test import Client

from minewatch.office.platform.models import User
from minewatch.office.platform.roles import Administrator, Role
from minewatch.office.platform.services import (
    AccountGiven,
    AgencyGiven,
    By,
    RegionGiven,
    add_agency,
    add_regions,
    open_account,
)

AT = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
OFFICE = By(None, AT)
PASSWORD = "gobi-lantern-42-river"
REGIONS = [
    RegionGiven("100000", "nation", "全国"),
    RegionGiven("510000", "province", "四川省", parent="100000"),
    RegionGiven("510700", "city", "绵阳市", parent="510000"),
    RegionGiven("510703", "county", "涪城区", parent="510700"),
    RegionGiven("620000", "province", "甘肃省", parent="100000"),
]

OpenAccount = Callable[..., User]
LogIn = Callable[[User], Client]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Refuse tests that would flush the database: what is only ever added to cannot be."""
    for item in items:
        mark = item.get_closest_marker("django_db")
        if mark and mark.kwargs.get("transaction"):
            raise pytest.UsageError(
                f"{item.nodeid}: use the fixture own_database instead of transaction=True"
            )


@pytest.fixture
def own_database(django_db_setup: None, django_db_blocker: Any, tmp_path: Path) -> Iterator[str]:
    """Give the test a database in which a commit is one; return its name.

    It is a copy of the migrated one, and is thrown away: nothing is flushed, so the triggers that keep the
    audit chain need no way around them.
    """
    copied = _copied_file if connection.vendor == "sqlite" else _copied_on_server
    with django_db_blocker.unblock(), copied(tmp_path) as name:
        call_command("migrate", verbosity=0)  # where no other test asked for a database, it is empty
        yield name


def _is_of_tests(name: str) -> bool:
    """Tell whether a database is that of the tests, not that of an office."""
    return name.startswith(("test_", "file:memorydb_"))


@contextmanager
def _copied_file(folder: Path) -> Iterator[str]:
    name = connection.settings_dict["NAME"]
    copy = str(folder / "own.sqlite3")
    if is_of_tests := _is_of_tests(name):
        connection.ensure_connection()
    held = connection.connection  # the original lives in memory, as long as a connection to it does
    if is_of_tests:
        with closing(sqlite3.connect(copy)) as target:
            held.backup(target)
    connection.connection, connection.settings_dict["NAME"] = None, copy
    try:
        yield copy
    finally:
        connection.close()
        connection.connection, connection.settings_dict["NAME"] = held, name


@contextmanager
def _copied_on_server(_folder: Path) -> Iterator[str]:
    name = connection.settings_dict["NAME"]
    copy, template = f"{name}_own", name if _is_of_tests(name) else "template0"
    _on_server(f'DROP DATABASE IF EXISTS "{copy}"', f'CREATE DATABASE "{copy}" TEMPLATE "{template}"')
    connection.settings_dict["NAME"] = copy
    try:
        yield copy
    finally:
        connection.settings_dict["NAME"] = name
        _on_server(f'DROP DATABASE "{copy}" WITH (FORCE)')


def _on_server(*statements: str) -> None:
    connection.close()  # who copies or drops a database may not be connected to it
    with connection._nodb_cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


@pytest.fixture(autouse=True)
def _quick_passwords(settings: Any) -> None:
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
    settings.PASSWORD_DAYS = 0  # the tests' accounts are as old as AT says


@pytest.fixture
def country(db: None) -> None:
    """Regions, and an energy bureau in each province and the county."""
    add_regions(REGIONS, OFFICE)
    for code, name in (("510000", "四川省能源局"), ("510703", "涪城区能源局"), ("620000", "甘肃省能源局")):
        add_agency(AgencyGiven(f"energy-{code}", "energy", name, code), OFFICE)


@pytest.fixture
def account(country: None) -> OpenAccount:
    """Open an account: ``account("li.na", "energy-510000", Role.OFFICER)``, or with ``administers``."""

    def opened(name: str, agency: str, *roles: Role, administers: Administrator | None = None) -> User:
        return open_account(AccountGiven(name, PASSWORD, agency, roles, administers), OFFICE)

    return opened


@pytest.fixture
def log_in() -> LogIn:
    """Return a client that is logged in and has a second factor."""
    from allauth.mfa.models import Authenticator
    from allauth.mfa.totp.internal.auth import TOTP, generate_totp_secret

    def client_of(user: User) -> Client:
        if not Authenticator.objects.filter(user=user).exists():
            TOTP.activate(user, generate_totp_secret())
        client = Client()
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        return client

    return client_of
