"""Staged rows against each other and against the lake: repeats, contradictions, corrections. SQL on DuckDB.

A row is named by (file, place in the file). Values are the same where both are null, or both NaN; lists and
structs are compared element by element. Keys alone are read first; values only of rows whose keys meet.
"""

# ruff: noqa: S608  (the names in the SQL come from the schema, the paths are quoted)

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from minewatch.lake.merging import merged_columns
from minewatch.lake.parquet import DataFile, may_meet, write_row_groups
from minewatch.schema.tables import LINEAGE, TableSpec

MEMORY = "512MB"
_FETCH_ROWS = 20_000
_SAME, _AGAINST, _MERGED = "duplicate", "contradiction", "merged"


@dataclass(frozen=True)
class Counts:
    """Rows of the foreign file that are not new, and how many stored rows they replace."""

    duplicate: int
    contradicting: int
    corrected: int
    replaced: int


class Comparison:
    """Compares the staged files of one table and remembers which of their rows are not to be taken."""

    def __init__(self, spec: TableSpec, staged: Sequence[DataFile], spill: Path) -> None:
        self._spec = spec
        self._staged = staged
        self._sql = duckdb.connect(config={"memory_limit": MEMORY, "temp_directory": str(spill)})
        self._sql.execute("SET TimeZone = 'UTC'")
        self._sql.execute(
            "CREATE TABLE dropped (file VARCHAR, place BIGINT, source_rows BIGINT, why VARCHAR)"
        )
        self._sql.execute("CREATE TABLE met (file TEXT, place BIGINT, old_file TEXT, old_place BIGINT)")
        self._view("staged", staged)

    def close(self) -> None:
        """Give back memory and spilled files."""
        self._sql.close()

    def find_repeats(self) -> None:
        """Find rows whose key an earlier line has too: the first stands, the others are dropped."""
        keys = ", ".join(map(_quoted, self._spec.key))
        self._sql.execute(f"CREATE TABLE twice AS SELECT {keys} FROM staged GROUP BY ALL HAVING count(*) > 1")
        if not self._count("FROM twice"):
            return
        self._sql.execute(
            f"""CREATE TABLE repeats AS SELECT file, place, row_number() OVER same_key AS number,
                first(file) OVER same_key AS first_file, first(place) OVER same_key AS first_place,
                first(source_line) OVER same_key AS first_line
            FROM staged new SEMI JOIN twice old ON {self._keys_meet()}
            WINDOW same_key AS (PARTITION BY {keys} ORDER BY source_line, file, place)"""
        )
        same = " AND ".join(_alike(f"new.{name}", f"old.{name}") for name in self._values())
        self._sql.execute(
            f"""INSERT INTO dropped SELECT new.file, new.place, new.source_rows,
                CASE WHEN {same} THEN '{_SAME}' ELSE '{_AGAINST}' END
            FROM repeats JOIN staged new USING (file, place)
            JOIN staged old ON old.file = first_file AND old.place = first_place WHERE number > 1"""
        )

    def contradictions(self) -> Iterator[pa.Table]:
        """Yield the rows that contradict an earlier line, with that line as ``first_line``, by batches."""
        if self._count(f"FROM dropped WHERE why = '{_AGAINST}'"):
            yield from self._batches(
                f"""SELECT staged.* EXCLUDE (file, place), first_line
                FROM staged JOIN repeats USING (file, place) JOIN dropped USING (file, place)
                WHERE why = '{_AGAINST}' ORDER BY source_line"""
            )

    def find_known(self, existing: Sequence[DataFile]) -> None:
        """Find rows whose key stands in ``existing``; those with the values of the valid row are dropped.

        Files whose bounds rule out a meeting are not opened. A missing value takes nothing away; rows that
        gain values so are dropped and come again from ``merged_rows``.
        """
        near = [file for file in existing if any(may_meet(file.bounds, new.bounds) for new in self._staged)]
        if not near:
            return
        self._view("existing", near)
        self._sql.execute(
            f"""INSERT INTO met SELECT new.file, new.place, old.file, old.place
            FROM staged new ANTI JOIN dropped USING (file, place) JOIN existing old ON {self._keys_meet()}
            QUALIFY row_number() OVER (
                PARTITION BY new.file, new.place ORDER BY old.revision DESC, old.source_line DESC) = 1"""
        )
        if self._count("FROM met"):
            merged = merged_columns(self._spec)
            same = " AND ".join(_alike(merged[name], f"old.{name}") for name in self._values())
            as_sent = " AND ".join(_alike(merged[name], f"new.{name}") for name in self._values())
            self._sql.execute(
                f"""INSERT INTO dropped SELECT new.file, new.place, new.source_rows,
                    CASE WHEN {same} THEN '{_SAME}' ELSE '{_MERGED}' END
                {self._pairs()} WHERE {same} OR NOT ({as_sent})"""
            )

    def merged_rows(self) -> Iterator[pa.Table]:
        """Yield, by batches, the rows that were dropped to gain values of the row they correct."""
        if not self._count(f"FROM dropped WHERE why = '{_MERGED}'"):
            return
        merged = merged_columns(self._spec)
        values = [f"{merged[_quoted(name)]} AS {_quoted(name)}" for name in self._spec.schema.names]
        lineage = [f"new.{name}" for name in LINEAGE.names]
        yield from self._batches(
            f"""SELECT {", ".join([*values, *lineage])} {self._pairs()}
            JOIN dropped USING (file, place) WHERE why = '{_MERGED}'"""
        )

    def counts(self) -> Counts:
        """Return what was found."""
        replacing = f"met ANTI JOIN (FROM dropped WHERE why = '{_SAME}') same USING (file, place)"
        return Counts(
            duplicate=self._sum(f"FROM dropped WHERE why = '{_SAME}'"),
            contradicting=self._sum(f"FROM dropped WHERE why = '{_AGAINST}'"),
            corrected=self._sum(f"FROM {replacing} JOIN staged USING (file, place)"),
            replaced=self._count(f"FROM {replacing}"),
        )

    def without_dropped(self, file: DataFile, path: Path) -> DataFile | None:
        """Return ``file`` without its dropped rows, at ``path`` if it has any; None: no row is left."""
        found = self._sql.execute("SELECT place FROM dropped WHERE file = ?", [str(file.path)]).fetchnumpy()[
            "place"
        ]
        if len(found) in (0, file.rows):
            return None if len(found) else file
        kept = np.ones(file.rows, dtype=bool)
        kept[found] = False
        return write_row_groups(path, _kept_groups(file.path, kept), self._spec)

    def _view(self, name: str, files: Sequence[DataFile]) -> None:
        paths = ", ".join("'" + str(file.path).replace("'", "''") + "'" for file in files)
        self._sql.execute(
            f"""CREATE VIEW {name} AS
            SELECT * EXCLUDE (filename, file_row_number), filename AS file, file_row_number AS place
            FROM read_parquet([{paths}], filename = true, file_row_number = true, union_by_name = true)"""
        )

    def _values(self) -> list[str]:
        return [_quoted(name) for name in self._spec.schema.names if name not in self._spec.key]

    def _keys_meet(self) -> str:
        return " AND ".join(_alike(f"new.{name}", f"old.{name}") for name in map(_quoted, self._spec.key))

    def _pairs(self) -> str:
        return """FROM met JOIN staged new USING (file, place)
            JOIN existing old ON old.file = old_file AND old.place = old_place"""

    def _count(self, clause: str) -> int:
        return self._number(f"SELECT count(*) {clause}")

    def _sum(self, clause: str) -> int:
        return self._number(f"SELECT coalesce(sum(source_rows), 0) {clause}")

    def _number(self, query: str) -> int:
        return int(self._sql.execute(query).fetchall()[0][0])

    def _batches(self, query: str) -> Iterator[pa.Table]:
        for batch in self._sql.sql(query).to_arrow_reader(_FETCH_ROWS):
            yield pa.Table.from_batches([batch])


def _kept_groups(path: Path, kept: np.ndarray) -> Iterator[pa.Table]:
    with pq.ParquetFile(path) as source:
        place = 0
        for number in range(source.num_row_groups):
            rows = source.read_row_group(number, use_threads=False)
            chosen = rows.filter(pa.array(kept[place : place + len(rows)]))
            place += len(rows)
            if len(chosen):
                yield chosen


def _alike(left: str, right: str) -> str:
    return f"{left} IS NOT DISTINCT FROM {right}"


def _quoted(name: str) -> str:
    return f'"{name}"'
