"""Exports of miner-management tools and scans read into machines, row by row, with what was wrong in each.

Tables (CSV, XLSX) and JSON are read by the names of their columns (``data/machine_columns.csv``), in whatever
order and from whatever tool. Nothing is guessed: a hash rate without a unit stays empty and is said.
"""

import csv
import io
import json
import re
import unicodedata
import zipfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

import openpyxl

from minewatch.office.platform.refusals import Refused
from minewatch.office.verify.inspections import field_refusals
from minewatch.office.verify.inspections.hash_rates import hash_rate, number, unit_factor
from minewatch.office.verify.inspections.machines import Machine, algorithm, family, table

_MOST_ROWS, _MOST_MB, _MOST_UNPACKED_MB = 200_000, 20, 300
_HEAD_ROWS = 15  # above the names of the columns some tools write a title
_NOTHING = frozenset(["", "-", "--", "n/a", "na", "none", "null", "unknown", "0", "nan", "未知", "无"])
_POWER = {"": 1.0, "w": 1.0, "watt": 1.0, "watts": 1.0, "瓦": 1.0, "kw": 1000.0, "千瓦": 1000.0}
_IDENTITIES = ("mac", "serial", "ip", "model", "name")
_ = field_refusals  # says what the codes mean
_Row = tuple[int, Mapping[str, str]]


class Trouble(NamedTuple):
    """What was wrong with a line: a code of the refusals, and the value. The line may count all the same."""

    line: int
    code: str
    value: str

    def __str__(self) -> str:
        return str(Refused(self.code, value=self.value))


@dataclass(frozen=True)
class Export:
    """What a file holds: the machines that count, rows left out, and what stayed empty in those that count.

    ``read`` tells which field each column was read as.
    """

    machines: tuple[Machine, ...]
    refused: tuple[Trouble, ...]
    notes: tuple[Trouble, ...]
    read: Mapping[str, str]


def read(content: bytes, name: str) -> Export:
    """Read a file. Raises Refused where it is no table or JSON of machines, or too large."""
    if len(content) > _MOST_MB * 1_000_000:
        raise Refused("export_too_large", most_mb=_MOST_MB)
    rows = list(_reader(content, name)(content))
    headers = {header for _line, row in rows for header in row}
    fields = {header: field for header in headers if (field := _field(header))}
    if not set(_IDENTITIES) & {field.name for field in fields.values()}:
        raise Refused("export_no_machines")
    return _collect(rows, fields)


def _collect(rows: list[_Row], fields: Mapping[str, "_Field"]) -> Export:
    machines: list[Machine] = []
    refused: list[Trouble] = []
    notes: list[Trouble] = []
    seen = _Seen()
    for line, row in rows:
        machine, troubles = _machine(line, row, fields)
        code = _why_not(machine, seen)
        if code:
            refused.append(Trouble(line, code, machine.mac or machine.serial or machine.ip))
        else:
            machines.append(machine)
            notes += troubles
    read_as = {header: field.name for header, field in sorted(fields.items())}
    return Export(tuple(machines), tuple(refused), tuple(notes), read_as)


class _Seen:
    """Machines by what tells them apart: an address is taken for one only where nothing better is known."""

    def __init__(self) -> None:
        self._marks: set[str] = set()
        self._addresses: dict[str, bool] = {}  # address → whether a MAC or serial came with it

    def again(self, machine: Machine) -> bool:
        marks = {mark for mark in (machine.mac, machine.serial) if mark}
        known = self._addresses.get(machine.ip)
        again = bool(marks & self._marks) or (known is not None and not (marks and known))
        self._marks |= marks
        if machine.ip:
            self._addresses[machine.ip] = bool(known or marks)
        return again


def _why_not(machine: Machine, seen: _Seen) -> str:
    if not machine.model:
        return "machine_no_model"
    if machine.number < 1:
        return "machine_no_number"
    return "machine_twice" if seen.again(machine) else ""


