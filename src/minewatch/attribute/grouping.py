"""Which usage points are one site: behind one door, or of one customer in one building."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.schema.ids import content_id

Codes = npt.NDArray[np.int64]

DOOR_ACCOUNTS = 6
"""More accounts than this at a door without unit are a building whose units are not written (assumed)."""


@dataclass(frozen=True)
class Grouping:
    """A partition of usage points: ``codes[i]`` is the site of ``usage_point_ids[i]``, from 0 without gaps.

    A site's id comes from the first of its usage points by id, so that it outlives new accounts, corrected
    addresses and the run. ``usage_point_ids`` are sorted.
    """

    usage_point_ids: pa.Array
    codes: Codes

    @property
    def sites(self) -> int:
        """Number of sites."""
        return int(self.codes.max()) + 1 if len(self.codes) else 0

    def site_ids(self) -> list[str]:
        """Return the id of each site, by code."""
        _, first = np.unique(self.codes, return_index=True)
        return [site_id_of(name) for name in self.usage_point_ids.take(pa.array(first)).to_pylist()]

    def codes_of(self, usage_point_ids: pa.Array) -> Codes:
        """Return the site code of each id. Raises KeyError for an id that was not grouped."""
        positions = pc.index_in(usage_point_ids, value_set=self.usage_point_ids)
        if positions.null_count:
            raise KeyError(f"{positions.null_count} usage points belong to no site")
        return self.codes[positions.to_numpy(zero_copy_only=False)]

    def members(self, code: int) -> list[str]:
        """Return the usage points of one site."""
        ids: list[str] = self.usage_point_ids.filter(pa.array(self.codes == code)).to_pylist()
        return ids


def site_id_of(anchor: str, kind: str = "usage_point") -> str:
    """Return the id of the site whose anchor is a usage point, or else an address or a host."""
    return content_id("S", kind, anchor)


def group(table: pa.Table) -> Grouping:
    """Group the usage points of ``table`` (schema ``PARTIES``, one row each).

    One site are: accounts with one ``door``, unless there are more than ``DOOR_ACCOUNTS`` at a number without
    unit; of those, and within any building, accounts with one credit code; and at a crowded number those
    with one name.
    """
    table = table.sort_by("unique_id")
    edges = [_edges(column) for column in _shared_keys(table)]
    codes = _components(table.num_rows, edges)
    return Grouping(table["unique_id"].combine_chunks(), codes)


def _shared_keys(table: pa.Table) -> Iterator[pa.Array]:
    door = table["door"].combine_chunks()
    crowded = pc.and_(pc.ends_with(door, "|"), pc.greater(_sizes(door), DOOR_ACCOUNTS))
    yield pc.if_else(crowded, None, door)
    yield pc.binary_join_element_wise(table["premises"], table["uscc"], "#").combine_chunks()
    named = pc.binary_join_element_wise(table["premises"], table["name"], "#").combine_chunks()
    yield pc.if_else(crowded, named, None)


def _sizes(keys: pa.Array) -> pa.Array:
    """Return how many rows share each row's key; null where it has none."""
    coded = keys.dictionary_encode()
    index = coded.indices.to_numpy(zero_copy_only=False)
    known = ~np.isnan(index) if index.dtype.kind == "f" else np.ones(len(index), bool)
    safe = np.where(known, index, 0).astype(np.int64)
    counts = np.bincount(safe[known], minlength=max(1, len(coded.dictionary)))
    return pa.array(counts[safe], mask=~known)


def _edges(keys: pa.Array) -> tuple[Codes, Codes]:
    """Return (row, first row with the same key) for every row with a key."""
    rows = np.flatnonzero(keys.is_valid().to_numpy(zero_copy_only=False))
    codes = keys.drop_null().dictionary_encode().indices.to_numpy()
    _, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    return rows, rows[first[inverse]] if len(rows) else rows


def _components(rows: int, edges: list[tuple[Codes, Codes]]) -> Codes:
    """Return a code for each connected set of rows, numbered by its first row."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    start = np.concatenate([edge[0] for edge in edges])
    end = np.concatenate([edge[1] for edge in edges])
    graph = coo_array((np.ones(len(start), np.int8), (start, end)), shape=(rows, rows))
    labels = connected_components(graph, directed=False)[1]
    _, first, inverse = np.unique(labels, return_index=True, return_inverse=True)
    rank = np.empty(len(first), np.int64)
    rank[np.argsort(first)] = np.arange(len(first))
    return rank[inverse]
