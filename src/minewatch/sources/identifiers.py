"""Identifiers in files: opaque text, of which spreadsheets like to eat leading zeros and last digits."""

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.schema.reasons import Reason, reason
from minewatch.sources.cells import Mask, scientific, texts
from minewatch.sources.layout import Use
from minewatch.sources.noticed import Noticed
from minewatch.sources.sheet import Chunk

_EXACT_DIGITS = 15
"""A spreadsheet keeps no more digits of a number."""


class Faults:
    """Faults by row of a chunk: the first fault of a row counts."""

    def __init__(self) -> None:
        self.by_row: dict[int, tuple[Reason, str | None, str | None]] = {}

    def add(self, rows: Mask, why: Reason, chunk: Chunk, use: Use) -> None:
        """Note ``why`` for the rows that ``rows`` marks, with the cell of the column ``use``."""
        for row in np.flatnonzero(rows).tolist():
            self.add_row(row, why, chunk, use)

    def add_row(self, row: int, why: Reason, chunk: Chunk, use: Use) -> None:
        """Note ``why`` for one row."""
        if row not in self.by_row:
            self.by_row[row] = (why, use.header, text_at(chunk, use.position, row))


def text_at(chunk: Chunk, position: int, row: int) -> str | None:
    """Return one cell as text, null for an empty one."""
    value = chunk.columns[position][row].as_py() if position in chunk.columns else None
    return None if value is None else str(value)


def identifiers(chunk: Chunk, use: Use, faults: Faults, noticed: Noticed) -> pa.Array:
    """Return the identifiers of a chunk; rows without a usable one are noted in ``faults``."""
    parsed = texts(chunk.columns[use.position])
    ids = parsed.values
    faults.add(parsed.bad, reason("formula_cell"), chunk, use)
    faults.add(pc.is_null(ids).to_numpy(zero_copy_only=False), reason("id_missing"), chunk, use)
    stored = chunk.numeric.get(use.position)
    if stored is not None and stored.any():
        lengths = pc.fill_null(pc.utf8_length(ids), 0).to_numpy(zero_copy_only=False)
        faults.add(stored & (lengths > _EXACT_DIGITS), reason("id_lost_digits"), chunk, use)
        noticed.add(reason("id_was_number", column=use.header), use.header)
    faults.add(scientific(ids), reason("id_in_scientific_notation"), chunk, use)
    _note_lengths(ids, use, noticed)
    return ids


def _note_lengths(ids: pa.Array, use: Use, noticed: Noticed) -> None:
    """Note plain-number ids of unequal length: leading zeros may be gone."""
    digits = ids.filter(pc.match_substring_regex(ids, "^[1-9][0-9]{5,}$"))
    lengths = pc.min_max(pc.utf8_length(digits)).as_py()
    zeros = pc.any(pc.match_substring_regex(ids, "^0[0-9]{5,}$")).as_py()
    if digits and lengths["min"] != lengths["max"] and not zeros:
        values: Mapping[str, int] = {"shortest": lengths["min"], "longest": lengths["max"]}
        noticed.add(reason("ids_of_unequal_length", column=use.header, **values), use.header)
