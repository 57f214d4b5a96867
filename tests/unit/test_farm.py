"""One farm from several sides: power, energy, kind, contradictions, and the row of the finding."""

import math
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from minewatch.fuse.families import Family
from minewatch.fuse.farm import Signs, farm_of
from minewatch.fuse.findings import Case, Run, finding_row, findings_table
from minewatch.fuse.verdicts import Surroundings, agreement, contradictions, kind_of, part_of_load
from minewatch.schema.evidence import Detector, Duty, Estimate, Evidence, FindingKind, SubjectKind
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


Rows = Sequence[Mapping[str, Any]]


def signs(meter_rows: Rows = (), wire: Rows = (), **others: Rows) -> Signs:
    by_family = {Family.METER: meter_rows, Family.WIRE: wire}
    by_family |= {Family(name): rows for name, rows in others.items()}
    return {family: rows for family, rows in by_family.items() if rows}


def test_usage_points_add_up_and_endpoints_at_work_together_do() -> None:
    meters = [meter("a", 30), meter("b", 70)]
    flows = [
        flow("ip:1", 40, 0, 10),
        flow("ip:2", 50, 5, 10),
        flow("ip:1", 40, 2, 3),  # the same endpoint, seen by a second sensor
        flow("ip:3", 60, 20, 1),
    ]
    farm = farm_of(signs(meters, flows), WEEK)
    assert farm.grid_kw is not None
    assert farm.wire_kw is not None
    assert farm.grid_kw.value == pytest.approx(100)
    assert farm.wire_kw.value == pytest.approx(90)
    assert farm.power_kw is not None
    assert 90 < farm.power_kw.value < 100
    assert farm.power_kw.high - farm.power_kw.low < farm.grid_kw.high - farm.grid_kw.low


def test_energy_counts_the_hours_on_in_the_period() -> None:
    half = meter("a", 10, onset_at=START + 84 * HOUR, on_share=0.5)
    whole = meter("b", 10)
    farm = farm_of(signs([half, whole]), WEEK)
    assert farm.hours_on == pytest.approx((42 + 168) / 2)
    assert farm.energy_kwh is not None
    assert farm.energy_kwh.value == pytest.approx(20 * 105)
    assert farm.onset_at is None  # one began before the data


def test_energy_of_traffic_alone_is_that_of_the_hours_seen() -> None:
    farm = farm_of(signs([], [flow("ip:1", 40, -5, 10), flow("ip:1", 40, 100, 3)]), WEEK)
    assert farm.hours_on == pytest.approx(8)
    assert farm.ended_at is None


def test_hash_rate_keeps_its_algorithm() -> None:
    rate = Estimate(1e14, 0.9e14, 1.1e14)
    rows = [flow("ip:1", 3, hash_rate=rate, coin="BTC"), flow("ip:2", 3, hash_rate=rate, coin="BTC")]
    farm = farm_of(signs([], rows), WEEK)
    assert (farm.hash_rate, farm.algorithm, farm.coin) == (2e14, "SHA-256", "BTC")


def codes(meter_kw: float | None, wire_kw: float | None, around: Surroundings) -> tuple[str, set[str], bool]:
    shown = signs([meter("a", meter_kw)] if meter_kw else [], [flow("ip:1", wire_kw)] if wire_kw else [])
    farm = farm_of(shown, WEEK)
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
    farm = farm_of(signs([], [flow("ip:1", 20, spread=6.0)]), WEEK)
    assert kind_of(farm, Surroundings(12, False, True)) is FindingKind.ACTIVE
    assert {item.code for item in contradictions(farm, Surroundings(12, False, True))} == {
        "wire_without_meter"
    }


def balance(power: float, **values: Any) -> Mapping[str, Any]:
    return evidence(SubjectKind.TRANSFORMER, "T", power, **values)


def told(shown: Signs, around: Surroundings) -> tuple[str, set[str], set[str]]:
    """Return kind, contradictions and agreements."""
    farm = farm_of(shown, WEEK)
    codes_of = ({item.code for item in items} for items in (contradictions(farm, around), agreement(farm)))
    return kind_of(farm, around).value, *codes_of


def test_what_the_balance_lacks_adds_to_what_the_meter_shows_and_agrees_with_the_wire() -> None:
    """A farm with a bypass: the meter shows a part, the transformer's balance the rest, the traffic all."""
    shown = signs([meter("a", 30)], [flow("ip:1", 310)], supply=[balance(270, duty=Duty.FLAT)])
    farm = farm_of(shown, WEEK)
    assert farm.grid_kw is not None
    assert farm.grid_kw.value == pytest.approx(300)
    assert farm.duty == "flat"
    # The traffic exceeds the meters, but the balance says where the rest comes from: no contradiction.
    assert told(shown, Surroundings(45, False, True)) == (
        "unmetered_supply",
        set(),
        {"balance_and_wire_agree"},
    )
    assert told(signs([], [], supply=[balance(50)]), QUIET) == ("unmetered_supply", set(), set())
    far = signs([], [flow("ip:1", 310)], supply=[balance(20)])
    assert told(far, QUIET) == ("unmetered_supply", {"wire_above_balance"}, set())


