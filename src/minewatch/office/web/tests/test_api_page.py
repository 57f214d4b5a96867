"""The page of the interface in docs/reference says what the OpenAPI document says."""

import re
from pathlib import Path

from minewatch.office.web.api.interface import document
from minewatch.office.web.webhooks.happenings import KINDS

PAGE = Path(__file__).parents[5] / "docs" / "reference" / "api.md"
OPERATION = re.compile(r"^\| `(GET|POST) (\S+)` \| (?:`(\S+)`|any token) \|", re.MULTILINE)
EVENT = re.compile(r"^\| `(\w+\.\w+)` \|", re.MULTILINE)


def test_every_operation_is_on_the_page_with_its_permission() -> None:
    told = {
        (method, path, permission) for method, path, permission in OPERATION.findall(PAGE.read_text("utf-8"))
    }
    there = {
        (method.upper(), path, operation["x-permission"])
        for path, operations in document()["paths"].items()
        for method, operation in operations.items()
    }
    assert told == there


def test_every_kind_of_event_is_on_the_page() -> None:
    assert set(EVENT.findall(PAGE.read_text("utf-8"))) == set(KINDS)
