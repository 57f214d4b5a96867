"""Which records speak of one party at one place: Fellegi and Sunter 1969 by Splink on DuckDB.

``linkage.json`` holds the model. Its m and u probabilities are fixed and assumed, not trained, so that a
run can be replayed; how rare a credit code or name is comes from the records themselves. A match means *same
premises*: two records with one door are almost never of different premises (u 1e-8, a miswritten address),
while records that share only a building often are.
"""

import json
import logging
import math
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import pyarrow as pa

HAS_RECORD = 0.9
"""Probability that a party has a record in the register that it is linked to (assumed)."""

_TOO_WEAK = 1e-4
"""Pairs below this probability are dropped."""

PARTIES = pa.schema(
    [
        pa.field("unique_id", pa.string()),
        pa.field("uscc", pa.string()),
        pa.field("name", pa.string()),
        pa.field("place", pa.string()),
        pa.field("premises", pa.string()),
        pa.field("door", pa.string()),
    ]
)
"""Records to link, as keys of ``minewatch.attribute.names`` and ``minewatch.attribute.gazetteer``."""


class Match(NamedTuple):
    """Two records of ``left`` and ``right`` and the probability that they are of one premises.

    ``who`` and ``where`` name the levels of agreement: code, name, similar, different, unknown; door,
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
    settings = {**_settings(), "probability_two_random_records_match": HAS_RECORD / population}
    linker = Linker(tables, settings, log_level=logging.ERROR, validate_settings=False)
    predicted: Any = linker.inference.predict(threshold_match_probability=_TOO_WEAK)
    pairs = predicted.as_pyarrow_table()
    connection.close()
    ordered = pairs.sort_by([("unique_id_l", "ascending"), ("unique_id_r", "ascending")])
    return [_match(row) for row in ordered.to_pylist()]


@cache
def _settings() -> dict[str, Any]:
    text = resources.files(__package__).joinpath("linkage.json").read_text(encoding="utf-8")
    settings: dict[str, Any] = json.loads(text)
    return settings


@cache
def _level_of_weight(comparison: int) -> dict[float, str]:
    """Return log2(m/u), as Splink reports it, → label, for one comparison of the model."""
    levels = _settings()["comparisons"][comparison]["comparison_levels"]
    weights = {
        round(math.log2(level["m_probability"] / level["u_probability"]), 6): level["label_for_charts"]
        for level in levels
        if "m_probability" in level
    }
    return {0.0: "unknown", **weights}


def _match(row: dict[str, Any]) -> Match:
    who, where = (_level_of_weight(n)[round(row[f"mw_{name}"], 6)] for n, name in enumerate(("who", "where")))
    return Match(row["unique_id_l"], row["unique_id_r"], row["match_probability"], who, where)
