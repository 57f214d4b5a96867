"""What the tests of the register share: sources, and a site with everything that can hang on it."""

from collections.abc import Callable, Iterator

import pytest

from minewatch.office.conftest import AT, OFFICE
from minewatch.office.platform.models import Region
from minewatch.office.platform.scope import scoped, whole
from minewatch.office.register.facts import Said, register
from minewatch.office.register.models import (
    Enterprise,
    Line,
    Party,
    Premises,
    Site,
    Source,
    UsagePoint,
)
from minewatch.office.register.services import (
    LinkGiven,
    MachinesGiven,
    SightingGiven,
    count_machines,
    link,
    sight,
    take_part,
)

Say = Callable[..., Said]
USCC = "91510703MA6212342P"


@pytest.fixture
def say(db: None) -> Say:
    """Return who says it: ``say(Source.Kind.IMPORT, "file-1")``."""

    def made(kind: Source.Kind = Source.Kind.IMPORT, reference: str = "file-1") -> Said:
        return Said(Source.objects.create(kind=kind, reference=reference, at=AT), OFFICE)

    return made


@pytest.fixture
def everywhere() -> Iterator[None]:
    """Put the office's own scope in force."""
    with scoped(whole("test")):
        yield


@pytest.fixture
def county(country: None) -> Region:
    return Region.objects.get(code="510703")


@pytest.fixture
def warehouse(county: Region, say: Say, everywhere: None) -> Site:
    """A site with premises, an operator, an account, a line, machines and a sighting."""
    said = say(Source.Kind.INSPECTION, "visit-1")
    place = register(Premises(region=county, address="四川省绵阳市涪城区飞云大道12号3栋"), said)
    operator = register(
        Enterprise(
            region=county, name="绵阳清流科技有限公司", legal_representative="王小明", phone="13800001234"
        ),
        said,
    )
    account = register(
        UsagePoint(
            region=county,
            number="0510700012",
            customer_name="王小明",
            enterprise=operator,
            premises=place,
            contract_kva=800,
            tariff_class="工商业(两部制)",
            voltage_kv=10,
        ),
        said,
    )
    line = register(Line(region=county, prefix="203.0.113.0/28", holder_name="王小明"), said)
    site = register(
        Site(
            region=county,
            code="510703-000001",
            name="飞云大道仓库",
            premises=place,
            power_kw=420.0,
            energy_week_kwh=70_000.0,
            hash_rates={"sha256": {"value": 1.4e16, "low": 1.2e16, "high": 1.6e16}},
        ),
        said,
    )
    take_part(site, operator, Party.Part.OPERATOR, said, 0.9)
    link(site, account, said, LinkGiven(0.97, 70_000.0))
    link(site, line, said, LinkGiven(0.8))
    sight(
        site,
        [SightingGiven("203.0.113.5", AT, AT, 40321, "f2pool", "BTC", "sha256", "bc1qfarm", "r1", 912)],
        said,
    )
    machines = MachinesGiven("S19", 140, "Bitmain", "sha256", 9.5e13, 3250)
    count_machines(site, [machines], said)
    return site
