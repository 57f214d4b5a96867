"""Programs as the tests play them: callers of the interface with a token."""

import json
from typing import Any

from django.test import Client
from django.utils import timezone

from minewatch.office.platform import tokens
from minewatch.office.platform.models import Region, User
from minewatch.office.platform.services import By
from minewatch.office.web.api import interface  # noqa: F401 - its operations say what they ask for
from minewatch.office.web.api.doors import ASKED_FOR


class Program:
    """A program with a token: ``program.get("sites")``."""

    def __init__(self, key: str) -> None:
        self.client, self.key = Client(), key

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {self.key}", **headers})

    def post(self, path: str, content: Any = None, kind: str = "application/json", **headers: str) -> Any:
        data = json.dumps(content) if kind == "application/json" else content
        told = {"Authorization": f"Bearer {self.key}", **headers}
        return self.client.post(f"/api/v1/{path}", data or "", content_type=kind, headers=told)


def given(user: User, region: str = "", days: int = 30, permissions: Any = None) -> tokens.TokenGiven:
    wanted = permissions if permissions is not None else ASKED_FOR & user.permissions_held
    place = Region.objects.get(code=region) if region else user.region
    assert place is not None
    return tokens.TokenGiven("program", frozenset(wanted), place, days)


def program_of(user: User, **said: Any) -> Program:
    """Return a program with a new token of an account, with all that the account may."""
    return Program(tokens.make(given(user, **said), By(user, timezone.now()))[1])
