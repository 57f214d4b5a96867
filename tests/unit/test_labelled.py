"""Which label counts, and which contradict each other."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from minewatch.runs.evaluation.labelled import labels_in
from minewatch.schema.periods import Period
from minewatch.schema.tables import TABLES

START = datetime(2026, 5, 4, tzinfo=UTC)
PERIOD = Period(START, START + timedelta(days=7))


def day(number: float) -> datetime:
    return START + timedelta(days=number)


def table(*rows: dict[str, Any]) -> pa.Table:
    usual = {"subject_kind": "usage_point", "subject_id": "A1", "outcome": "not_mining"}
    schema = TABLES["labels"].schema
    return pa.Table.from_pylist([{"label_id": str(n), **usual, **row} for n, row in enumerate(rows)], schema)


def outcome(*rows: dict[str, Any]) -> str | None:
    label = labels_in(table(*rows), PERIOD).of("usage_point", "A1")
    return label and label["outcome"]


def test_a_label_holds_for_its_time_only() -> None:
    assert outcome({}) == "not_mining"
    assert outcome({"valid_to": START}) is None
    assert outcome({"valid_from": PERIOD.end_at}) is None
    assert outcome({"outcome": "who knows"}) is None


def test_mining_on_one_day_of_the_period_makes_a_mine() -> None:
    rows = ({"valid_to": day(6)}, {"outcome": "mining", "valid_from": day(6)})
    found = labels_in(table(*rows), PERIOD)
    assert found.of("usage_point", "A1")["outcome"] == "mining"
    assert found.conflicts == []


def test_the_later_judgement_counts_and_both_are_shown() -> None:
    rows = ({"outcome": "mining", "decided_at": day(1)}, {"decided_at": day(2)})
    for order in (rows, rows[::-1]):
        found = labels_in(table(*order), PERIOD)
        assert found.of("usage_point", "A1")["outcome"] == "not_mining"
        assert [(a["outcome"], b["outcome"]) for a, b in found.conflicts] == [("mining", "not_mining")]


def test_an_endpoint_may_be_labelled_by_its_address() -> None:
    found = labels_in(table({"subject_kind": "endpoint", "subject_id": "198.18.0.1"}), PERIOD)
    assert found.of("endpoint", "198.18.0.1:3333") is not None
    assert found.of("endpoint", "198.18.0.2:3333") is None
    assert found.of("usage_point", "198.18.0.1") is None
