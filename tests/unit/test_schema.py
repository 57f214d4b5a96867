from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from minewatch.schema.columns import DataClass, data_class_of, doc_of, unit_of
from minewatch.schema.evidence import Detector, Estimate, Evidence, SubjectKind, evidence_table
from minewatch.schema.ids import bucket_of, buckets_of, content_id
from minewatch.schema.machines import machines
from minewatch.schema.periods import Period, day_period, parse_period
from minewatch.schema.reasons import catalogue, reason
from minewatch.schema.tables import LINEAGE, TABLES

SHANGHAI = ZoneInfo("Asia/Shanghai")
QUANTITY_ENDINGS = {"_kw": "kW", "_kwh": "kWh", "_kva": "kVA", "_mw": "MW", "_m3s": "m3/s", "_kv": "kV"}


@pytest.mark.parametrize("name", TABLES)
def test_every_column_has_a_meaning_and_a_class(name: str) -> None:
    for field in TABLES[name].lake_schema:
        assert doc_of(field), field.name
        assert b"data_class" in (field.metadata or {}), field.name


@pytest.mark.parametrize("name", TABLES)
def test_quantities_have_the_unit_their_name_says(name: str) -> None:
    for field in TABLES[name].schema:
        for ending, unit in QUANTITY_ENDINGS.items():
            if field.name.endswith(ending) and pa.types.is_floating(field.type) and "per_" not in field.name:
                assert unit_of(field) == unit, field.name


@pytest.mark.parametrize("name", TABLES)
def test_keys_are_columns_and_lineage_does_not_collide(name: str) -> None:
    spec = TABLES[name]
    assert set(spec.key) <= set(spec.schema.names)
    if name not in {"files", "quarantine"}:
        assert not set(LINEAGE.names) & set(spec.schema.names)


def test_unmarked_column_counts_as_sensitive() -> None:
    assert data_class_of(pa.field("x", pa.string())) is DataClass.SENSITIVE


@pytest.mark.parametrize(
    ("text", "first", "last"),
    [
        ("2026-W20", date(2026, 5, 11), date(2026, 5, 18)),
        ("2026-12", date(2026, 12, 1), date(2027, 1, 1)),
        ("2026", date(2026, 1, 1), date(2027, 1, 1)),
        ("2026-05-01", date(2026, 5, 1), date(2026, 5, 2)),
        ("2026-05-01/2026-06-01", date(2026, 5, 1), date(2026, 6, 1)),
    ],
)
def test_period_forms(text: str, first: date, last: date) -> None:
    period = parse_period(text, SHANGHAI)
    assert period == day_period(first, last, SHANGHAI)
    assert period.days(SHANGHAI) == (first, last)
    assert period.contains(period.start_at)
    assert not period.contains(period.end_at)


@pytest.mark.parametrize("text", ["2026-W60", "2026-13", "yesterday", "2026-06-01/2026-05-01", ""])
def test_bad_period_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"not a period|ends"):
        parse_period(text, SHANGHAI)


def test_period_needs_a_zone() -> None:
    with pytest.raises(ValueError, match="time zone"):
        Period(datetime(2026, 1, 1), datetime(2026, 1, 2))  # noqa: DTZ001


def test_ids_depend_on_content_only() -> None:
    at = datetime(2026, 1, 1, tzinfo=UTC)
    assert content_id("E", "a", at, [1, None]) == content_id("E", "a", at, [1, None])
    assert content_id("E", "a", "b") != content_id("E", "ab")
    with pytest.raises(TypeError, match="text, numbers and times"):
        content_id("E", object())


def test_buckets_are_those_of_crc32() -> None:
    assert bucket_of("123456789", 2**32) == 0xCBF43926  # check value of CRC-32/ISO-HDLC
    assert buckets_of(["a", "b"], 7) == [bucket_of("a", 7), bucket_of("b", 7)]


def test_reasons_are_written_in_both_languages() -> None:
    row = reason("series_too_short", days=3, needed=14).as_row()
    assert row["text_en"] == "3 days of readings; at least 14 are needed"
    assert "14天" in row["text_zh"]
    assert all(sentence for sentences in catalogue().values() for sentence in sentences.values())


def test_reason_without_its_value_or_code_is_a_defect() -> None:
    with pytest.raises(KeyError):
        reason("series_too_short", days=3)
    with pytest.raises(KeyError):
        reason("no_such_code")


def test_evidence_round_trips_to_arrow() -> None:
    period = parse_period("2026-W20", SHANGHAI)
    refused = Evidence(
        Detector("meter_block", "1"),
        SubjectKind.USAGE_POINT,
        "0012",
        period,
        None,
        [reason("series_all_zero", days=7)],
    )
    given = Evidence(
        Detector("meter_block", "1"),
        SubjectKind.USAGE_POINT,
        "0012",
        period,
        1.5,
        [reason("series_all_zero", days=7)],
        alternatives={"cold_store": 0.7, "household": 0.3},
        power_kw=Estimate(10, 9, 12),
        inputs=[{"table": "interval_readings", "version": 3, "rows": 7}],
    )
    table = evidence_table([refused, given])
    assert table.schema == TABLES["evidence"].schema
    assert table["log10_lr"].to_pylist() == [None, 1.5]
    assert refused.refused
    assert refused.evidence_id != given.evidence_id


def test_evidence_needs_a_reason_and_an_ordered_interval() -> None:
    period = parse_period("2026-W20", SHANGHAI)
    with pytest.raises(ValueError, match="no reason"):
        Evidence(Detector("d", "1"), SubjectKind.PLANT, "p", period, 0.0, [])
    with pytest.raises(ValueError, match="outside its interval"):
        Estimate(1, 2, 3)


def test_machines_have_the_rated_efficiency() -> None:
    efficiency = {machine.model: machine.joule_per_hash * 1e12 for machine in machines()}
    assert efficiency["Antminer S9"] == pytest.approx(98, abs=0.5)
    assert efficiency["Antminer S21 XP Hyd"] == pytest.approx(12, abs=0.5)
    assert ("Antminer L7", "scrypt") in {(machine.model, machine.algorithm) for machine in machines()}
    assert len({(machine.model, machine.algorithm) for machine in machines()}) == len(machines())
