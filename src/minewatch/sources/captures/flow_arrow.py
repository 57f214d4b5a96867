"""Columns of flows to an Arrow table of the schema ``FLOWS``."""

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from minewatch.schema.network_tables import FLOWS, MESSAGE_SEEN
from minewatch.sources.captures.flow_rows import Columns, Messages


def flow_table(columns: Columns) -> pa.Table:
    """Return ``columns`` as a table of the schema ``FLOWS``."""
    messages = _messages(columns["messages"])
    arrays = [
        messages if field.name == "messages" else pa.array(columns[field.name], field.type) for field in FLOWS
    ]
    return pa.table(arrays, schema=FLOWS)


def _messages(given: Sequence[Messages | None]) -> pa.Array:
    """Return the column ``messages``; millions of them never become Python objects."""
    kept = [each for each in given if each is not None]
    if not kept:
        return pa.nulls(len(given), FLOWS.field("messages").type)
    offsets = np.cumsum([0, *(0 if each is None else len(each.at_us) for each in given)], dtype=np.int32)
    absent = np.array([*(each is None for each in given), False])
    parts = [np.concatenate(part) for part in zip(*kept, strict=True)]
    fields = [MESSAGE_SEEN.field(n) for n in range(MESSAGE_SEEN.num_fields)]
    values = [pa.array(part).cast(field.type) for part, field in zip(parts, fields, strict=True)]
    structs = pa.StructArray.from_arrays(values, fields=fields)
    return pa.ListArray.from_arrays(pa.array(offsets, mask=absent), structs, FLOWS.field("messages").type)
