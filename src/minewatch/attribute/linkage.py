"""Which records speak of one party at one place: Fellegi and Sunter 1969 by Splink on DuckDB.

``linkage.json`` holds the model. Its probabilities are fixed and assumed, not trained, so that a run can be
replayed. A match means *same premises*. ``u_records`` says how many records of *other* premises share a level
with one by chance (0.001 its door by miswriting, 10 its building, 100 its road, 0.05 its credit code),
whatever the size of the county; personal names have a frequency instead. ``sole`` is a building in which the
register knows one record only, where units do not conflict.
"""

import json
import logging
import math
from collections.abc import Mapping
from importlib import resources
from typing import Any, NamedTuple

import pyarrow as pa

HAS_RECORD = 0.9
"""Probability that a party has a record in the register that it is linked to (assumed)."""

_TOO_WEAK = 1e-4
"""Pairs below this probability are dropped."""

_LIKELIEST = 0.5
"""Largest chance probability, for registers of a handful of records."""

PARTIES = pa.schema(
    [
        pa.field("unique_id", pa.string()),
        pa.field("uscc", pa.string()),
        pa.field("name", pa.string()),
        pa.field("place", pa.string()),
        pa.field("premises", pa.string()),
        pa.field("door", pa.string()),
        pa.field("sole", pa.string()),
    ]
)
"""Records to link, as keys of ``minewatch.attribute.names`` and ``minewatch.attribute.gazetteer``."""


class Match(NamedTuple):
    """Two records of ``left`` and ``right`` and the probability that they are of one premises.

    ``who`` and ``where`` name the levels of agreement: code, name, similar, different, unknown; door, sole,
    building, road, different, unknown.
    """

    left: str
    right: str
    probability: float
    who: str
    where: str


def match_parties(left: pa.Table, right: pa.Table, population: int) -> list[Match]:
    """Return the pairs that may be of one premises, ordered by id; the same for any number of threads.

    Both tables have the schema ``PARTIES``. ``population`` is the number of records that ``right`` was chosen
    from. Empty where a table is.
    """
    if not left.num_rows or not right.num_rows:
        return []
    import duckdb
    from splink import Linker
    from splink.backends.duckdb import DuckDBAPI

    connection = duckdb.connect(config={"threads": 1})
    database = DuckDBAPI(connection)
    tables = [database.register(left, table_name="a_left"), database.register(right, table_name="b_right")]
    settings = model(population)
    linker = Linker(tables, settings, log_level=logging.ERROR, validate_settings=False)
    predicted: Any = linker.inference.predict(threshold_match_probability=_TOO_WEAK)
    pairs = predicted.as_pyarrow_table()
    connection.close()
    ordered = pairs.sort_by([("unique_id_l", "ascending"), ("unique_id_r", "ascending")])
    labels = [_labels(comparison) for comparison in settings["comparisons"]]
    return [_match(row, *labels) for row in ordered.to_pylist()]


def model(population: int) -> dict[str, Any]:
    """Return the settings for Splink for a register of ``population`` records."""
    text = resources.files(__package__).joinpath("linkage.json").read_text(encoding="utf-8")
    settings: dict[str, Any] = json.loads(text)
    for comparison in settings["comparisons"]:
        for level in comparison["comparison_levels"]:
            if "u_records" in level:
                level["u_probability"] = min(_LIKELIEST, level.pop("u_records") / population)
    settings["probability_two_random_records_match"] = min(_LIKELIEST, HAS_RECORD / population)
    return settings


def _labels(comparison: Mapping[str, Any]) -> dict[float, str]:
    """Return log2(m/u), as Splink reports it, → label."""
    weights = {
        round(math.log2(level["m_probability"] / level["u_probability"]), 6): level["label_for_charts"]
        for level in comparison["comparison_levels"]
        if "m_probability" in level
    }
    return {0.0: "unknown", **weights}


def _match(row: Mapping[str, Any], who: Mapping[float, str], where: Mapping[float, str]) -> Match:
    levels = who[round(row["mw_who"], 6)], where[round(row["mw_where"], 6)]
    return Match(row["unique_id_l"], row["unique_id_r"], row["match_probability"], *levels)
