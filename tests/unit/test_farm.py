"""One farm from several sides: power, energy, kind, contradictions, and the row of the finding."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from minewatch.fuse.farm import farm_of
from minewatch.fuse.findings import Case, Run, finding_row, findings_table
from minewatch.fuse.verdicts import Surroundings, agreement, contradictions, kind_of
from minewatch.schema.evidence import Detector, Estimate, Evidence, FindingKind, SubjectKind
from minewatch.schema.periods import Period
from minewatch.schema.reasons import reason
from minewatch.schema.sites import Site

START = datetime(2026, 5, 11, tzinfo=UTC)
WEEK = Period(START, START + timedelta(days=7))
HOUR = timedelta(hours=1)
QUIET = Surroundings(metered_kw=None, public_body=False, meter_judged=False)


def evidence(kind: SubjectKind, subject: str, power: float | None, **values: Any) -> Mapping[str, Any]:
    spread = values.pop("spread", 1.2)
    estimate = Estimate(power, power / spread, power * spread) if power else None
    made = Evidence(
        Detector("d", "1"),
        kind,
        subject,
        WEEK,
        values.pop("log10_lr", 3.0),
        [reason("series_all_zero", days=3)],
        power_kw=estimate,
        **values,
    )
    return made.as_row()


def meter(subject: str, power: float | None, **values: Any) -> Mapping[str, Any]:
    return evidence(SubjectKind.USAGE_POINT, subject, power, **values)


def flow(
    subject: str, power: float | None, start: float = 0, hours: float = 10, **values: Any
) -> Mapping[str, Any]:
    begin = START + start * HOUR
    return evidence(
        SubjectKind.ENDPOINT,
        subject,
        power,
        **{"algorithm": "SHA-256", "onset_at": begin, "ended_at": begin + hours * HOUR, **values},
    )


def test_usage_points_add_up_and_endpoints_at_work_together_do() -> None:
    farm = farm_of(
        [meter("a", 30), meter("b", 70)],
        [
            flow("ip:1", 40, 0, 10),
            flow("ip:2", 50, 5, 10),
            flow("ip:1", 40, 2, 3),  # the same endpoint, seen by a second sensor
            flow("ip:3", 60, 20, 1),
        ],
        WEEK,
    )
    assert farm.meter_kw is not None
    assert farm.wire_kw is not None
    assert farm.meter_kw.value == pytest.approx(100)
    assert farm.wire_kw.value == pytest.approx(90)
    assert farm.power_kw is not None
    assert 90 < farm.power_kw.value < 100
    assert farm.power_kw.high - farm.power_kw.low < farm.meter_kw.high - farm.meter_kw.low


def test_energy_counts_the_hours_on_in_the_period() -> None:
    half = meter("a", 10, onset_at=START + 84 * HOUR, on_share=0.5)
    whole = meter("b", 10)
    farm = farm_of([half, whole], [], WEEK)
    assert farm.hours_on == pytest.approx((42 + 168) / 2)
    assert farm.energy_kwh is not None
    assert farm.energy_kwh.value == pytest.approx(20 * 105)
    assert farm.onset_at is None  # one began before the data


def test_energy_of_traffic_alone_is_that_of_the_hours_seen() -> None:
    farm = farm_of([], [flow("ip:1", 40, -5, 10), flow("ip:1", 40, 100, 3)], WEEK)
    assert farm.hours_on == pytest.approx(8)
    assert farm.ended_at is None


def test_hash_rate_keeps_its_algorithm() -> None:
    rate = Estimate(1e14, 0.9e14, 1.1e14)
    rows = [flow("ip:1", 3, hash_rate=rate, coin="BTC"), flow("ip:2", 3, hash_rate=rate, coin="BTC")]
    farm = farm_of([], rows, WEEK)
    assert (farm.hash_rate, farm.algorithm, farm.coin) == (2e14, "SHA-256", "BTC")


def codes(meter_kw: float | None, wire_kw: float | None, around: Surroundings) -> tuple[str, set[str], bool]:
    farm = farm_of(
        [meter("a", meter_kw)] if meter_kw else [], [flow("ip:1", wire_kw)] if wire_kw else [], WEEK
    )
    told = {item.code for item in contradictions(farm, around)}
    return kind_of(farm, around).value, told, bool(agreement(farm))


def test_meter_and_wire_that_agree_contradict_nothing() -> None:
    assert codes(100, 105, Surroundings(140, False, True)) == ("active", set(), True)


def test_far_more_on_the_wire_than_the_meters_ever_showed_is_supply_past_the_meter() -> None:
    kind, told, agree = codes(None, 300, Surroundings(12, False, True))
    assert kind == "unmetered_supply"
    assert told == {"wire_above_supply", "wire_without_meter"}
    assert not agree


def test_far_less_on_the_wire_means_machines_that_were_not_seen() -> None:
    assert codes(100, 10, Surroundings(140, False, True)) == ("active", {"meter_above_wire"}, False)


def test_a_wide_estimate_contradicts_nothing() -> None:
    farm = farm_of([], [flow("ip:1", 20, spread=6.0)], WEEK)
    assert kind_of(farm, Surroundings(12, False, True)) is FindingKind.ACTIVE
    assert {item.code for item in contradictions(farm, Surroundings(12, False, True))} == {
        "wire_without_meter"
    }


def test_infected_computers_of_an_institution_are_victims() -> None:
    farm = farm_of([], [flow("ip:1", 2.0, algorithm="RandomX")], WEEK)
    assert kind_of(farm, Surroundings(80, True, True)) is FindingKind.PASSIVE_VICTIM
    assert kind_of(farm, Surroundings(80, False, True)) is FindingKind.PASSIVE_VICTIM  # beside a larger load
    assert kind_of(farm, Surroundings(5, False, True)) is FindingKind.ACTIVE
    large = farm_of([], [flow("ip:1", 60.0, algorithm="RandomX")], WEEK)
    assert kind_of(large, Surroundings(80, True, True)) is FindingKind.ACTIVE
    asic = farm_of([], [flow("ip:1", 2.0)], WEEK)
    assert kind_of(asic, Surroundings(80, True, True)) is FindingKind.ACTIVE


def test_another_load_in_a_victims_curve_makes_it_no_miner() -> None:
    """A block far above the traffic: another load at an institution, elsewhere perhaps the rest of a farm."""
    wire = [flow("ip:1", 0.4, algorithm="RandomX")]
    weak, strong = (farm_of([meter("a", 20, log10_lr=lr)], wire, WEEK) for lr in (0.1, 2.0))
    assert kind_of(strong, Surroundings(80, True, True)) is FindingKind.PASSIVE_VICTIM
    assert kind_of(strong, Surroundings(80, False, True)) is FindingKind.ACTIVE
    assert kind_of(weak, Surroundings(80, False, True)) is FindingKind.PASSIVE_VICTIM
    agreed = farm_of([meter("a", 0.5)], wire, WEEK)
    assert kind_of(agreed, Surroundings(80, True, True)) is FindingKind.ACTIVE


def test_what_a_meter_cannot_show_is_no_contradiction() -> None:
    farm = farm_of([], [flow("ip:1", 0.4)], WEEK)
    assert contradictions(farm, Surroundings(80, False, True)) == ()


def case(site_id: str, q: float) -> Case:
    site = Site(site_id, usage_points={"b": 0.9, "a": 1.0})
    return Case(site, [meter("a", 10)], [flow("ip:1", 11)], QUIET, 0.9, q)


def test_a_finding_carries_its_parts() -> None:
    row = finding_row(case("S-1", 0.01), Run("R-1", WEEK))
    assert [item["name"] for item in row["usage_points"]] == ["a", "b"]
    assert row["power_kw_low"] < row["power_kw"] < row["power_kw_high"]
    assert row["energy_kwh"] == pytest.approx(row["power_kw"] * 168)
    assert len(row["evidence_ids"]) == 2
    assert [item["code"] for item in row["reasons"]] == ["meter_and_wire_agree", "series_all_zero"]
    assert math.isclose(row["posterior"], 0.9)


def test_the_list_is_ordered_by_q_value_and_its_ids_follow_from_the_run() -> None:
    cases = [case("S-2", 0.05), case("S-1", 0.01)]
    table = findings_table(cases, Run("R-1", WEEK))
    assert table["site_id"].to_pylist() == ["S-1", "S-2"]
    assert (
        table["finding_id"].to_pylist()
        == findings_table(cases[::-1], Run("R-1", WEEK))["finding_id"].to_pylist()
    )
    other = findings_table(cases, Run("R-2", WEEK))["finding_id"].to_pylist()
    assert not set(other) & set(table["finding_id"].to_pylist())
