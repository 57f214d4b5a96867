"""What the office's tests share: a small country, accounts, and clients that are logged in."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
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
