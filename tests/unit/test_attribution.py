"""From an endpoint to a site with links, and what is refused on the way."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pyarrow as pa
import pytest

from minewatch.attribute.describe import SAME_DOOR, Evident, describe
from minewatch.attribute.leases import Endpoint
from minewatch.attribute.linkage import PARTIES, match_parties, model
from minewatch.attribute.sites import Attribution, Registers, attribute
from minewatch.schema.sites import Site
from minewatch.schema.tables import TABLES

AT = datetime(2026, 5, 12, 3, tzinfo=UTC)
CODE = "91350100M000100Y43"
TOWN = "四川省雅安市汉源县富林镇"


def rows(table: str, items: Sequence[Mapping[str, Any]]) -> pa.Table:
    schema = TABLES[table].schema
    return pa.Table.from_pylist([dict.fromkeys(schema.names) | dict(item) for item in items], schema=schema)


def account(number: int, name: str | None, address: str, uscc: str | None = None) -> dict[str, Any]:
    who = {"usage_point_id": f"05{number:08d}", "customer_name": name, "uscc": uscc}
    return {**who, "address": address, "region_code": "511823"}


def line(ip: str, name: str | None, address: str | None, **values: Any) -> dict[str, Any]:
    row = {"prefix": ip, "port_low": 0, "port_high": 65535, "valid_from": datetime(2020, 1, 1, tzinfo=UTC)}
    return {**row, "holder_name": name, "address": address, "region_code": "511823", **values}


ACCOUNTS = [
    account(1, "汉源云上数据有限公司", f"{TOWN}江汉路12号", CODE),
    account(2, "李四", f"{TOWN}江汉路12号"),
    account(3, "王五", f"{TOWN}江汉路14号"),
    *[account(100 + n, f"户主{n}号", f"{TOWN}滨河路{n + 1}号") for n in range(200)],
]
FIRMS = [
    {
        "enterprise_id": "E1",
        "enterprise_name": "汉源云上数据有限责任公司",
        "uscc": CODE,
        "business_address": "汉源县富林镇江汉路12号",
        "region_code": "511823",
    },
    {
        "enterprise_id": "E2",
        "enterprise_name": "雅安远方贸易有限公司",
        "registered_address": f"{TOWN}解放路9号",
        "region_code": "511823",
    },
]
LINES = [
    line("198.18.0.1", "云上数据有限公司", "汉源富林镇 江汉路 12号", uscc=CODE),
    line("198.18.0.2", "赵六", "汉源县富林镇江汉路14号"),
    line("198.18.0.3", "陌生人", "汉源县富林镇民主路77号"),
    line("198.18.0.4", None, None, kind="nat", next_prefix="10.0.0.0/30"),
    *[line(f"10.0.0.{n}", f"户主{n}号", f"滨河路{n + 1}号") for n in range(4)],
]


@pytest.fixture(scope="module")
def attribution() -> Attribution:
    registers = Registers(
        rows("usage_points", ACCOUNTS), rows("ip_leases", LINES), rows("enterprises", FIRMS)
    )
    judged = pa.chunked_array([["0500000001", "unknown-9"]])
    hosts = [f"198.18.0.{n}" for n in (1, 2, 3, 4, 5)]
    return attribute(registers, judged, [Endpoint(host, 40000, AT) for host in hosts])


def site_of(attribution: Attribution, usage_point_id: str) -> str:
    directory = attribution.directory
    return directory.site_ids[int(directory.grouping.codes_of(pa.array([usage_point_id]))[0])]


def described(attribution: Attribution, site_id: str, signs: Sequence[str] = ()) -> Site:
    return describe(attribution, {site_id: Evident(signs)})[site_id]


def test_an_endpoint_reaches_the_account_of_its_holder(attribution: Attribution) -> None:
    found = attribution.endpoints[0]
    assert found.site_id == site_of(attribution, "0500000001")
    assert found.probability > 0.99
    assert found.refusal is None


def test_another_name_at_the_same_door_is_still_that_door(attribution: Attribution) -> None:
    found = attribution.endpoints[1]
    assert found.site_id == site_of(attribution, "0500000003")
    assert found.match is not None
    assert (found.match.who, found.match.where) == ("different", "door")


@pytest.mark.parametrize(
    ("place", "refusal"),
    [(2, "holder_without_usage_point"), (3, "holder_ambiguous"), (4, "lease_unknown")],
)
def test_what_does_not_fit_stands_alone_and_says_why(
    attribution: Attribution, place: int, refusal: str
) -> None:
    found = attribution.endpoints[place]
    assert found.refusal is not None
    assert found.refusal.code == refusal
    assert found.site_id not in attribution.directory.site_ids
    site = described(attribution, found.site_id)
    assert not site.usage_points
    assert [item.code for item in site.refusals] == [refusal]
    assert list(site.endpoints) == [found.endpoint.name]


def test_every_usage_point_is_in_exactly_one_site(attribution: Attribution) -> None:
    directory = attribution.directory
    ids = directory.grouping.usage_point_ids.to_pylist()
    assert sorted(ids) == sorted([row["usage_point_id"] for row in ACCOUNTS] + ["unknown-9"])
    assert len(directory.grouping.codes) == len(ids)


def test_a_site_tells_what_belongs_to_it_and_why(attribution: Attribution) -> None:
    site = described(attribution, site_of(attribution, "0500000001"), ["0500000001"])
    assert site.usage_points == {"0500000001": 1.0, "0500000002": SAME_DOOR}
    assert list(site.enterprises) == ["E1"]
    assert site.enterprise_name == "汉源云上数据有限责任公司"
    assert site.address == f"{TOWN}江汉路12号"
    steps = {(link.from_kind, link.to_kind): link.basis.code for link in site.links}
    assert steps[("endpoint", "lease")] == "lease_layer"
    assert steps[("lease", "holder")] == "lease_holder"
    assert steps[("holder", "usage_point")] == "records_code_door"
    assert ("usage_point", "address") in steps
    assert ("enterprise", "usage_point") in steps
    assert all(0 <= link.probability <= 1 for link in site.links)


def test_a_holder_of_the_address_without_account_keeps_its_address(attribution: Attribution) -> None:
    site = described(attribution, attribution.endpoints[2].site_id)
    assert (site.address, site.enterprise_name) == ("汉源县富林镇民主路77号", "陌生人")


def party(unique_id: str, **values: Any) -> dict[str, Any]:
    return dict.fromkeys(PARTIES.names) | {"unique_id": unique_id} | values


def test_every_level_of_the_model_is_a_probability() -> None:
    for population in (1, 50, 1_000_000):
        settings = model(population)
        for comparison in settings["comparisons"]:
            levels = [x for x in comparison["comparison_levels"] if "m_probability" in x]
            # Long and short names are levels of different records, under one label.
            shares = {x["label_for_charts"]: x["m_probability"] for x in levels}
            assert sum(shares.values()) == pytest.approx(1)
            assert all(0 < x["u_probability"] < 1 for x in levels)


def test_records_that_share_only_a_building_stay_improbable() -> None:
    flats = [
        party(f"u{n}", name=f"甲乙丙{n}", place="r|t|p", premises="r|t|p|1", door=f"r|t|p|1|{n}")
        for n in range(40)
    ]
    right = pa.Table.from_pylist(flats, schema=PARTIES)
    holder = party("h", name="别人家", place="r|t|p", premises="r|t|p|1", door="r|t|p|1|99")
    left = pa.Table.from_pylist([holder], schema=PARTIES)
    matches = match_parties(left, right, 10_000)
    assert {match.where for match in matches} == {"building"}
    assert max(match.probability for match in matches) < 0.05
    assert match_parties(left.slice(0, 0), right, 10_000) == []


def applied(number: int, name: str, uscc: str | None, day: date | None, **values: Any) -> dict[str, Any]:
    row = {"application_id": str(number), "applicant_name": name, "uscc": uscc, "planned_start_on": day}
    return {**row, "region_code": "511823", "applied_on": date(2026, 1, number), **values}


def test_the_newest_live_application_says_when_supply_is_to_begin(attribution: Attribution) -> None:
    papers = [
        applied(1, "某人", CODE, date(2026, 7, 1)),
        applied(2, "云上数据有限公司", None, date(2026, 9, 1)),
        applied(3, "某人", CODE, date(2027, 1, 1), status="refused"),
        applied(4, "某人", CODE, None),
        applied(5, "云上数据有限公司", None, date(2028, 1, 1), region_code="511824"),
    ]
    site_id = site_of(attribution, "0500000001")
    for count, day in ((0, None), (1, date(2026, 7, 1)), (5, date(2026, 9, 1))):
        registers = replace(attribution.registers, applications=rows("applications", papers[:count]))
        changed = replace(attribution, registers=registers)
        assert described(changed, site_id, ["0500000001"]).planned_start_on == day
