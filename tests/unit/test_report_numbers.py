"""What the report computes itself: words for numbers, axes, pictures, curves, comparisons."""

import base64
import struct
import zlib
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from minewatch.runs.report import curves_from_readings
from minewatch.runs.report.dossier import dossiers
from minewatch.runs.report.estimates import efficiency, machine_count, triangulation
from minewatch.runs.report.foreign_text import mask_name, mask_traces, visible
from minewatch.runs.report.raster import raster_uri
from minewatch.runs.report.scales import Vertical, area_path, day_ticks, line_path, round_steps
from minewatch.runs.report.wording import joule_per_hash, number, percent, reason_values, with_prefix
from minewatch.schema.grid_tables import INTERVAL_READINGS
from report_samples import sample_report


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (312.4, "312"),
        (52120.6, "52,121"),
        (44, "44.0"),
        (7.221, "7.22"),
        (0.08743, "0.0874"),
        (0, "0"),
        (None, "–"),
    ],
)
def test_numbers_have_three_digits(value: float | None, text: str) -> None:
    assert number(value) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [(0.9996, ">99.9%"), (0.0004, "<0.1%"), (0.83, "83%"), (0.9912, "99.1%"), (None, "–"), (0, "0%")],
)
def test_a_probability_is_never_rounded_to_certainty(share: float | None, text: str) -> None:
    assert percent(share) == text


def test_hash_rates_and_energies_carry_the_prefix_of_the_trade() -> None:
    assert with_prefix(10.3e15, "H/s") == "10.3 PH/s"
    assert with_prefix(41e3, "H/s") == "41.0 kH/s"
    assert with_prefix(999.9e12, "H/s") == "1.00 PH/s"
    assert joule_per_hash(29.5e-12) == "29.5 J/TH"
    assert joule_per_hash(0.36e-6) == "360 J/GH"


def test_values_of_a_reason_are_pairs_even_if_broken() -> None:
    assert reason_values('{"b": 1234.5678, "a": "x"}') == [("a", "x"), ("b", "1,234.57")]
    assert reason_values("not json") == [("", "not json")]
    assert reason_values("[1]") == [("", "[1]")]


def test_foreign_text_becomes_visible_or_masked() -> None:
    assert visible("a\u202eb\x00\n") == "a⟨U+202E⟩b␀␊"
    assert visible("云杉 Ünïcode") == "云杉 Ünïcode"
    assert mask_name("云杉云算科技有限公司") == "云杉***"
    assert mask_name("云杉云算科技有限公司, 青岭县兴业路18号") == "云杉***"
    assert mask_name("3301880041275") == "330***75"
    assert mask_name("198.51.100.24:51822") == "198.51.*.*:51822"
    assert mask_traces("at 2001:db8::17 and 198.51.100.24") == "at 2001:db8:* and 198.51.*.*"


@pytest.mark.parametrize("top", [0.0037, 0.9, 4, 17, 99.9, 1234.5, 8e6])
def test_axis_marks_are_round_and_few(top: float) -> None:
    marks = round_steps(top)
    assert marks[0] == 0
    assert 3 <= len(marks) <= 6
    assert marks[-1] <= top * 1.000001
    assert np.allclose(np.diff(marks), marks[1])


def test_a_line_breaks_where_readings_are_missing() -> None:
    axis = Vertical(10, 100)
    assert line_path(np.array([0, 5, np.nan, 10]), axis) == "M125.0 100.0L375.0 50.0M875.0 0.0L875.0 0.0"
    assert area_path(np.array([0.0, 1.0]), np.array([5.0, 6.0]), axis).startswith("M250.0 50.0L750.0 40.0")
    assert line_path(np.full(4, np.nan), axis) == ""


def test_days_are_marked_by_month_where_there_are_many() -> None:
    assert [tick.zh for tick in day_ticks(date(2025, 11, 10), 120)] == ["12月", "2026年1月", "2月", "3月"]
    assert [tick.en for tick in day_ticks(date(2026, 5, 11), 7)][:3] == ["11 May", "13 May", "15 May"]


