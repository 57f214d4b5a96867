"""Files in which a column names the quantity of each row (数据类型: 有功功率, A相电流 …)."""

from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.sources.cells import mask, texts
from minewatch.sources.headers import folded, parse_header, quantities
from minewatch.sources.layout import Use
from minewatch.sources.sheet import Chunk


def parts_by_quantity(chunk: Chunk, use: Use) -> Iterator[tuple[str, Chunk]]:
    """Yield the rows of each quantity: "kw", "kwh", or any other as the file names it ("" for none)."""
    named = pc.fill_null(texts(chunk.columns[use.position]).values, "").dictionary_encode()
    names = [_quantity(text) for text in named.dictionary.to_pylist()]
    for quantity in dict.fromkeys(names):
        codes = pa.array([code for code, name in enumerate(names) if name == quantity], pa.int32())
        rows = np.flatnonzero(mask(pc.is_in(named.indices, value_set=codes)))
        yield quantity, chunk.take(rows)


def _quantity(text: str) -> str:
    return quantities().get(folded(text)) or quantities().get(parse_header(text).name) or text
