"""The data-centre detector: what it refuses, what moves it, and what it says of a part."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from minewatch.detect.traffic.data_centre import DATA_CENTRE_STEP, data_centre_evidence, judge_site
from minewatch.detect.traffic.features import FEATURES, Declared, SiteHours, cooling_share, traffic_features
from minewatch.detect.traffic.model import CLASSES, Papers, shipped_model
from minewatch.detect.traffic.needs import SiteCount, traffic_refusal
from minewatch.detect.traffic.reasons import prefixed
from minewatch.detect.traffic.steps import unfollowed_step
from minewatch.schema.analysis_tables import SITE_HOURS, SITE_RECORDS
from minewatch.schema.evidence import Duty, Evidence
from minewatch.schema.load_classes import load_class_names
from minewatch.schema.periods import Period

START = datetime(2026, 3, 1, tzinfo=UTC)
ZONE = ZoneInfo("Asia/Shanghai")
DAYS = 90
IT: dict[str, Any] = {"industry_codes": ["6450"]}
Floats = npt.NDArray[np.float64]


def hours_of(
    kw: Floats, inbound: Floats, outbound: Floats, peers: float, addresses: float = 1.0
) -> SiteHours:
    number = kw.size
    at = np.arange(number)
    ones = np.ones(number)
    temperature = 15 + 10 * np.sin(2 * np.pi * at / (24 * 60)) + 4 * np.sin(2 * np.pi * (at % 24 - 9) / 24)
    return SiteHours(
        (at + 8) % 24,
        (at + 8) // 24,
        kw,
        inbound,
        outbound,
        peers * ones,
        addresses * ones,
        ones,
        ones,
        temperature,
    )


def mine(kw: float = 500.0) -> SiteHours:
    """A mine: 40 bytes a second for each of its machines, both ways, all day."""
    rng = np.random.default_rng(1)
    number = 24 * DAYS
    moved = kw / 3.3 * 40 * 3600 / 2 * rng.lognormal(0, 0.1, (2, number))
    return hours_of(kw * (1 + rng.normal(0, 0.01, number)), moved[0], moved[1], 6)


def data_centre(kw: float = 500.0) -> SiteHours:
    """A hosting centre: 5 Mbit/s for each kW, three quarters outward, twice as much by day."""
    rng = np.random.default_rng(2)
    number = 24 * DAYS
    shape = 1 + 0.4 * np.sin(2 * np.pi * ((np.arange(number) + 8) % 24 - 9) / 24)
    moved = 5 * kw * 4.5e8 * shape * rng.lognormal(0, 0.1, (2, number))
    power = kw * (1 + 0.05 * (shape - 1) + rng.normal(0, 0.01, number))
    return hours_of(power, 0.25 * moved[0], 0.75 * moved[1], 8000 * 1.0, 120)


def rows_of(site: SiteHours) -> pa.Table:
    hours = [START + timedelta(hours=n) for n in range(site.kw.size)]
    columns = [
        pa.array(["S-1"] * site.kw.size),
        pa.array(hours, SITE_HOURS.field("hour").type),
        *(pa.array(values, from_pandas=True) for values in site[2:7]),
        *(pa.array(values.astype(np.int32)) for values in site[7:9]),
        pa.array(site.temperature_c),
    ]
    return pa.Table.from_arrays(columns, schema=SITE_HOURS)


def record(**values: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {
        "site_id": "S-1",
        "usage_points": 1,
        "points_read": 1,
        "contract_kva": 800.0,
        "industry_codes": [],
        "enterprises": 0,
        "business_scope": None,
        "declared_mbps": None,
        "floor_area_m2": None,
        "reading_rows": DAYS,
        "traffic_rows": 24 * DAYS,
    }
    return usual | values


def judged(site: SiteHours, **values: Any) -> Evidence:
    period = Period(START + timedelta(days=60), START + timedelta(days=DAYS))
    return judge_site(rows_of(site), record(**values), period, ZONE, {"line_traffic": 3, "prices": 1})


def strength(evidence: Evidence) -> float:
    assert evidence.log10_lr is not None
    return evidence.log10_lr


def test_a_mine_that_calls_itself_a_data_centre_is_told_from_one() -> None:
    mining, hosting = judged(mine(), **IT), judged(data_centre(), **IT)
    assert strength(hosting) < -1 < 0 < strength(mining)
    assert mining.alternatives["data_centre"] < 1e-3
    assert hosting.best_alternative == "data_centre"
    assert mining.power_kw is not None
    assert mining.power_kw.low > 250
    assert mining.power_kw.high < 600
    assert mining.duty is Duty.FLAT
    assert sum(hosting.alternatives.values()) == pytest.approx(1)


def test_traffic_alone_does_not_tell_a_mine_from_unattended_plant() -> None:
    evidence = judged(mine())
    assert evidence.best_alternative == "unattended"
    assert abs(strength(evidence)) < 1


def test_inputs_are_the_tables_behind_the_hours() -> None:
    assert judged(mine()).inputs == [{"table": "line_traffic", "version": 3, "rows": 24 * DAYS}]


def test_each_reason_speaks_both_languages() -> None:
    papers = {
        "enterprises": 1,
        "business_scope": "互联网数据中心业务",
        "industry_codes": ["6450"],
        "declared_mbps": 1000.0,
    }
    codes = [item.code for item in judged(data_centre(), **papers).reasons]
    assert codes == [
        "site_bits",
        "site_direction",
        "site_peers",
        "site_day_shape",
        "site_cooling",
        "site_licence_found",
        "site_industry",
        "site_declared",
        "site_part",
        "site_weighed",
    ]
    for item in judged(data_centre(), **papers).reasons:
        assert item.text("en")
        assert item.text("zh")


def test_a_licence_speaks_against_a_mine_and_its_absence_for_one() -> None:
    silent = strength(judged(data_centre()))
    licensed = strength(judged(data_centre(), enterprises=1, business_scope="互联网数据中心业务"))
    missing = strength(judged(data_centre(), enterprises=1))
    assert licensed < silent < missing


def test_a_mine_inside_a_data_centre_is_dated_and_sized_as_a_part() -> None:
    site, begin = data_centre(), 24 * 40 + 7
    kw = site.kw + np.where(np.arange(site.kw.size) >= begin, 300.0, 0.0)
    evidence = judged(site._replace(kw=kw))
    assert evidence.onset_at == START + timedelta(hours=begin)
    assert evidence.power_kw is not None
    assert evidence.power_kw.low <= 300 <= evidence.power_kw.high
    assert evidence.power_kw.high < 700
    assert evidence.ended_at is None
    assert "site_step_up" in [item.code for item in evidence.reasons]


def test_what_ceased_is_judged_as_it_was_and_has_an_end() -> None:
    end = 24 * 50
    site = mine()
    gone = np.arange(site.kw.size) >= end
    evidence = judged(site._replace(kw=np.where(gone, 5.0, site.kw)), **IT)
    assert evidence.ended_at == START + timedelta(hours=end)
    assert strength(evidence) > 0


def test_a_step_that_the_traffic_follows_is_growth() -> None:
    site, later = data_centre(), np.arange(24 * DAYS) >= 24 * 40
    grown = np.where(later, 1.6, 1.0)
    both = site._replace(kw=site.kw * grown, inbound=site.inbound * grown, outbound=site.outbound * grown)
    assert unfollowed_step(both) is None
    assert unfollowed_step(site._replace(kw=site.kw * grown)) is not None


def test_without_peers_weather_and_papers_it_still_speaks() -> None:
    none = np.full(24 * DAYS, np.nan)
    site = mine()._replace(peers=none, addresses=none, temperature_c=none)
    evidence = judged(site, contract_kva=None, **IT)
    assert strength(evidence) > 0
    assert not {"site_peers", "site_cooling"} & {item.code for item in evidence.reasons}


@pytest.mark.parametrize(
    ("change", "values", "code"),
    [
        ({}, {"points_read": 0}, "site_power_incomplete"),
        ({"kw": np.full(24 * DAYS, np.nan)}, {}, "site_power_missing"),
        ({"kw": np.full(24 * DAYS, 0.4)}, {}, "site_power_small"),
        ({"lines_known": np.zeros(24 * DAYS), "lines_seen": np.zeros(24 * DAYS)}, {}, "site_without_line"),
        ({"lines_known": np.full(24 * DAYS, 2.0)}, {}, "site_lines_not_covered"),
        ({"inbound": np.where(np.arange(24 * DAYS) < 300, 1e6, np.nan)}, {}, "site_traffic_too_short"),
        ({"inbound": np.where(np.arange(24 * DAYS) < 900, 1e6, np.nan)}, {}, "site_hours_too_gappy"),
    ],
)
def test_it_refuses_with_the_number_that_shows_why(
    change: dict[str, Floats], values: dict[str, Any], code: str
) -> None:
    evidence = judged(mine()._replace(**change), **values)
    assert evidence.refused
    assert [item.code for item in evidence.reasons] == [code]


def test_what_is_complete_is_not_refused() -> None:
    assert traffic_refusal(mine(), SiteCount(1, 1)) is None


def test_the_step_judges_every_record_and_no_site_by_another_s_hours() -> None:
    hours = rows_of(mine())
    other = rows_of(data_centre()).set_column(0, SITE_HOURS.field(0), pa.array(["S-2"] * 24 * DAYS))
    records = pa.Table.from_pylist([record(), record(site_id="S-2"), record(site_id="S-3")], SITE_RECORDS)
    parameters = {
        "period_start_at": START.isoformat(),
        "period_end_at": (START + timedelta(days=DAYS)).isoformat(),
        "zone": ZONE.key,
    }
    tables = {"site_hours": pa.concat_tables([hours, other]), "site_records": records}
    rows = data_centre_evidence(tables, parameters).to_pylist()
    assert [row["subject_id"] for row in rows] == ["S-1", "S-2", "S-3"]
    assert rows[0]["log10_lr"] > rows[1]["log10_lr"] + 1
    assert rows[2]["reasons"][0]["code"] == "site_power_missing"
    assert DATA_CENTRE_STEP.output == "evidence"


def test_what_resembles_nothing_says_nothing() -> None:
    strange = np.full(len(FEATURES), 60.0)
    assert abs(shipped_model().verdict(strange, Papers()).log10_lr) < 0.05
    assert abs(shipped_model().verdict(np.full(len(FEATURES), np.nan), Papers()).log10_lr) < 0.05


def test_an_unfollowed_step_narrows_the_part() -> None:
    features = traffic_features(data_centre(), Declared())
    low, _, high = shipped_model().verdict(features, Papers()).parts
    near = shipped_model().verdict(features, Papers(), 0.3).parts
    assert near[2] - near[0] < high - low
    assert near[0] < 0.3 < near[2]


def test_cooling_is_the_share_by_ten_kelvin_and_a_trend_is_none() -> None:
    site = mine()
    warm = np.maximum(site.temperature_c - 15, 0)
    wanted = 20 / (100 + 2 * warm.mean())
    assert cooling_share(site._replace(kw=100 + 2.0 * warm)) == pytest.approx(wanted, rel=0.01)
    growing = site._replace(kw=np.linspace(100, 200, site.kw.size))
    assert abs(cooling_share(growing)) < 0.02
    assert np.isnan(cooling_share(site.take(np.arange(24 * 20))))


def test_every_class_has_a_name() -> None:
    assert {*CLASSES, "alone"} <= load_class_names().keys()


def test_numbers_with_prefixes() -> None:
    assert [prefixed(value) for value in (3, 1.26e6, 1.26e11, 9.99e5)] == ["3 ", "1.3 M", "130 G", "1000 k"]


def test_hours_before_anybody_counted_are_no_gap_in_the_coverage() -> None:
    """A lease of years, readings of months, counts of weeks: the counted time has to be whole."""
    site = mine()
    place = np.arange(site.kw.size)
    half, quarter = place >= site.kw.size // 2, place >= site.kw.size // 4
    late = site._replace(
        kw=np.where(quarter, site.kw, np.nan),
        inbound=np.where(half, site.inbound, np.nan),
        lines_known=np.ones(site.kw.size),
        lines_seen=half.astype(float),
    )
    assert traffic_refusal(late, SiteCount(1, 1)) is None
    gappy = late._replace(lines_seen=(half & (place % 2 == 0)).astype(float))
    found = traffic_refusal(gappy, SiteCount(1, 1))
    assert found is not None
    assert found.code == "site_lines_not_covered"
