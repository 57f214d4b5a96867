"""The pools that ``look`` knows: the shipped list, and one that the user names."""

from pathlib import Path

from minewatch.detect.pools.pool_list import PoolList, shipped, with_rows
from minewatch.schema.reasons import reason
from minewatch.sources.options import ReadOptions

_TABLE = "pool_endpoints"


def pools_known(path: Path | None, options: ReadOptions) -> PoolList:
    """Return the shipped list, with the entries of the file ``path`` beside it where one is given.

    The list decides what is evidence, so that it is taken whole or not at all. Raises BadGivenFile.
    """
    if path is None:
        return shipped()
    from minewatch.runs.look_given import BadGivenFile, rows_given

    pools = with_rows(rows_given(path, _TABLE, options).to_pylist())
    for entry in pools.unread:
        raise BadGivenFile(path, reason("pool_entry_unread", kind=entry.kind, endpoint=entry.endpoint))
    return pools
