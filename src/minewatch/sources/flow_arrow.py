"""Columns of flows to an Arrow table of the schema ``FLOWS``."""

import pyarrow as pa

from minewatch.schema.network_tables import FLOWS
from minewatch.sources.flow_rows import Columns


def flow_table(columns: Columns) -> pa.Table:
    """Return ``columns`` as a table of the schema ``FLOWS``."""
    return pa.table([pa.array(columns[field.name], field.type) for field in FLOWS], schema=FLOWS)
