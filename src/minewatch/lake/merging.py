"""A corrected row: what the later row leaves open stays as the earlier row has it.

Files end in the middle of a day, and the next one brings the rest; one office's list of customers has columns
that another's lacks; a cell that is put aside is no value. None of them may wipe out what is known.
"""

from collections.abc import Mapping

from minewatch.schema.quality import Quality
from minewatch.schema.tables import TableSpec
from minewatch.schema.types import DAY_CURVE, PHASE_CURVES


def merged_columns(spec: TableSpec) -> Mapping[str, str]:
    """Return quoted column → SQL for its value after row ``new`` has corrected row ``old``.

    A null falls back to the old value, and so does a reading (NaN: missing) where both rows cut the day
    alike. ``quality`` goes with ``kw``; where both miss a reading, the old reason stays unless the new
    row gives a better one.
    """
    return {f'"{field.name}"': _merged(field.name, field.type) for field in spec.schema}


def _merged(name: str, type_: object) -> str:
    new, old = f'new."{name}"', f'old."{name}"'
    if type_ == DAY_CURVE:
        return _if_cut_alike(new, old, _curve(new, old))
    if type_ == PHASE_CURVES:
        return _if_cut_alike(new, old, _phases(new, old))
    if name == "quality":
        return _quality()
    return f"coalesce({new}, {old})"


def _if_cut_alike(new: str, old: str, merged: str) -> str:
    return f"""CASE WHEN {old} IS NULL OR new.interval_minutes <> old.interval_minutes
        OR len(new.kw) <> len(old.kw) THEN {new} WHEN {new} IS NULL THEN {old} ELSE {merged} END"""


def _curve(new: str, old: str) -> str:
    return f"""list_transform(list_zip({new}, {old}),
        lambda pair: CASE WHEN coalesce(isnan(pair[1]), true) THEN pair[2] ELSE pair[1] END)"""


def _phases(new: str, old: str) -> str:
    inner = """list_transform(list_zip(phase[1], phase[2]),
        lambda pair: CASE WHEN coalesce(isnan(pair[1]), true) THEN pair[2] ELSE pair[1] END)"""
    return f"list_transform(list_zip({new}, {old}), lambda phase: {inner})"


def _quality() -> str:
    new, old = (
        f"coalesce({row}.quality, list_transform({row}.kw, lambda kw: {Quality.MEASURED:d}::UTINYINT))"
        for row in ("new", "old")
    )
    merged = f"""list_transform(list_zip(new.kw, old.kw, {new}, {old}),
        lambda slot: CASE WHEN isnan(slot[1]) AND (NOT isnan(slot[2]) OR slot[3] = {Quality.MISSING:d})
            THEN slot[4] ELSE slot[3] END)"""
    return f"""CASE WHEN new.interval_minutes <> old.interval_minutes OR len(new.kw) <> len(old.kw)
        OR (new.quality IS NULL AND old.quality IS NULL) THEN new.quality ELSE {merged} END"""
