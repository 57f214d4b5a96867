"""Evidence on the grid beside that on customers and lines: whose site it is, and what follows together."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pytest

from minewatch.attribute.grouping import site_id_of
from minewatch.attribute.sites import Registers
from minewatch.fuse.families import Family
from minewatch.fuse.nulls import Null
from minewatch.fuse.strength import Calibration
from minewatch.runs.judgement import Conclusion, Question, conclude
from minewatch.schema.evidence import Detector, Estimate, Evidence, SubjectKind, evidence_table
from minewatch.schema.periods import Period
from minewatch.schema.reasons import reason
from minewatch.schema.tables import TABLES

START = datetime(2026, 5, 11, tzinfo=UTC)
WEEK = Period(START, START + timedelta(days=7))
CODE = "91350100M000100Y43"
TOWN = "四川省雅安市汉源县富林镇"
OPERATOR = "汉源清白水电开发有限公司"


def rows(table: str, items: Sequence[Mapping[str, Any]]) -> pa.Table:
    schema = TABLES[table].schema
    return pa.Table.from_pylist([dict.fromkeys(schema.names) | dict(item) for item in items], schema=schema)


def account(number: int) -> dict[str, Any]:
    return {
        "usage_point_id": f"U{number:03d}",
        "customer_name": f"户主{number}号",
        "address": f"{TOWN}江汉路{number + 1}号",
        "region_code": "511823",
        "tariff_class": "residential",
        "transformer_id": f"T{number // 20}",
        "lon": 102.5 + number / 1000,
        "lat": 29.3,
    }


def line(ip: str, name: str, address: str) -> dict[str, Any]:
    since = {"port_low": 0, "port_high": 65535, "valid_from": datetime(2020, 1, 1, tzinfo=UTC)}
    return {"prefix": ip, **since, "holder_name": name, "address": address, "region_code": "511823"}


PLANT = {
    "plant_id": "H1",
    "plant_name": "清白河二级水电站",
    "operator_name": OPERATOR,
    "uscc": CODE,
    "kind": "hydro",
    "rated_mw": 8.0,
    "region_code": "511823",
    "lon": 102.6,
    "lat": 29.4,
}
FIRM = {"enterprise_id": "E1", "enterprise_name": OPERATOR, "uscc": CODE, "region_code": "511823"}
REGISTERS = Registers(
    usage_points=rows("usage_points", [account(n) for n in range(100)]),
    ip_leases=rows(
        "ip_leases",
        [
            *[line(f"198.18.0.{n}", f"户主{n}号", f"{TOWN}江汉路{n + 1}号") for n in range(100)],
            line("198.18.1.1", "某科技有限公司", "汉源县富林镇清白河二级水电站旁厂房"),
            line("198.18.1.2", "陌生人", "汉源县富林镇无名沟"),
        ],
    ),
    enterprises=rows("enterprises", [FIRM]),
    transformers=rows(
        "transformers",
        [{"transformer_id": f"T{n}", "region_code": "511823", "lon": 102.7, "lat": 29.5} for n in range(5)],
    ),
    feeders=rows("feeders", [{"feeder_id": "F7", "region_code": "511823"}]),
    plants=rows("plants", [PLANT]),
)
INNOCENT = Null((np.sort(np.random.default_rng(3).normal(-2, 0.7, 20_000)),), np.array([1.0]))
MINES = np.sort(np.random.default_rng(4).normal(3, 1, 5_000))
CALIBRATIONS = {family: Calibration(INNOCENT, MINES) for family in Family}


class InMemory(NamedTuple):
    """Rows of evidence that lie nowhere."""

    table: pa.Table

    def read(self, columns: Sequence[str]) -> Iterator[pa.Table]:
        """See ``EvidenceRows.read``."""
        yield self.table.select(list(columns))


def seen(
    kind: SubjectKind, name: str, log10_lr: float | None, power_kw: float | None = None, **values: Any
) -> Evidence:
    spread = values.pop("spread", 1.1)
    power = Estimate(power_kw, power_kw / spread, power_kw * spread) if power_kw else None
    told = [reason("series_all_zero", days=3)]
    return Evidence(Detector("d", "1"), kind, name, WEEK, log10_lr, told, power_kw=power, **values)


def quiet(but: Sequence[str] = ()) -> list[Evidence]:
    """Return evidence of innocents: every customer, transformer and plant that is not named."""
    points = [seen(SubjectKind.USAGE_POINT, f"U{n:03d}", -2.0) for n in range(100)]
    grid = [seen(SubjectKind.TRANSFORMER, f"T{n}", -2.0) for n in range(5)]
    every = [*points, *grid, seen(SubjectKind.PLANT, "H1", -2.0)]
    return [item for item in every if item.subject_id not in but]


def flow(ip: str, power_kw: float) -> Evidence:
    times = {"onset_at": START, "ended_at": START + timedelta(hours=8), "algorithm": "SHA-256"}
    return seen(SubjectKind.ENDPOINT, f"{ip}:4000", 5.0, power_kw, spread=1.3, **times)


def no_readings(_: Sequence[str]) -> Mapping[str, float]:
    return {}


def judged(signs: Sequence[Evidence], prior: float = 0.01) -> Conclusion:
    return asked(evidence_table([*signs, *quiet([item.subject_id for item in signs])]), prior)


def asked(table: pa.Table, prior: float = 0.01) -> Conclusion:
    hosts = ["198.18.0.1"]
    question = Question("R", WEEK, 0.1, prior, CALIBRATIONS, hosts, lambda names: dict.fromkeys(names, 8.0))
    return conclude(InMemory(table), REGISTERS, question)


def only(conclusion: Conclusion) -> dict[str, Any]:
    listed = conclusion.findings.to_pylist()
    assert len(listed) == 1
    return dict(listed[0])


def test_an_unmetered_load_that_points_at_nobody_makes_its_transformer_a_site() -> None:
    places = {"U041": 0.4, "U042": 0.3, "U043": 0.3}
    finding = only(judged([seen(SubjectKind.TRANSFORMER, "T2", 4.0, 60.0, places=places)]))
    assert finding["site_id"] == site_id_of("T2", "transformer")
    assert finding["kind"] == "unmetered_supply"
    assert finding["transformers"] == [{"name": "T2", "probability": 1.0}]
    assert [item["name"] for item in finding["usage_points"]] == ["U041", "U042", "U043"]
    assert (finding["lon"], finding["lat"], finding["region_code"]) == (102.7, 29.5, "511823")
    assert {(link["from_id"], link["to_id"]) for link in finding["links"]} == {
        ("T2", name) for name in places
    }
    assert finding["power_kw"] == pytest.approx(60)


def test_traffic_that_lacks_that_power_gives_the_load_to_its_customer() -> None:
    result = judged([seen(SubjectKind.TRANSFORMER, "T2", 4.0, 60.0), flow("198.18.0.45", 63.0)])
    finding = only(result)
    assert finding["site_id"] == site_id_of("U045")
    assert finding["kind"] == "unmetered_supply"
    assert [item["name"] for item in finding["transformers"]] == ["T2"]
    assert 60 < finding["power_kw"] < 63
    codes = {item["code"] for item in finding["reasons"]}
    assert "balance_and_wire_agree" in codes
    assert finding["contradictions"] == []
    assert ("T2", "U045", "place_by_traffic") in {
        (link["from_id"], link["to_id"], link["basis"]["code"]) for link in finding["links"]
    }
    assert result.summary["loads_given_to_customers"] == 1
    assert len(finding["evidence_ids"]) == 2


def test_voltages_that_point_at_one_customer_give_the_load_to_it() -> None:
    """The places come from a detector of their own, which judges nothing."""
    told = [reason("series_all_zero", days=4)]
    place = Evidence(
        Detector("block_place", "1"), SubjectKind.TRANSFORMER, "T2", WEEK, None, told, places={"U047": 0.99}
    )
    load = seen(SubjectKind.TRANSFORMER, "T2", 4.0, 60.0)
    table = evidence_table([place, load, *quiet(["T2"]), flow("198.18.0.47", 61.0)])
    result = asked(table)
    finding = only(result)
    assert finding["site_id"] == site_id_of("U047")
    assert len(finding["evidence_ids"]) == 3
    assert result.summary["refusals"] == {}
    assert result.summary["judged"]["supply"] == 5


def test_agreement_makes_it_surer_than_either_alone() -> None:
    load, traffic = seen(SubjectKind.TRANSFORMER, "T2", 2.0, 60.0), flow("198.18.0.45", 63.0)
    alone, both = (judged(signs).assessments.to_pylist() for signs in ([load], [load, traffic]))
    site = {row["site_id"]: row for row in both}[site_id_of("U045")]
    transformer = {row["site_id"]: row for row in alone}[site_id_of("T2", "transformer")]
    assert site["score"] > transformer["score"] + 1
    assert site["p_value"] < transformer["p_value"]


def test_a_load_of_another_size_stays_with_its_transformer() -> None:
    result = judged([seen(SubjectKind.TRANSFORMER, "T2", 4.0, 600.0), flow("198.18.0.45", 63.0)])
    kinds = {row["site_id"]: row["kind"] for row in result.findings.to_pylist()}
    assert kinds[site_id_of("T2", "transformer")] == "unmetered_supply"
    assert site_id_of("U045") in kinds
    assert result.summary["loads_given_to_customers"] == 0


def test_a_plant_is_a_site_with_its_operator_and_the_line_that_is_at_it() -> None:
    finding = only(judged([seen(SubjectKind.PLANT, "H1", 4.0, 2000.0), flow("198.18.1.1", 2100.0)]))
    assert finding["site_id"] == site_id_of("H1", "plant")
    assert finding["kind"] == "plant_diversion"
    assert finding["enterprise_name"] == OPERATOR
    assert finding["address"] == "清白河二级水电站"
    assert [item["name"] for item in finding["plants"]] == ["H1"]
    assert [item["name"] for item in finding["endpoints"]] == ["198.18.1.1:4000"]
    assert "plant_and_wire_agree" in {item["code"] for item in finding["reasons"]}
    steps = {(link["from_kind"], link["to_kind"]): link["basis"]["code"] for link in finding["links"]}
    assert steps["holder", "plant"] == "address_names_plant"
    assert steps["enterprise", "plant"] == "plant_operator_code"


def test_a_feeder_is_a_site_of_its_own() -> None:
    finding = only(judged([seen(SubjectKind.FEEDER, "F7", 4.0, 900.0)]))
    assert finding["site_id"] == site_id_of("F7", "feeder")
    assert [item["name"] for item in finding["feeders"]] == ["F7"]


def test_a_feeders_load_and_a_farm_without_account_name_each_other() -> None:
    tap = seen(SubjectKind.FEEDER, "F7", 4.0, 300.0, spread=1.05)
    near, far = (judged([tap, flow("198.18.1.2", kw)]).findings.to_pylist() for kw in (310.0, 90.0))
    assert {row["site_id"] for row in near} >= {site_id_of("F7", "feeder")}
    assert len(near) == len(far) == 2
    for row in near:
        assert "farm_may_be_load" in {item["code"] for item in row["reasons"]}
    for row in far:
        assert "farm_may_be_load" not in {item["code"] for item in row["reasons"]}


def test_traffic_for_honest_use_takes_a_site_off_the_list() -> None:
    """What the curve alone lists, as a mine or a data centre, traffic tells apart: a hundredfold."""
    block = seen(SubjectKind.USAGE_POINT, "U007", 1.2, 90.0)
    honest = seen(SubjectKind.SITE, site_id_of("U007"), -3.5, best_alternative="data_centre")
    own = site_id_of("U007")
    alone, both = (
        {row["site_id"]: row for row in judged(signs, 0.002).assessments.to_pylist()}[own]
        for signs in ([block], [block, honest])
    )
    assert both["score"] == pytest.approx(alone["score"] - 2, abs=0.2)
    assert both["posterior"] < 0.5 < alone["posterior"]


def test_refused_and_judged_sites_are_counted_once() -> None:
    result = judged([seen(SubjectKind.TRANSFORMER, "T2", None), seen(SubjectKind.USAGE_POINT, "U001", None)])
    assert result.summary["sites_refused"] == 2
    assert result.summary["sites_tested"] == 104
    assert result.summary["judged"]["supply"] == 4


def test_nothing_at_all_is_no_error() -> None:
    question = Question("R", WEEK, 0.1, None, CALIBRATIONS, [], no_readings)
    result = conclude(InMemory(evidence_table([])), REGISTERS, question)
    assert result.summary["listed"] == 0


def test_evidence_of_a_family_that_nothing_calibrates_is_an_error() -> None:
    few = {Family.METER: CALIBRATIONS[Family.METER]}
    question = Question("R", WEEK, 0.1, None, few, [], no_readings)
    with pytest.raises(KeyError, match="supply"):
        conclude(InMemory(evidence_table(quiet())), REGISTERS, question)
