"""Inspectors of two agencies and cases in the county's hands."""

import uuid
from collections.abc import Callable, Iterator
from datetime import date, timedelta

import pytest

from minewatch.office.conftest import AT, OFFICE, OpenAccount
from minewatch.office.platform.roles import Role
from minewatch.office.platform.services import By
from minewatch.office.register import facts
from minewatch.office.register.models import Premises, Source
from minewatch.office.verify.inspections import draws
from minewatch.office.verify.inspections.inspectors import InspectorGiven, enter
from minewatch.office.verify.inspections.models import Inspection, Inspector, Sheet
from minewatch.office.verify.inspections.services import Visit, begun, send
from minewatch.office.verify.models import Case
from minewatch.office.verify.services import open_case
from minewatch.office.verify.tests.conftest import Crew, NewSite, crew, everywhere, new_site

__all__ = ["crew", "everywhere", "new_site"]

DAY = (AT + timedelta(days=3)).date()


@pytest.fixture
def inspectors(crew: Crew, account: OpenAccount) -> list[Inspector]:
    """Four inspectors: two of the county's reform commission, two of its market regulation."""
    entered = []
    for number, place in enumerate(("county", "county", "market", "market")):
        user = account(f"inspector.{number}", crew.agencies[place].code, Role.INSPECTOR)
        given = InspectorGiven(user, f"川-{number:04d}", ("enforcement",), date(2026, 1, 1))
        entered.append(enter(given, crew.by(place)))
    return entered


Cases = Callable[[int], list[Case]]


@pytest.fixture
def cases(crew: Crew, new_site: NewSite) -> Cases:
    """So many cases in the county's hands, each with a place, a probability and a power."""

    def made(number: int) -> list[Case]:
        return [_case(crew, new_site, one) for one in range(1, number + 1)]

    return made


def _case(crew: Crew, new_site: NewSite, number: int) -> Case:
    site = new_site(number)
    said = facts.Said(facts.source(Source.Kind.FINDING, f"place-{number}", OFFICE), OFFICE)
    place = Premises(region=site.region, address=f"工业路{number}号", lon=104.7 + number / 50, lat=31.4)
    place = facts.register(place, said)
    values = {"premises_id": place.pk, "power_kw": 100.0 * number, "posterior": 0.9}
    facts.state(site, values, said)
    return open_case(site, crew.agencies["county"], "清单第7批", crew.by("county"))


@pytest.fixture
def inspection(crew: Crew, cases: Cases, inspectors: list[Inspector]) -> Inspection:
    """An inspection by one inspector of the county and one of market regulation."""
    visit = Visit(DAY, inspectors[0], inspectors[2])
    return send(cases(1)[0], visit, "现场核查", crew.by("county"))


def who(inspector: Inspector, days: float = 3) -> By:
    return By(inspector.user, AT + timedelta(days=days))


def written(inspection: Inspection, words: str = "矿机140台", base: int = 0, conflict: bool = False) -> Sheet:
    """A sheet as the phone sends it."""
    last = Sheet.objects.filter(inspection=inspection).count()
    sheet = Sheet.objects.create(
        inspection=inspection,
        client_id=uuid.uuid4(),
        revision=last + 1,
        base=base or last,
        is_conflict=conflict,
        checklist="2026-1",
        words=words,
        written_at=AT + timedelta(days=3),
        received_at=AT + timedelta(days=3),
        by=inspection.lead.user,
        content_sha256=f"{last + 1:064d}",
    )
    begun(inspection, who(inspection.lead))
    return sheet


@pytest.fixture
def own_weights() -> Iterator[None]:
    draws.weighing.cache_clear()
    yield
    draws.weighing.cache_clear()
