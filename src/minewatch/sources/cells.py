"""Cells to typed values, column by column: fast where written plainly, patient where not."""

import math
import re
import unicodedata
from collections.abc import Callable
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.schema.types import INSTANT
from minewatch.sources.headers import unit_factor, unit_of_text
from minewatch.sources.local_days import changed_days

_NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"
_THOUSANDS = re.compile(r"[+-]?\d{1,3}(,\d{3})+(\.\d+)?")
_FORMULA = r"^[=@]|^[+\-].*[A-Za-z(|!]"
_QUOTED_TEXT = r'^="([^"]*)"$'
_SCIENTIFIC = r"^\d(\.\d+)?[eE]\+?\d+$"
_DATE = re.compile(r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?")
_COMPACT_DATE = re.compile(r"(\d{4})(\d{2})(\d{2})")
_CLOCK = re.compile(r"(\d{1,2})[:时点](\d{1,2})?(?:[:分](\d{1,2})(?:\.\d+)?秒?)?分?|(\d{2})(\d{2})(\d{2})?")
_OFFSET = re.compile(r"(.*?)\s*(Z|[+-]\d{2}:?\d{2})")
_QUANTITY = re.compile(r"(?:交流|直流|AC|DC)?\s*(?P<number>[\d.,]+)\s*(?P<unit>[^\d\s].*)")
_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001  (wall-clock arithmetic)

DAY_US = 86_400_000_000
Mask = npt.NDArray[np.bool_]


class Parsed(NamedTuple):
    """``values``, null where a cell is empty or ``bad``; ``bad`` marks the cells that cannot be read."""

    values: pa.Array
    bad: Mask


class Moments(NamedTuple):
    """Times as written: ``wall`` µs since 1970 on the clock of ``zone`` and ``fold`` (1: second of a repeat).

    ``known``: the time came with its offset, so that a repeat is no doubt. ``bad`` cannot be read or does
    not exist, ``empty`` has no time.
    """

    wall: npt.NDArray[np.int64]
    fold: npt.NDArray[np.int8]
    known: bool
    bad: Mask
    skipped: Mask


def texts(cells: pa.Array) -> Parsed:
    """Return text without outer blanks; ``="0123"`` is unwrapped, any other formula is bad."""
    if not _is_text(cells.type):
        cells = _number_texts(cells) if pa.types.is_floating(cells.type) else cells.cast(pa.string())
    values = pc.utf8_trim_whitespace(cells.cast(pa.string()))
    values = pc.replace_substring_regex(values, _QUOTED_TEXT, r"\1")
    values = pc.replace_substring_regex(values, "^'", "")
    values = pc.if_else(pc.equal(values, ""), pa.scalar(None, pa.string()), values)
    bad = mask(pc.match_substring_regex(values, _FORMULA))
    return Parsed(_without(values, bad), bad)


def numbers(cells: pa.Array, factor: float = 1.0) -> Parsed:
    """Return float64 values times ``factor``; full-width digits and thousands separators are read."""
    if not _is_text(cells.type):
        values, bad = cells.cast(pa.float64(), safe=False), np.zeros(len(cells), bool)
    else:
        values, bad = _text_numbers(cells)
    if factor != 1.0:
        values = pc.multiply(values, factor)
    return Parsed(values, bad)


def numbers_with_units(cells: pa.Array, wanted: str, factor: float = 1.0) -> Parsed:
    """Return ``numbers``; a cell that brings its own unit ("10kV", "交流380V") is brought to ``wanted``."""
    parsed = numbers(cells, factor)
    if not parsed.bad.any():
        return parsed
    values, bad = parsed.values.to_numpy(zero_copy_only=False).astype(np.float64), parsed.bad.copy()
    for row in np.flatnonzero(bad).tolist():
        values[row] = _quantity(str(cells[row].as_py()), wanted)
        bad[row] = math.isnan(values[row])
    return Parsed(pa.array(values, mask=np.isnan(values)), bad)


def days(cells: pa.Array, form: str | None = None) -> Parsed:
    """Return date32 of dates in any usual notation; a time of 00:00 beside them is accepted."""
    if not _is_text(cells.type):
        return _typed_days(cells)
    if form is None:
        try:
            return Parsed(cells.cast(pa.date32()), np.zeros(len(cells), bool))
        except pa.ArrowInvalid:
            pass
    parsed = _by_distinct(cells, lambda text: _day(text, form), pa.date32())
    return Parsed(parsed, mask(pc.and_(pc.is_valid(cells), pc.is_null(parsed))))


def moments(cells: pa.Array, zone: ZoneInfo, written_in: ZoneInfo, form: str | None = None) -> Moments:
    """Return times on the clock of ``zone``. Times without an offset are on the clock ``written_in``.

    Null cells give bad moments: a time is always needed.
    """
    naive, offset_us = _naive(cells, form)
    bad = mask(pc.is_null(naive))
    wall = pc.fill_null(naive, 0).to_numpy(zero_copy_only=False).astype(np.int64)
    is_known = offset_us is not None
    if offset_us is not None:
        instants = pa.array(wall - offset_us, pa.int64()).cast(INSTANT)
    elif written_in != zone:
        walls = pa.array(wall, pa.int64()).cast(pa.timestamp("us"))
        instants, is_known = _assume(walls, written_in), True
    else:
        fold = np.zeros(len(wall), np.int8)
        return Moments(wall, fold, False, bad, ~bad & _skipped(wall, zone))
    local, fold = _local(instants, zone)
    skipped = ~bad & _skipped(wall, written_in) if offset_us is None else np.zeros(len(wall), bool)
    return Moments(local, fold, is_known, bad, skipped)


def instants(cells: pa.Array, zone: ZoneInfo, written_in: ZoneInfo, form: str | None = None) -> Parsed:
    """Return UTC instants; a local time that comes twice counts as the first; one that is skipped is bad."""
    at = moments(cells, zone, written_in, form)
    walls = pa.array(at.wall, pa.int64()).cast(pa.timestamp("us"))
    values = _assume(walls, zone)
    if at.fold.any():
        late = pc.assume_timezone(walls, str(zone), ambiguous="latest", nonexistent="earliest")
        values = pc.if_else(pa.array(at.fold == 1), late.cast(INSTANT), values)
    bad = (at.bad & mask(pc.is_valid(cells))) | at.skipped
    return Parsed(_without(values, at.bad | at.skipped), bad)


def clock_minutes(cells: pa.Array) -> Parsed:
    """Return int32 minutes of the day of clock times (00:15, 0015, 1时, 24:00), or of whole hours."""
    if pa.types.is_time(cells.type):
        cells = cells.cast(pa.string())
    elif not _is_text(cells.type):
        cells = cells.cast(pa.int64()).cast(pa.string())
    parsed = _by_distinct(cells, _clock, pa.int32())
    return Parsed(parsed, mask(pc.is_null(parsed)))


def is_formula(text: str | None) -> bool:
    """Tell whether a spreadsheet would take the text for a formula."""
    return bool(text and re.match(_FORMULA, text.strip()))


def scientific(values: pa.Array) -> Mask:
    """Tell which texts are numbers in scientific notation, in which a spreadsheet has lost digits."""
    return mask(pc.match_substring_regex(values, _SCIENTIFIC))


def mask(values: pa.Array) -> Mask:
    """Return a Boolean array as numpy; null counts as False."""
    return pc.fill_null(values, False).to_numpy(zero_copy_only=False).astype(bool)


def _is_text(type_: pa.DataType) -> bool:
    return pa.types.is_string(type_) or pa.types.is_large_string(type_) or pa.types.is_null(type_)


def _without(values: pa.Array, bad: Mask) -> pa.Array:
    return pc.if_else(pa.array(bad), pa.scalar(None, values.type), values) if bad.any() else values


def _number_texts(cells: pa.Array) -> pa.Array:
    values = cells.to_pylist()
    shown = (None if v is None else f"{v:.0f}" if v.is_integer() else str(v) for v in values)
    return pa.array(shown, pa.string())


def _text_numbers(cells: pa.Array) -> tuple[pa.Array, Mask]:
    try:
        return cells.cast(pa.float64()), np.zeros(len(cells), bool)
    except pa.ArrowInvalid:
        pass
    is_plain = pc.match_substring_regex(cells, _NUMBER)
    values = pc.if_else(is_plain, cells, pa.scalar(None, cells.type)).cast(pa.float64())
    others = np.flatnonzero(mask(pc.invert(is_plain)))
    patient = np.array([_number(cells[i].as_py()) for i in others.tolist()], np.float64)
    out = values.to_numpy(zero_copy_only=False).astype(np.float64)
    out[others] = patient
    bad = np.zeros(len(cells), bool)
    bad[others] = np.isnan(patient)
    return pa.array(out, mask=np.isnan(out)), bad


@lru_cache(maxsize=10_000)
def _number(text: str) -> float:
    text = unicodedata.normalize("NFKC", text).strip().lstrip("'").replace(" ", "").replace("−", "-")
    if _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    try:
        value = float(text)
    except ValueError:
        return math.nan
    return value if "_" not in text else math.nan


@lru_cache(maxsize=10_000)
def _quantity(text: str, wanted: str) -> float:
    match = _QUANTITY.fullmatch(unicodedata.normalize("NFKC", text).strip())
    unit = unit_of_text(match["unit"]) if match else None
    factor = unit_factor(unit, wanted) if unit else None
    return _number(match["number"]) * factor if match and factor else math.nan


def _typed_days(cells: pa.Array) -> Parsed:
    if pa.types.is_integer(cells.type):  # 20260501
        return days(cells.cast(pa.string()))
    try:
        return Parsed(cells.cast(pa.date32(), safe=False), np.zeros(len(cells), bool))
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return Parsed(pa.nulls(len(cells), pa.date32()), np.ones(len(cells), bool))


def _by_distinct(cells: pa.Array, parse: Callable[[str], Any], type_: pa.DataType) -> pa.Array:
    """Parse each distinct text once: dates and times repeat a lot."""
    coded = cells.cast(pa.string()).dictionary_encode()
    values = pa.array([parse(text) for text in coded.dictionary.to_pylist()], type_)
    return values.take(coded.indices)


def _day(text: str, form: str | None = None) -> date | None:
    at = _moment(text, form)
    return at[0].date() if at and at[0].hour == at[0].minute == 0 else None


def _moment(text: str, form: str | None = None) -> tuple[datetime, int | None] | None:
    """Return (wall clock, offset in µs or None) of a date with or without a time; None: cannot be read."""
    text = unicodedata.normalize("NFKC", text).strip().strip("'").replace("T", " ")
    if form is not None:
        return _strptime(text, form)
    match = _DATE.match(text) or _COMPACT_DATE.match(text)
    if not match:
        return None
    rest, offset = _split_offset(text[match.end() :].strip())
    minutes = _seconds(rest) if rest else 0.0
    try:
        day = datetime(int(match[1]), int(match[2]), int(match[3]))  # noqa: DTZ001
    except ValueError:
        return None
    return None if minutes is None else (day + timedelta(seconds=minutes), offset)


def _strptime(text: str, form: str) -> tuple[datetime, int | None] | None:
    try:
        at = datetime.strptime(text, form)  # noqa: DTZ007
    except ValueError:
        return None
    offset = at.utcoffset()
    micros = None if offset is None else round(offset.total_seconds() * 1e6)
    return at.replace(tzinfo=None), micros


def _split_offset(text: str) -> tuple[str, int | None]:
    match = _OFFSET.fullmatch(text)
    if not match:
        return text, None
    if match[2] == "Z":
        return match[1], 0
    hours, minutes = int(match[2][1:3]), int(match[2][-2:])
    sign = -1 if match[2][0] == "-" else 1
    return match[1], sign * (hours * 60 + minutes) * 60_000_000


def _seconds(text: str) -> float | None:
    """Return seconds since midnight of a clock time; 24:00 is the midnight after."""
    match = _CLOCK.fullmatch(text)
    if not match:
        return None
    hour, minute, second = (
        int(part or 0) for part in (match.groups()[:3] if match[1] else match.groups()[3:])
    )
    if minute > 59 or second > 59 or hour * 3600 + minute * 60 + second > 86_400:
        return None
    return hour * 3600.0 + minute * 60 + second


def _clock(text: str) -> int | None:
    text = unicodedata.normalize("NFKC", text).strip()
    if re.fullmatch(r"\d{1,2}", text):
        text = f"{text}:00"
    seconds = _seconds(text.zfill(4) if text.isdigit() else text)
    return None if seconds is None or seconds % 60 else int(seconds // 60)


def _naive(cells: pa.Array, form: str | None) -> tuple[pa.Array, npt.NDArray[np.int64] | None]:
    """Return wall-clock µs as written (null: cannot be read) and the offset of each, if they have one."""
    if pa.types.is_timestamp(cells.type) or pa.types.is_date(cells.type):
        zone = cells.type.tz if pa.types.is_timestamp(cells.type) else None
        naive = cells.cast(pa.timestamp("us", zone), safe=False)
        offset = np.zeros(len(cells), np.int64) if zone else None
        return naive.cast(pa.int64()), offset
    cells = cells.cast(pa.string())
    if form is None:
        try:
            return cells.cast(pa.timestamp("us")).cast(pa.int64()), None
        except pa.ArrowInvalid:
            pass
    coded = cells.dictionary_encode()
    parsed = [_moment(text, form) for text in coded.dictionary.to_pylist()]
    wall = pa.array([None if at is None else _micros(at[0]) for at in parsed], pa.int64())
    offsets = [None if at is None else at[1] for at in parsed]
    if all(offset is None for offset in offsets):
        return wall.take(coded.indices), None
    # In a file that writes offsets a time without one is in doubt, and so is bad.
    wall = pc.if_else(pc.is_null(pa.array(offsets, pa.int64())), pa.scalar(None, pa.int64()), wall)
    known = pa.array([offset or 0 for offset in offsets], pa.int64()).take(coded.indices)
    return wall.take(coded.indices), pc.fill_null(known, 0).to_numpy(zero_copy_only=False)


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(microseconds=1)


def _assume(walls: pa.Array, zone: ZoneInfo) -> pa.Array:
    """Return instants of wall-clock times: the first of a repeat."""
    return pc.assume_timezone(walls, str(zone), ambiguous="earliest", nonexistent="earliest").cast(INSTANT)


def _local(at: pa.Array, zone: ZoneInfo) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int8]]:
    local = pc.local_timestamp(at.cast(pa.timestamp("us", str(zone))))
    fold = pc.not_equal(_assume(local, zone), at.cast(INSTANT))
    wall = local.cast(pa.int64()).to_numpy(zero_copy_only=False)
    return wall, mask(fold).astype(np.int8)


def _skipped(wall: npt.NDArray[np.int64], zone: ZoneInfo) -> Mask:
    """Tell which wall-clock times do not exist because the clock was put forward over them."""
    if not any(change.skipped for change in changed_days(wall // DAY_US, zone).values()):
        return np.zeros(len(wall), bool)
    walls = pa.array(wall, pa.int64()).cast(pa.timestamp("us"))
    back = pc.local_timestamp(_assume(walls, zone).cast(pa.timestamp("us", str(zone))))
    return mask(pc.not_equal(back, walls))
