"""What a person is shown of the register: pages, histories, hits and inventories, masked and in scope."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from pytest_django import DjangoAssertNumQueries

from minewatch.office.conftest import AT, OFFICE, OpenAccount
from minewatch.office.platform.models import Region
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.roles import Role
from minewatch.office.platform.scope import Scope, scoped
from minewatch.office.platform.services import By, unmask
from minewatch.office.register import inventory, selectors
from minewatch.office.register.facts import register, state
from minewatch.office.register.history import as_of, disagreements, history
from minewatch.office.register.merging import merge
from minewatch.office.register.models import (
    Enterprise,
    Line,
    MachineGroup,
    Party,
    Plant,
    Premises,
    Sighting,
    Site,
    Source,
)
from minewatch.office.register.protection import Eyes, eyes_of
from minewatch.office.register.search import search
from minewatch.office.register.selectors import SitePage, site_page
from minewatch.office.register.services import (
    LinkGiven,
    MachinesGiven,
    SightingGiven,
    count_machines,
    end_link,
    end_part,
    link,
    new_site_code,
    sight,
    take_part,
)
from minewatch.office.register.tests.conftest import USCC, Say

CLOSED_EYES = Eyes(None, AT)
pytestmark = pytest.mark.usefixtures("everywhere")


@pytest.fixture
def _elsewhere(warehouse: Site) -> Iterator[None]:
    with scoped(Scope(Region.objects.get(code="620000").path)):
        yield


def page_of(site: Site, eyes: Eyes = CLOSED_EYES) -> SitePage:
    page = site_page(site.code, eyes)
    assert page is not None
    return page


def test_a_site_page_shows_all_that_hangs_on_it_masked(
    warehouse: Site, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(10):
        page = page_of(warehouse)
    assert page.regions == ("全国", "四川省", "绵阳市", "涪城区")
    assert page.address == "四川省绵阳市涪城区****"
    (party,), (account,), (line,) = page.parties, page.accounts, page.lines
    assert (party.enterprise, party.legal_representative) == ("绵阳清流科技有限公司", "王**")
    assert (account.number, account.customer_name, account.contract_kva) == ("******0012", "王**", 800)
    assert (line.prefix, line.holder_name) == ("203.0.*.*/28", "王**")
    assert (page.sightings[0].address, page.sightings[0].wallet) == ("203.0.*.*", "bc1qfarm")
    (machines,) = page.machines
    assert (machines.power_kw, round(machines.joule_per_hash or 0, 13)) == (455.0, 3.42e-11)
    assert [rate.algorithm for rate in page.hash_rates] == ["sha256"]


def test_unmasking_opens_a_field_or_the_page_for_who_asked_until_then(
    warehouse: Site, account: OpenAccount
) -> None:
    user, other = (
        account("li.na", "energy-510000", Role.OFFICER),
        account("wu.di", "energy-510000", Role.OFFICER),
    )
    by, until = By(user, AT), AT + timedelta(hours=8)
    enterprise = Enterprise.objects.get()
    unmask(("enterprise", enterprise.pk), "phone", "电话通知停电", (by, until))
    party = page_of(warehouse, eyes_of(by)).parties[0]
    assert (party.phone, party.legal_representative) == ("13800001234", "王**")
    unmask(("site", warehouse.pk), "*", "现场检查", (by, until))
    page = page_of(warehouse, eyes_of(by))
    assert (page.lines[0].prefix, page.accounts[0].number) == ("203.0.113.0/28", "0510700012")
    assert page_of(warehouse, eyes_of(By(other, AT))).accounts[0].number == "******0012"
    assert page_of(warehouse, Eyes(user.pk, until)).accounts[0].number == "******0012"


@pytest.mark.usefixtures("_elsewhere")
def test_nothing_is_read_outside_of_the_scope(warehouse: Site) -> None:
    assert site_page(warehouse.code, CLOSED_EYES) is None
    assert history("site", warehouse.pk, CLOSED_EYES) == []
    assert selectors.site_by_code(warehouse.code) is None
    for text in (warehouse.code, "0510700012", "203.0.113.5", "203.0.0.0/16", "bc1qfarm", "清流", "飞云"):
        assert search(text, CLOSED_EYES) == [], text
    for model in (Party, Sighting, MachineGroup):
        assert not model.objects.exists()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("510703-0000", {("site", "code")}),
        ("飞云大道", {("site", "code"), ("premises", "address")}),
        ("清流", {("enterprise", "name")}),
        ("王小明", {("usagepoint", "number"), ("line", "holder_name")}),
        ("小明", set()),
        ("王小", set()),
        ("0510700012", {("usagepoint", "number")}),
        ("510700012", {("usagepoint", "number")}),
        ("05107", {("usagepoint", "number")}),
        ("0510", set()),
        ("203.0.113.5", {("site", "address"), ("line", "prefix")}),
        ("203.0.113.14", {("line", "prefix")}),
        ("203.0.0.0/16", {("site", "address"), ("line", "prefix")}),
        ("203.0.114.1", set()),
        ("2001:db8::5", set()),
        ("bc1qfarm", {("site", "wallet")}),
        ("1.2.3", set()),
        ("%", set()),
        ("%%", set()),
        ("流", set()),
        ("", set()),
    ],
)
def test_search_finds_by_whatever_is_typed(
    warehouse: Site,
    text: str,
    found: set[tuple[str, str]],
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_max_num_queries(7):
        hits = search(text, CLOSED_EYES)
    assert {(hit.kind, hit.field) for hit in hits} == found


def test_search_masks_what_it_finds(warehouse: Site) -> None:
    (hit,) = search("0510700012", CLOSED_EYES)
    assert (hit.key, hit.title, hit.region) == ("******0012", "王**", "涪城区")


def test_search_finds_networks_inside_and_around(county: Region, say: Say) -> None:
    for prefix in ("10.0.0.0/8", "10.1.0.0/16", "10.1.2.0/24", "10.2.0.0/16", "2001:db8::/32"):
        register(Line(region=county, prefix=prefix), say())

    def found(text: str) -> set[int]:
        return {hit.id for hit in search(text, CLOSED_EYES)}

    ids = dict(Line.objects.values_list("prefix", "pk"))
    assert found("10.1.0.0/16") == {ids["10.0.0.0/8"], ids["10.1.0.0/16"], ids["10.1.2.0/24"]}
    assert found("10.1.2.3") == {ids["10.0.0.0/8"], ids["10.1.0.0/16"], ids["10.1.2.0/24"]}
    assert found("2001:db8::1") == {ids["2001:db8::/32"]}


def test_merged_entries_are_found_under_what_they_were_merged_into(county: Region, say: Say) -> None:
    kept = register(Site(region=county, code="S-1", name="仓库"), say())
    merged = register(Site(region=county, code="S-2", name="仓库"), say())
    merge(kept, merged, "同一地点", OFFICE)
    assert selectors.site_by_code("s-2") == kept
    page = site_page("S-2", CLOSED_EYES)
    assert page is not None
    assert page.code == "S-1"
    assert [hit.key for hit in search("仓库", CLOSED_EYES)] == ["S-1"]
    assert list(selectors.live(Site)) == [kept]


def test_finders_find_by_number_in_any_writing(warehouse: Site, say: Say) -> None:
    firm = Enterprise.objects.get()
    state(firm, {"uscc": USCC.lower()}, say(Source.Kind.INSPECTION))
    assert selectors.enterprise_by_uscc(f" {USCC} ") == firm
    assert selectors.usage_point_by_number(" 0510700012") is not None
    assert selectors.usage_point_by_number("510700012") is None
    assert selectors.line_by_prefix("203.0.113.3/28") is not None
    assert selectors.line_by_prefix("203.0.113.3") is None


def test_a_history_says_who_said_what_and_where_sources_disagree(warehouse: Site, say: Say) -> None:
    state(warehouse, {"power_kw": 300.0}, say(Source.Kind.FINDING, "finding-7"))
    told = {field.field: field for field in history("site", warehouse.pk, CLOSED_EYES)}
    assert [(entry.value, entry.source, entry.holds) for entry in told["power_kw"].entries] == [
        ("300", "finding-7", False),
        ("420", "visit-1", True),
    ]
    assert told["hash_rates"].entries[0].value == "sha256 1.4e+16 H/s"
    assert told["region_id"].entries[0].value == "涪城区"
    assert told["premises_id"].entries[0].value == "四川省绵阳市涪城区****"
    assert [field.field for field in disagreements("site", warehouse.pk, CLOSED_EYES)] == ["power_kw"]
    assert page_of(warehouse).disputed == ("power_kw",)
    state(warehouse, {"power_kw": 300.0}, say(Source.Kind.INSPECTION))
    assert page_of(warehouse).disputed == ()


def test_a_history_masks_what_is_protected(warehouse: Site) -> None:
    told = {field.field: field for field in history("enterprise", Enterprise.objects.get().pk, CLOSED_EYES)}
    assert told["legal_representative"].entries[0].value == "王**"


def test_times_are_told_in_local_time_and_places_to_a_kilometre(warehouse: Site, say: Say) -> None:
    said = say(Source.Kind.INSPECTION)
    state(warehouse, {"first_seen_at": AT, "energy_week_kwh": 2445.493996186486}, said)
    place = Premises.objects.get()
    state(place, {"lon": 104.741852, "lat": 31.464017}, said)
    told = {field.field: field.entries[0].value for field in history("site", warehouse.pk, CLOSED_EYES)}
    assert (told["first_seen_at"], told["energy_week_kwh"]) == ("2026-05-04 17:30", "2445.49")
    where = {field.field: field.entries[0].value for field in history("premises", place.pk, CLOSED_EYES)}
    assert (where["lon"], where["lat"]) == ("104.74", "31.46")
    assert (page_of(warehouse).lon, page_of(warehouse).lat) == (104.74, 31.46)
    assert page_of(warehouse, Eyes(None, AT, in_the_clear=True)).lon == 104.741852


def test_a_row_as_of_a_time(county: Region, say: Say) -> None:
    site = register(Site(region=county, code="S-1", name="旧"), say())
    later = say(Source.Kind.PERSON)
    later = later._replace(by=By(None, AT + timedelta(days=7)))
    state(site, {"name": "新"}, later)
    assert as_of(site, AT)["name"] == "旧"
    assert as_of(site, AT + timedelta(days=7))["name"] == "新"


def test_the_inventories_have_every_field(
    warehouse: Site, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    with django_assert_max_num_queries(7):
        (row,) = inventory.rows(list(Site.objects.select_related("region", "premises")), CLOSED_EYES)
    assert set(row) == {column.name for column in inventory.COLUMNS}
    assert {
        name: row[name]
        for name in ("enterprise", "ip", "port", "submissions", "numbers", "machines", "models", "hash_rates")
    } == {
        "enterprise": "绵阳清流科技有限公司",
        "ip": "203.0.*.*",
        "port": "40321",
        "submissions": 912,
        "numbers": "******0012",
        "machines": 140,
        "models": "Bitmain S19 × 140",
        "hash_rates": "sha256 1.4e+16 H/s",
    }
    assert row["energy_by_tariff"] == "工商业(两部制) 70000"
    only = {column.name for column in inventory.columns("construction")} - {
        column.name for column in inventory.columns("operating")
    }
    assert only == {"planned_start_on", "planned_power_kw"}


def test_the_queries_of_an_inventory_do_not_grow_with_it(
    warehouse: Site, say: Say, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        site = register(Site(region=warehouse.region, code=f"S-{number}", name="仓库"), say())
        take_part(site, Enterprise.objects.get(), Party.Part.TENANT, say())
    with django_assert_max_num_queries(7):
        rows = inventory.rows(list(Site.objects.select_related("region", "premises")), CLOSED_EYES)
    assert len(rows) == 6


def test_a_later_stage_fills_its_columns(warehouse: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inventory, "_FILLERS", {})
    inventory.fill({"batch_number"}, lambda ids: {number: {"batch_number": "B-3"} for number in ids})
    (row,) = inventory.rows(list(Site.objects.select_related("region", "premises")), Eyes(None, AT, True))
    assert (row["batch_number"], row["issued_on"], row["ip"]) == ("B-3", None, "203.0.113.5")


def test_a_count_ends_the_earlier_one_and_a_weaker_source_ends_none(warehouse: Site, say: Say) -> None:
    machines = [MachinesGiven("M30S", 20), MachinesGiven("L7", 5, algorithm="scrypt")]
    assert not count_machines(warehouse, machines, say(Source.Kind.FINDING))
    assert count_machines(warehouse, machines, say(Source.Kind.INSPECTION, "visit-2"))
    assert [(row.model, row.ended_at) for row in MachineGroup.objects.order_by("pk")] == [
        ("S19", AT),
        ("M30S", None),
        ("L7", None),
    ]
    with pytest.raises(Refused):
        count_machines(warehouse, [MachinesGiven("M30S", 0)], say(Source.Kind.INSPECTION))


def test_what_hangs_on_a_site_is_said_once_ends_and_begins_again(warehouse: Site, say: Say) -> None:
    said = say()
    plant = register(Plant(region=warehouse.region, number="P-1", name="一级电站"), said)
    first = link(warehouse, plant, said, LinkGiven(0.5))
    assert link(warehouse, plant, said, LinkGiven(0.5)).pk == first.pk
    end_link(first, OFFICE)
    with pytest.raises(Refused):
        end_link(first, OFFICE)
    assert link(warehouse, plant, said).ended_at is None
    party = Party.objects.get()
    end_part(party, OFFICE)
    assert take_part(warehouse, party.enterprise, Party.Part.OPERATOR, said).pk == party.pk
    seen = [SightingGiven("198.51.100.7", AT, AT), SightingGiven("198.51.100.8", AT, AT)]
    assert (sight(warehouse, seen, said), sight(warehouse, seen, said)) == (2, 0)


def test_codes_of_new_sites_count_up_in_their_county(warehouse: Site, say: Say) -> None:
    assert new_site_code(warehouse.region) == "510703-000002"
    assert new_site_code(Region.objects.get(code="510700")) == "510700-000001"
