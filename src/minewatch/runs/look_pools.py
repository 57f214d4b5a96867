"""The pools that ``look`` knows: the shipped list, and one that the user names."""

from pathlib import Path

from minewatch.detect.pools.pool_list import PoolList, shipped, with_rows
from minewatch.schema.reasons import Reason, reason
from minewatch.sources.options import ReadOptions
from minewatch.sources.recognise import recognise
from minewatch.sources.unreadable import UnreadableFile

_TABLE = "pool_endpoints"


class BadPoolList(Exception):  # noqa: N818  (names what it speaks of, as the user sees it)
    """A file given as a list of pools that is none, or of which a line cannot be read."""

    def __init__(self, path: Path, why: Reason, line: int | None = None) -> None:
        super().__init__(path)
        self.path, self.why, self.line = path, why, line

    def text(self, language: str) -> str:
        """Return the sentence in ``language``."""
        where = str(self.path) if self.line is None else f"{self.path}:{self.line}"
        return f"{where}: {self.why.text(language)}"


def pools_known(path: Path | None, options: ReadOptions) -> PoolList:
    """Return the shipped list, with the entries of the file ``path`` beside it where one is given.

    The list decides what is evidence, so that it is taken whole or not at all. Raises BadPoolList.
    """
    if path is None:
        return shipped()
    try:
        found = recognise(path, options)
        if found.table != _TABLE:
            raise BadPoolList(path, reason("pool_list_wrong_table", table=found.table or "?"))
        batches = list(found.reader(path, options))
    except UnreadableFile as error:
        raise BadPoolList(path, error.reason) from error
    for reject in (reject for batch in batches for reject in batch.rejected):
        raise BadPoolList(path, reject.reason, reject.line)
    pools = with_rows([row for batch in batches for row in batch.rows.to_pylist()])
    for entry in pools.unread:
        raise BadPoolList(path, reason("pool_entry_unread", kind=entry.kind, endpoint=entry.endpoint))
    return pools
