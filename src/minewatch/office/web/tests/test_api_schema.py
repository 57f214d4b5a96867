"""No request that fits the OpenAPI document, and none that does not, brings the interface to fall.

The answers are those that the document promises. A few requests an operation here; many more, and accounts
without rights, in ``tests/end_to_end/test_office_api.py``.
"""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from django.core.signals import request_finished, request_started
from django.db import close_old_connections
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.checks import negative_data_rejection, positive_data_acceptance, unsupported_method
from schemathesis.specs.openapi.checks import ignored_auth

from minewatch.office.conftest import OpenAccount
from minewatch.office.platform.roles import Role
from minewatch.office.register.models import Site
from minewatch.office.web.api.interface import document
from minewatch.office.web.tests.programs import program_of
from minewatch.office.wsgi import application

UNCHECKED = [unsupported_method, ignored_auth, negative_data_rejection, positive_data_acceptance]
"""Methods and tokens have tests of their own; what fits may be refused (a cursor, a file that is none)."""


@pytest.fixture
def one_connection() -> Iterator[None]:
    """Keep the connection over requests, as Django's own client does: it is in the test's transaction."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    yield
    for signal in (request_started, request_finished):
        signal.connect(close_old_connections)


def profile(examples: int) -> settings:
    return settings(
        max_examples=examples,
        derandomize=True,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )


def try_all(key: str, mode: GenerationMode, examples: int) -> dict[int, int]:
    """Try every operation with a token; return how many answers had which status."""
    schema = schemathesis.openapi.from_dict(document())
    schema.app = application
    counted: dict[int, int] = {}
    for result in schema.get_all_operations():
        operation = result.ok()

        @profile(examples)
        @given(case=operation.as_strategy(generation_mode=mode))
        def one(case: Any) -> None:
            answer = case.call(headers={"Authorization": f"Bearer {key}"})
            counted[answer.status_code] = counted.get(answer.status_code, 0) + 1
            case.validate_response(answer, excluded_checks=UNCHECKED)

        one()
    return counted


@pytest.mark.django_db
def test_the_interface_answers_what_the_document_promises(
    sites: list[Site], account: OpenAccount, settings: Any, one_connection: None
) -> None:
    settings.API_PER_MINUTE = 1_000_000
    key = program_of(account("li.na", "energy-510000", Role.OFFICER, Role.ANALYST, Role.INSPECTOR)).key
    counted = try_all(key, GenerationMode.POSITIVE, 2)
    assert not {401, 403, 429, 500} & set(counted)
    assert counted[200] > 20
