"""Tables in CSV, XLSX and Parquet: what they are by their header, and the reader for each shape."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from minewatch.schema.reasons import reason
from minewatch.schema.tables import INGESTED
from minewatch.sources.batch import Batch, batch_schema
from minewatch.sources.encodings import is_utf16, utf8_copy, utf8_head
from minewatch.sources.layout import Layout, Shape
from minewatch.sources.options import ReadOptions
from minewatch.sources.sheet import Sheet
from minewatch.sources.unreadable import UnreadableFile

VERSION = "1"
_HEAD_BYTES = 1 << 20
_PARQUET_MAGIC, _ZIP_MAGIC, _XLS_MAGIC = b"PAR1", b"PK\x03\x04", b"\xd0\xcf\x11\xe0"
_NAMES = {Shape.WIDE: "readings_wide", Shape.LISTS: "readings_lists", Shape.LONG: "readings_long"}


def format_name(layout: Layout) -> str:
    """Return the name of a table's format: readings_wide, readings_long, readings_lists, archive:<table>."""
    return _NAMES.get(layout.shape, f"archive:{layout.table}")


def table_layout(path: Path, head: bytes, options: ReadOptions) -> Layout:
    """Return what the header of a file means. Raises UnreadableFile where it means nothing."""
    if is_utf16(head):
        head, options = utf8_head(head), _with_encoding(options, "utf-8")
    return _open(path, head, options)[1]


def read_table(path: Path, options: ReadOptions) -> Iterator[Batch]:
    """Read a CSV, XLSX or Parquet file of any known table. Raises UnreadableFile."""
    head = _head(path)
    if not is_utf16(head):
        yield from _batches(path, head, options)
        return
    size = path.stat().st_size
    with utf8_copy(path) as copy:
        copied = copy.stat().st_size
        for batch in _batches(copy, _head(copy), _with_encoding(options, "utf-8")):
            yield replace(batch, bytes_done=batch.bytes_done * size // copied)


def _head(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(_HEAD_BYTES)


def _with_encoding(options: ReadOptions, encoding: str) -> ReadOptions:
    mapping = options.mapping and replace(options.mapping, encoding=encoding)
    return replace(options, mapping=mapping)


def _batches(path: Path, head: bytes, options: ReadOptions) -> Iterator[Batch]:
    sheet, layout = _open(path, head, options)
    is_empty = True
    for batch in _read(sheet, layout, options):
        is_empty = False
        yield batch
    if is_empty:
        nothing = batch_schema(INGESTED[layout.table].schema).empty_table()
        yield Batch(layout.table, nothing, (), sheet.bytes_total, tuple(sheet.notes))


def _open(path: Path, head: bytes, options: ReadOptions) -> tuple[Sheet, Layout]:
    found = _opened(path, head, options)
    if isinstance(found, tuple):
        return found
    columns = ", ".join(name for name in found[:20] if name)
    if not columns.isprintable() or len(found) < 2:
        raise UnreadableFile(path, reason("file_not_recognised"))
    raise UnreadableFile(path, reason("header_not_recognised", columns=columns[:500]))


def _opened(path: Path, head: bytes, options: ReadOptions) -> tuple[Sheet, Layout] | list[str]:
    """Return sheet and layout, or the columns of a table whose header means nothing."""
    if head.startswith(_PARQUET_MAGIC):
        from minewatch.sources.parquet_sheet import open_parquet

        return open_parquet(path, options)
    if head.startswith(_ZIP_MAGIC):
        from minewatch.sources.xlsx_sheet import open_xlsx

        return open_xlsx(path, options)
    if head.startswith(_XLS_MAGIC):
        raise UnreadableFile(path, reason("xls_not_read"))
    from minewatch.sources.csv_sheet import open_csv

    return open_csv(path, head, options)


def _read(sheet: Sheet, layout: Layout, options: ReadOptions) -> Iterator[Batch]:
    if layout.shape is Shape.WIDE:
        from minewatch.sources.wide import read_wide

        return read_wide(sheet, layout, options)
    if layout.shape is Shape.LISTS:
        from minewatch.sources.lists import read_lists

        return read_lists(sheet, layout)
    if layout.shape is Shape.ROWS:
        from minewatch.sources.rows import read_rows

        return read_rows(sheet, layout, options)
    from minewatch.sources.long import read_long

    return read_long(sheet, layout, options)