class _Field(NamedTuple):
    name: str
    rank: int  # of several columns for one field the first of the table is taken
    unit: str


def _machine(
    line: int, row: Mapping[str, str], fields: Mapping[str, _Field]
) -> tuple[Machine, list[Trouble]]:
    values: dict[str, str] = {}
    units: dict[str, str] = {}
    for header in sorted(fields.keys() & row.keys(), key=lambda header: fields[header].rank):
        value, field = row[header].strip(), fields[header]
        says_nothing = not value or (field.name not in _MEASURES and value.casefold() in _NOTHING)
        if field.name not in values and not says_nothing:
            values[field.name], units[field.name] = value, field.unit
    return _made(line, values, units)


_MEASURES = frozenset(["hash_rate", "power_w", "number"])


def _made(line: int, values: Mapping[str, str], units: Mapping[str, str]) -> tuple[Machine, list[Trouble]]:
    told = values.get("model", "")
    known = family(" ".join([values.get("maker", ""), told])) if told else family(values.get("name", ""))
    notes: list[Trouble] = []
    rate = _measured(hash_rate, "hash_rate", (values, units), notes, line)
    power = _measured(_power, "power_w", (values, units), notes, line)
    said = algorithm(values.get("algorithm", "")) or algorithm(values.get("coin", ""))
    made = Machine(
        line=line,
        model=(told or (known.model if known else ""))[:80],
        maker=(values.get("maker", "") or (known.maker if known else ""))[:60],
        algorithm=said or values.get("algorithm", "")[:40] or (known.algorithm if known else ""),
        hash_rate=rate,
        power_w=power,
        mac=_mac(values.get("mac", "")),
        serial=values.get("serial", "")[:80],
        ip=values.get("ip", "")[:45],
        firmware=values.get("firmware", "")[:120],
        number=int(number(values.get("number", "1")) or 0),
    )
    if rate and not made.algorithm:
        notes.append(Trouble(line, "machine_no_algorithm", made.model))
        made = replace(made, hash_rate=None)
    return made, notes


def _measured(
    reader: Callable[[str, str], float | None],
    field: str,
    said: tuple[Mapping[str, str], Mapping[str, str]],
    notes: list[Trouble],
    line: int,
) -> float | None:
    values, units = said
    text = values.get(field, "")
    if text.casefold() in _NOTHING - {"0"}:
        return None
    value = 0.0 if number(text) == 0 else reader(text, units[field])
    if value is None:
        notes.append(Trouble(line, f"machine_{field}", text[:60]))
    return value


def _power(text: str, unit: str) -> float | None:
    found = re.fullmatch(r"([\d\s.,']+)\s*([a-z瓦千]*)", unicodedata.normalize("NFKC", text), re.IGNORECASE)
    value = number(found.group(1)) if found else None
    factor = _POWER.get((found.group(2) or unit).casefold()) if found else None
    return None if value is None or factor is None else value * factor


def _mac(text: str) -> str:
    digits = re.sub(r"[^0-9a-f]", "", text.casefold())
    if len(digits) != 12 or digits in ("0" * 12, "f" * 12):
        return ""
    return ":".join(digits[i : i + 2] for i in range(0, 12, 2))


def _field(header: str) -> _Field | None:
    """Return what a column holds by its name: ``Hashrate (TH/s)`` is a hash rate with its unit."""
    name, _, rest = unicodedata.normalize("NFKC", header).partition("(")
    unit = rest.partition(")")[0]
    known = _columns().get(_key(header)) or _columns().get(_key(name))
    if known is None or not unit:
        return known
    said = unit_factor(unit) is not None if known.name == "hash_rate" else unit.casefold() in _POWER
    return known._replace(unit=unit) if said else known


@cache
def _columns() -> Mapping[str, _Field]:
    rows = table("machine_columns.csv")
    return {_key(row["header"]): _Field(row["field"], rank, row["unit"]) for rank, row in enumerate(rows)}


def _key(header: str) -> str:
    return re.sub(r"[\W_]", "", unicodedata.normalize("NFKC", header)).casefold()