def test_the_raster_holds_every_value_and_leaves_gaps_clear() -> None:
    png = base64.b64decode(raster_uri(np.array([[0.0, np.nan], [5.0, 50.0]]), 10.0).partition(",")[2])
    start = png.index(b"IDAT")
    length = struct.unpack(">I", png[start - 4 : start])[0]
    lines = zlib.decompress(png[start + 4 : start + 4 + length])
    assert list(lines) == [0, 1, 0, 0, 128, 255]
    with pytest.raises(ValueError, match="positive"):
        raster_uri(np.zeros((1, 1)), 0)


def test_curves_are_whole_local_days_with_gaps_and_the_finest_interval() -> None:
    rows = [
        {"usage_point_id": "7", "day": date(2026, 5, 3), "interval_minutes": 720, "kw": [3.0, None]},
        {"usage_point_id": "7", "day": date(2026, 5, 1), "interval_minutes": 360, "kw": [1.0, 2.0, 3.0, 4.0]},
    ]
    readings = pa.Table.from_pylist(rows, schema=INTERVAL_READINGS)
    curve = curves_from_readings(readings, ZoneInfo("Asia/Shanghai"))["7"]
    assert curve.start_at == datetime(2026, 4, 30, 16, tzinfo=UTC)
    nan = np.nan
    np.testing.assert_array_equal(curve.days, [[1, 2, 3, 4], [nan] * 4, [3, 3, nan, nan]])


def test_sources_stand_on_one_axis() -> None:
    farm, _, contradicted, split, _, bare, *_ = dossiers(sample_report())
    drawn = triangulation(farm)
    assert drawn
    assert [row.shown.source for row in drawn.rows] == ["usage_point", "wire", "combined"]
    assert drawn.rows[1].shown.power_kw.value == pytest.approx(296)
    assert all(0 <= row.low <= row.at <= row.high <= 100 for row in drawn.rows)
    larger = triangulation(contradicted)
    assert larger
    assert larger.rows[-1].shown.source == "larger"
    several = triangulation(split)
    assert several
    assert [row.shown.source for row in several.rows] == ["usage_point"] * 3 + ["meters", "combined"]
    assert several.rows[3].shown.power_kw.value == pytest.approx(58.2)
    assert triangulation(bare) is None


def test_power_for_a_hash_is_held_against_known_machines() -> None:
    farm, victim, contradicted, split, *_ = dossiers(sample_report())
    found = efficiency(farm.finding)
    assert found
    assert found.nearest.model == "WhatsMiner M30S++"
    assert found.plausible
    assert efficiency({**contradicted.finding, "power_kw": 44.0}).plausible is False  # type: ignore[union-attr]
    assert efficiency(split.finding) is None
    assert machine_count(victim.finding) is None
    assert machine_count(farm.finding) == (42, 250)


def test_flows_are_found_on_either_side_and_by_evidence_alone() -> None:
    report = sample_report()
    farm, victim, *_ = dossiers(report)
    assert [row["src_port"] for row in farm.flows] == [51822, 40217]
    assert len(victim.flows) == 1
    findings = report.findings.to_pylist()
    findings[1]["endpoints"] = [{"name": "203.0.113.9:14444", "probability": 1.0}]
    findings[1]["evidence_ids"] = []
    table = pa.Table.from_pylist(findings, schema=report.findings.schema)
    assert len(list(dossiers(type(report)(**{**vars(report), "findings": table})))[1].flows) == 1


def test_another_flow_of_a_reused_port_is_not_shown() -> None:
    report = sample_report()
    flows = report.flows.to_pylist()
    later = {**flows[0], "flow_id": "W-later", "first_at": flows[0]["last_at"]}
    table = pa.Table.from_pylist([*flows, later], schema=report.flows.schema)
    farm = next(dossiers(type(report)(**{**vars(report), "flows": table})))
    assert "W-later" not in [row["flow_id"] for row in farm.flows]
    assert len(farm.flows) == 2
