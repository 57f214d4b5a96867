"""Detector: power that goes into a transformer and is neither metered nor lost.

See ``docs/explanation/transformer-balance.md`` for the method.
"""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from minewatch.detect.balance.books import rows_of, series_from
from minewatch.detect.balance.evidence import Case, Opened, case_of, judged, opened
from minewatch.detect.balance.known import transformer_known
from minewatch.detect.balance.model import leftovers_of
from minewatch.detect.balance.needs import balance_refusal
from minewatch.detect.balance.reasons import Moved
from minewatch.detect.balance.series import Series
from minewatch.detect.balance.strays import Stray, newcomers_of, with_newcomers, without_strays
from minewatch.detect.balance.weight import Constant, lacking
from minewatch.schema.evidence import Detector, Evidence, SubjectKind, evidence_table
from minewatch.schema.reasons import Reason
from minewatch.schema.steps import Step

DETECTOR = Detector("transformer_balance", "1")


def balance_evidence(tables: Mapping[str, pa.Table], parameters: Mapping[str, Any]) -> pa.Table:
    """Return one row of ``evidence`` per transformer in ``tables["balance_books"]``, ordered by area.

    ``parameters``: see ``minewatch.schema.steps.asked``.
    """
    case = case_of(DETECTOR, SubjectKind.TRANSFORMER, parameters)
    evidence: list[Evidence] = []
    for area_id, rows in by_area(tables["balance_books"]):
        evidence += judge_area(rows, case, exchange=bool(area_id))
    return evidence_table(evidence)


def by_area(books: pa.Table) -> list[tuple[str, list[Mapping[str, Any]]]]:
    """Return area → rows of ``balance_books``; one that the archive does not name is ""."""
    groups: dict[str, list[Mapping[str, Any]]] = {}
    for row in rows_of(books):
        groups.setdefault(row["area_id"], []).append(row)
    return list(groups.items())


def judge_area(rows: list[Mapping[str, Any]], case: Case, *, exchange: bool = True) -> list[Evidence]:
    """Return the evidence on the transformers of one area: see ``open_area``."""
    subjects = open_area(rows, case, exchange=exchange)
    missing = [_lacking(subject) for subject in subjects] if exchange else []
    return [judged(subject, case, [found for found in missing if found is not None]) for subject in subjects]


def open_area(rows: list[Mapping[str, Any]], case: Case, *, exchange: bool = True) -> list[Opened]:
    """Open the books of the transformers of one area, rows of ``balance_books``.

    With ``exchange``, customers that one of them does not feed are looked for at the others.
    """
    books = [series_from(row) for row in rows]
    strays = [(place, stray) for place, (_, found) in enumerate(books) for stray in found]
    subjects = []
    for place, (row, (series, lost)) in enumerate(zip(rows, books, strict=True)):
        others = [stray for at, stray in strays if at != place] if exchange else []
        subjects.append(_open(row, without_strays(series, lost), (lost, others), case))
    return subjects


def _lacking(subject: Opened) -> Constant | None:
    return None if isinstance(subject.balance, Reason) else lacking(subject.balance)


def _open(
    row: Mapping[str, Any], series: Series, strays: tuple[list[Stray], list[Stray]], case: Case
) -> Opened:
    lost, others = strays
    known = transformer_known(series, row, case.utc_offset_h())
    newcomers: list[Stray] = []
    if others and balance_refusal(series, case.days_of(series)) is None:
        newcomers = newcomers_of(series, others, leftovers_of(series, known))
        series = with_newcomers(series, newcomers)
    return opened(series, known, Moved(lost, newcomers), case, _rows(series))


def _rows(series: Series) -> dict[str, int]:
    below = series.below
    return {
        "transformer_readings": series.days,
        "interval_readings": below.floors_kw.size * series.days,
        "daily_readings": below.read_daily * series.days,
        "usage_points": below.floors_kw.size + below.unread_kva.size + below.read_daily,
        "transformers": 1,
    }


TRANSFORMER_STEP = Step(
    name=DETECTOR.name,
    version=DETECTOR.version,
    inputs=("balance_books",),
    group_by="area_id",
    output="evidence",
    function=balance_evidence,
)
"""Evidence on each transformer: an unmetered block in what its customers and losses leave of the supply."""