def _reader(content: bytes, name: str) -> Callable[[bytes], Iterator[_Row]]:
    if content.startswith(b"PK\x03\x04"):
        return _xlsx_rows
    if content.startswith(b"\xd0\xcf\x11\xe0"):
        raise Refused("export_old_excel", name=name)
    return _json_rows if _text(content).lstrip()[:1] in ("{", "[") else _csv_rows


def _text(content: bytes) -> str:
    encodings = ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Refused("file_not_text")


def _csv_rows(content: bytes) -> Iterator[_Row]:
    text = _text(content)
    head = text[:20_000]
    mark = max(",;\t|", key=head.count)
    yield from _table_rows(csv.reader(io.StringIO(text, newline=""), delimiter=mark))


def _xlsx_rows(content: bytes) -> Iterator[_Row]:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            unpacked = sum(part.file_size for part in archive.infolist())
        if unpacked > _MOST_UNPACKED_MB * 1_000_000:
            raise Refused("export_too_large", most_mb=_MOST_MB)
        book = openpyxl.load_workbook(io.BytesIO(content), read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, ValueError, OSError) as error:
        raise Refused("export_broken") from error
    sheets = [list(_table_rows(_cells(sheet))) for sheet in book.worksheets]
    yield from max(sheets, key=len, default=[])


def _cells(sheet: Any) -> Iterator[list[str]]:
    for row in sheet.iter_rows(values_only=True):
        yield ["" if cell is None else str(cell) for cell in row]


def _table_rows(table_rows: Iterator[list[str]]) -> Iterator[_Row]:
    """Yield the rows below the first that names a column by which machines are told, each with its line."""
    headers: Sequence[str] | None = None
    for line, cells in enumerate(table_rows, 1):
        if line > _MOST_ROWS:
            raise Refused("export_too_many", most=_MOST_ROWS)
        if headers is None:
            known = [field.name for cell in cells if (field := _field(cell))]
            if len(known) > 1 or (len(cells) == 1 and known):
                headers = cells
            elif line > _HEAD_ROWS:
                return
        elif any(cell.strip() for cell in cells):
            yield line, dict(zip(headers, cells, strict=False))


def _json_rows(content: bytes) -> Iterator[_Row]:
    text = _text(content)
    try:
        data = json.loads(text)
    except RecursionError as error:
        raise Refused("export_broken") from error
    except ValueError:
        data = _json_lines(text)
    for line, item in enumerate(_things(data), 1):
        if line > _MOST_ROWS:
            raise Refused("export_too_many", most=_MOST_ROWS)
        yield line, dict(_flat(item))


def _json_lines(text: str) -> list[Any]:
    try:
        return [json.loads(line) for line in text.splitlines() if line.strip()]
    except (ValueError, RecursionError) as error:
        raise Refused("export_broken") from error


def _things(data: Any, depth: int = 0) -> Iterator[Mapping[str, Any]]:
    """Yield the objects that name a machine, wherever they stand; what is inside of one is a part of it."""
    if depth > 20:
        return
    if isinstance(data, dict):
        names = {field.name for key in data if (field := _field(str(key)))}
        if names & {"mac", "serial"} or (depth and names & {"ip", "model"}):
            yield data
            return
        data = list(data.values())
    if isinstance(data, list):
        for item in data:
            if isinstance(item, dict | list):
                yield from _things(item, depth + 1)


def _flat(item: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, str]]:
    for key, value in item.items():
        name = f"{before} {key}".strip()
        if isinstance(value, dict) and "rate" in value:  # as pyasic writes a hash rate
            unit = value.get("unit")
            suffix = unit.get("suffix", "") if isinstance(unit, dict) else unit or ""
            yield name, f"{value['rate']} {suffix}"
        elif isinstance(value, dict):
            yield from _flat(value, name)
        elif isinstance(value, str | int | float) and not isinstance(value, bool):
            yield name, str(value)
