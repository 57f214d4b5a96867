"""The books of each transformer by the hour: what went in, what its customers' meters counted, who strays.

Summing customers reads all readings; what comes out is a hundredth of them. So books are made where a
transformer's customers lie together, and judged where a substation's transformers do: a customer that the
archive has under another transformer can only be told when both are seen.
"""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from minewatch.detect.balance.evidence import case_of
from minewatch.detect.balance.known import NAMEPLATE, transformer_known
from minewatch.detect.balance.model import leftovers_of
from minewatch.detect.balance.needs import balance_refusal
from minewatch.detect.balance.series import Below, Member, Series, Tree, columns_of, series_of
from minewatch.detect.balance.strays import Stray, strays_of
from minewatch.schema.analysis_tables import BALANCE_BOOKS
from minewatch.schema.evidence import Detector, SubjectKind
from minewatch.schema.steps import Step

BOOKS = Detector("balance_books", "1")
_POINTS = ("usage_point_id", "transformer_id", "contract_kva", "opened_on", "closed_on")
_CURVES = ("supply_kw", "supply_kvar", "metered_kw", "filled_kw", "doubt_kw")
_EPOCH = date(1970, 1, 1)


def books_table(tables: Mapping[str, pa.Table], parameters: Mapping[str, Any]) -> pa.Table:
    """Return one row of ``balance_books`` per transformer with supply readings or in the archive.

    ``tables``: those of ``BOOKS_STEP``. ``parameters``: ``period_start_at``, ``period_end_at`` (ISO
    8601 with zone) and ``zone`` (IANA name).
    """
    case = case_of(BOOKS, SubjectKind.TRANSFORMER, parameters)
    archive, areas = nameplates_of(tables), _areas(tables["feeders"])
    rows = []
    for series, meters in series_of(tree_of(tables)):
        nameplate = archive.pop(series.subject_id, {})
        strays = []
        if balance_refusal(series, case.days_of(series)) is None:
            known = transformer_known(series, nameplate, case.utc_offset_h())
            strays = strays_of(series, meters, leftovers_of(series, known))
        rows.append(_row(series, nameplate, areas(nameplate), strays))
    rows += [_row(_silent(name), nameplate, areas(nameplate), []) for name, nameplate in archive.items()]
    return pa.Table.from_pylist(rows, schema=BALANCE_BOOKS)


def _areas(feeders: pa.Table) -> Callable[[Mapping[str, Any]], str]:
    """Return what tells the area of a transformer: customers are archived wrongly within a substation's."""
    substations = dict(
        zip(feeders["feeder_id"].to_pylist(), feeders["substation_id"].to_pylist(), strict=True)
    )
    return lambda nameplate: substations.get(nameplate.get("feeder_id")) or nameplate.get("feeder_id") or ""


def nameplates_of(tables: Mapping[str, pa.Table]) -> dict[str, Mapping[str, Any]]:
    """Return the rows of ``transformers`` by transformer."""
    return {row["transformer_id"]: row for row in tables["transformers"].to_pylist()}


def tree_of(tables: Mapping[str, pa.Table]) -> Tree:
    """Return transformers with the customers below them, of the tables of ``BOOKS_STEP.inputs``."""
    points = tables["usage_points"].select(_POINTS).to_pylist()
    return Tree(
        supply=columns_of(tables["transformer_readings"], "transformer_id", "kw", "kvar"),
        readings=columns_of(tables["interval_readings"], "usage_point_id", "kw"),
        daily=columns_of(tables["daily_readings"], "usage_point_id", "energy_kwh"),
        members={row[_POINTS[0]]: Member(*(row[name] for name in _POINTS[1:])) for row in points},
    )


def _silent(name: str) -> Series:
    nothing = np.zeros(0)
    return Series(name, 0, nothing, nothing, nothing, nothing, nothing, Below(nothing, nothing, 0))


def _row(series: Series, nameplate: Mapping[str, Any], area_id: str, strays: list[Stray]) -> dict[str, Any]:
    return {
        "transformer_id": series.subject_id,
        "area_id": area_id,
        "first_day": series.day(0) if series.days else None,
        **{name: getattr(series, name).astype(np.float32) for name in _CURVES},
        "floors_kw": series.below.floors_kw,
        "unread_kva": series.below.unread_kva,
        "read_daily": series.below.read_daily,
        **{name: nameplate.get(name) for name in NAMEPLATE},
        "strays": [
            {"usage_point_id": stray.meter_id, "share": stray.share, "error": stray.error, "kw": stray.kw}
            for stray in strays
        ],
    }


def rows_of(books: pa.Table) -> list[dict[str, Any]]:
    """Return the rows of ``balance_books``, curves as arrays: lists of numbers cost more than fits."""
    rows: list[dict[str, Any]] = books.drop_columns([*_CURVES]).to_pylist()
    for name in _CURVES:
        for row, curve in zip(rows, books[name], strict=True):
            row[name] = curve.values.to_numpy(zero_copy_only=False)
    return rows


def series_from(row: Mapping[str, Any]) -> tuple[Series, list[Stray]]:
    """Return the series and strays that a row of ``balance_books`` holds."""
    first_day = 0 if row["first_day"] is None else (row["first_day"] - _EPOCH).days
    curves = {name: np.asarray(row[name], np.float64) for name in _CURVES}
    below = Below(np.array(row["floors_kw"]), np.array(row["unread_kva"], np.float64), row["read_daily"])
    series = Series(subject_id=row["transformer_id"], first_day=first_day, below=below, **curves)
    return series, [_stray(item, first_day) for item in row["strays"]]


def _stray(item: Mapping[str, Any], first_day: int) -> Stray:
    kw = np.array(item["kw"], np.float32)
    return Stray(item["usage_point_id"], item["share"], item["error"], first_day, kw)


BOOKS_STEP = Step(
    name=BOOKS.name,
    version=BOOKS.version,
    inputs=("transformer_readings", "transformers", "usage_points", "interval_readings", "daily_readings"),
    group_by="transformer_id",
    output="balance_books",
    whole=("feeders",),
    function=books_table,
    columns={
        "transformer_readings": ("transformer_id", "day", "kw", "kvar"),
        "transformers": ("transformer_id", "feeder_id", *NAMEPLATE),
        "usage_points": _POINTS,
        "interval_readings": ("usage_point_id", "day", "kw"),
        "daily_readings": ("usage_point_id", "day", "energy_kwh"),
        "feeders": ("feeder_id", "substation_id"),
    },
)
"""Books of each transformer, for ``minewatch.detect.balance.transformers``."""