def test_missing_output_and_traffic_of_one_farm_agree() -> None:
    missing_kw = evidence(SubjectKind.PLANT, "P", 2000.0)
    near = signs([], [flow("ip:1", 2100)], plant=[missing_kw])
    assert told(near, QUIET) == ("plant_diversion", set(), {"plant_and_wire_agree"})
    far = signs([], [flow("ip:1", 200)], plant=[missing_kw])
    assert told(far, QUIET) == ("plant_diversion", {"plant_above_wire"}, set())


def test_a_mine_within_another_load_has_the_part_that_moves_no_data() -> None:
    part = evidence(SubjectKind.SITE, "S", 80.0)
    farm = farm_of(signs([meter("a", 500)], [], traffic=[part]), WEEK)
    assert farm.power_kw is not None
    assert farm.power_kw.value == pytest.approx(80)
    assert [item.code for item in part_of_load(farm)] == ["mine_within_load"]
    alike = farm_of(signs([meter("a", 90, spread=1.05)], [], traffic=[part]), WEEK)
    assert alike.power_kw is not None
    assert alike.power_kw.value == pytest.approx(90)  # the narrower of two looks at one curve


def test_traffic_that_speaks_for_honest_use_is_a_contradiction() -> None:
    honest = evidence(SubjectKind.SITE, "S", None, log10_lr=-3.0, best_alternative="data_centre")
    faint = evidence(SubjectKind.SITE, "S", None, log10_lr=-0.2, best_alternative="data_centre")
    for row, codes_told in ((honest, {"traffic_speaks_against"}), (faint, set())):
        around = Surroundings(140, False, True, [row])
        assert told(signs([meter("a", 100)]), around) == ("active", codes_told, set())
    hospital = Surroundings(80, True, True, [honest])
    assert told(signs([], [flow("ip:1", 2.0, algorithm="RandomX")]), hospital)[:2] == (
        "passive_victim",
        set(),
    )


def test_measured_energy_goes_before_power_times_hours() -> None:
    row = balance(100, energy_kwh=Estimate(8400, 8000, 8800))
    farm = farm_of(signs([], [], supply=[row]), WEEK)
    assert farm.hours_on == pytest.approx(84)
    assert farm.energy_kwh is not None
    assert farm.energy_kwh.value == pytest.approx(8400)


def test_infected_computers_of_an_institution_are_victims() -> None:
    farm = farm_of(signs([], [flow("ip:1", 2.0, algorithm="RandomX")]), WEEK)
    assert kind_of(farm, Surroundings(80, True, True)) is FindingKind.PASSIVE_VICTIM
    assert kind_of(farm, Surroundings(80, False, True)) is FindingKind.PASSIVE_VICTIM  # beside a larger load
    assert kind_of(farm, Surroundings(5, False, True)) is FindingKind.ACTIVE
    large = farm_of(signs([], [flow("ip:1", 60.0, algorithm="RandomX")]), WEEK)
    assert kind_of(large, Surroundings(80, True, True)) is FindingKind.ACTIVE
    asic = farm_of(signs([], [flow("ip:1", 2.0)]), WEEK)
    assert kind_of(asic, Surroundings(80, True, True)) is FindingKind.ACTIVE


def test_another_load_in_a_victims_curve_makes_it_no_miner() -> None:
    """A block far above the traffic: another load at an institution, elsewhere perhaps the rest of a farm."""
    wire = [flow("ip:1", 0.4, algorithm="RandomX")]
    weak, strong = (farm_of(signs([meter("a", 20, log10_lr=lr)], wire), WEEK) for lr in (0.1, 2.0))
    assert kind_of(strong, Surroundings(80, True, True)) is FindingKind.PASSIVE_VICTIM
    assert kind_of(strong, Surroundings(80, False, True)) is FindingKind.ACTIVE
    assert kind_of(weak, Surroundings(80, False, True)) is FindingKind.PASSIVE_VICTIM
    agreed = farm_of(signs([meter("a", 0.5)], wire), WEEK)
    assert kind_of(agreed, Surroundings(80, True, True)) is FindingKind.ACTIVE


def test_what_a_meter_cannot_show_is_no_contradiction() -> None:
    farm = farm_of(signs([], [flow("ip:1", 0.4)]), WEEK)
    assert contradictions(farm, Surroundings(80, False, True)) == ()


def case(site_id: str, q: float) -> Case:
    site = Site(site_id, usage_points={"b": 0.9, "a": 1.0})
    return Case(site, signs([meter("a", 10)], [flow("ip:1", 11)]), QUIET, 0.9, q)


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
