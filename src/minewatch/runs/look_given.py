"""Files that a user names for ``look`` to judge by: taken whole or not at all."""

from pathlib import Path
from typing import Any

import pyarrow as pa

from minewatch.schema.faults import Fault
from minewatch.schema.reasons import Reason, reason
from minewatch.schema.tables import TABLES
from minewatch.sources.options import ReadOptions
from minewatch.sources.recognise import recognise
from minewatch.sources.unreadable import UnreadableFile


class BadGivenFile(Fault):
    """A file given as a certain table that is none, or of which a line cannot be read."""

    def __init__(self, path: Path, why: Reason, line: int | None = None) -> None:
        super().__init__(path)
        self.path, self.why, self.line = path, why, line

    def text(self, language: str) -> str:
        """Return the sentence in ``language``."""
        where = str(self.path) if self.line is None else f"{self.path}:{self.line}"
        return f"{where}: {self.why.text(language)}"


def rows_given(path: Path, table: str, options: ReadOptions) -> pa.Table:
    """Return the rows of a file of ``table``. Raises BadGivenFile."""
    schema: Any = TABLES[table].schema
    try:
        found = recognise(path, options)
        if found.table != table:
            columns = ", ".join(column.name for column in schema if not column.nullable)
            told = {"wanted": table, "table": found.table or "?", "columns": columns}
            raise BadGivenFile(path, reason("given_wrong_table", **told))
        batches = list(found.reader(path, options))
    except UnreadableFile as error:
        raise BadGivenFile(path, error.reason) from error
    for reject in (reject for batch in batches for reject in batch.rejected):
        raise BadGivenFile(path, reject.reason, reject.line)
    return pa.concat_tables([schema.empty_table(), *(batch.rows.select(schema.names) for batch in batches)])
