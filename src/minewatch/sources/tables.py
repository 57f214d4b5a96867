"""Tables in CSV, XLSX and Parquet: what they are by their header, and the reader for each shape."""

from collections.abc import Iterator
from pathlib import Path

from minewatch.schema.reasons import reason
from minewatch.schema.tables import INGESTED
from minewatch.sources.batch import Batch, batch_schema
from minewatch.sources.layout import Layout, Shape
from minewatch.sources.options import ReadOptions
from minewatch.sources.sheet import Sheet
from minewatch.sources.unreadable import UnreadableFile

VERSION = "1"
PARQUET_MAGIC = b"PAR1"
ZIP_MAGIC = b"PK\x03\x04"
_NAMES = {Shape.WIDE: "readings_wide", Shape.LISTS: "readings_lists", Shape.LONG: "readings_long"}


def format_name(layout: Layout) -> str:
    """Return the name of a table's format: readings_wide, readings_long, readings_lists, archive:<table>."""
    return _NAMES.get(layout.shape, f"archive:{layout.table}")


def open_table(path: Path, head: bytes, options: ReadOptions) -> tuple[Sheet, Layout]:
    """Return the sheet of a file and what its header means. Raises UnreadableFile where it means nothing."""
    found = _open(path, head, options)
    if isinstance(found, tuple):
        return found
    columns = ", ".join(name for name in found[:20] if name)
    if not columns.isprintable():
        raise UnreadableFile(path, reason("file_not_recognised"))
    raise UnreadableFile(path, reason("header_not_recognised", columns=columns[:500]))


def read_table(path: Path, options: ReadOptions) -> Iterator[Batch]:
    """Read a CSV, XLSX or Parquet file of any known table."""
    with path.open("rb") as file:
        head = file.read(1 << 20)
    sheet, layout = open_table(path, head, options)
    is_empty = True
    for batch in _read(sheet, layout, options):
        is_empty = False
        yield batch
    if is_empty:
        nothing = batch_schema(INGESTED[layout.table].schema).empty_table()
        yield Batch(layout.table, nothing, (), sheet.bytes_total, tuple(sheet.notes))


def _open(path: Path, head: bytes, options: ReadOptions) -> tuple[Sheet, Layout] | list[str]:
    if head.startswith(PARQUET_MAGIC):
        from minewatch.sources.parquet_sheet import open_parquet

        return open_parquet(path, options)
    if head.startswith(ZIP_MAGIC):
        from minewatch.sources.xlsx_sheet import open_xlsx

        return open_xlsx(path, options)
    from minewatch.sources.csv_sheet import open_csv

    return open_csv(path, head, options)


def _read(sheet: Sheet, layout: Layout, options: ReadOptions) -> Iterator[Batch]:
    match layout.shape:
        case Shape.WIDE:
            from minewatch.sources.wide import read_wide

            return read_wide(sheet, layout, options)
        case Shape.LISTS:
            from minewatch.sources.lists import read_lists

            return read_lists(sheet, layout, options)
        case Shape.LONG | Shape.REGISTERS:
            from minewatch.sources.long import read_long

            return read_long(sheet, layout, options)
        case Shape.ROWS:
            from minewatch.sources.rows import read_rows

            return read_rows(sheet, layout, options)
