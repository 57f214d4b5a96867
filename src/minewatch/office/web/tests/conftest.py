"""Sites for the console's tests."""

from datetime import timedelta

import pytest

from minewatch.office.conftest import AT, OFFICE, LogIn, OpenAccount
from minewatch.office.platform.models import Region
from minewatch.office.platform.roles import Role
from minewatch.office.platform.scope import scoped, whole
from minewatch.office.register import facts
from minewatch.office.register.models import Enterprise, Party, Premises, Site, Source, UsagePoint
from minewatch.office.register.services import (
    LinkGiven,
    MachinesGiven,
    SightingGiven,
    count_machines,
    link,
    sight,
    take_part,
)


@pytest.fixture
def sites(country: None) -> list[Site]:
    """Three sites in Fucheng and one in Gansu; the first with all that can hang on one."""
    with scoped(whole("test")):
        said = facts.Said(facts.source(Source.Kind.FINDING, "run-1", OFFICE), OFFICE)
        region = Region.objects.get(code="510703")
        made = [_site(region, number, said) for number in range(1, 4)]
        made.append(_site(Region.objects.get(code="620000"), 1, said))
        _furnish(made[0], said)
        return made


def _site(region: Region, number: int, said: facts.Said) -> Site:
    place = Premises(
        region=region, address=f"四川省绵阳市涪城区工业路{number}号", created_at=AT, lon=104.7, lat=31.4
    )
    facts.register(place, said)
    site = Site(
        region=region,
        code=f"{region.code}-{number:06d}",
        name=f"工业路{number}号",
        premises=place,
        power_kw=100.0 * number,
        posterior=0.97,
        q_value=0.01,
        hash_rates={"sha256d": {"value": 3.2e15, "low": 3.0e15, "high": 3.4e15}},
        first_seen_at=AT - timedelta(days=30),
        last_seen_at=AT,
        created_at=AT,
    )
    facts.register(site, said)
    return site


def _furnish(site: Site, said: facts.Said) -> None:
    firm = Enterprise(
        region=site.region,
        name="绵阳清流科技有限公司",
        legal_representative="王小明",
        phone="13800001234",
        created_at=AT,
    )
    facts.register(firm, said)
    point = UsagePoint(
        region=site.region,
        number="0051000012345",
        customer_name="王小明",
        premises=site.premises,
        created_at=AT,
    )
    facts.register(point, said)
    take_part(site, firm, Party.Part.OPERATOR, said, 0.8)
    link(site, point, said, LinkGiven(0.9))
    sight(
        site,
        [SightingGiven("203.0.113.77", AT, AT, 40123, "pool.example", "BTC", wallet="bc1qexamplewallet")],
        said,
    )
    count_machines(site, [MachinesGiven("Antminer S19", 120, "Bitmain", "sha256d", 9.5e13, 3250)], said)


@pytest.fixture
def officer(account: OpenAccount, log_in: LogIn):  # type: ignore[no-untyped-def]
    """Return a client of a case officer of Sichuan."""
    return log_in(account("li.na", "energy-510000", Role.OFFICER))
