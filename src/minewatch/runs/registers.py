"""Registers as a run reads them."""

from dataclasses import fields

import pyarrow as pa
import pyarrow.compute as pc

from minewatch.attribute.sites import Registers
from minewatch.lake.commits import Snapshot
from minewatch.lake.lake import Lake
from minewatch.schema.periods import Period

REGISTERS = tuple(item.name for item in fields(Registers))


def registers_of(lake: Lake, snapshot: Snapshot, period: Period) -> Registers:
    """Return the registers; enterprises that were closed before the period are left out."""
    tables = {name: lake.read(snapshot, name) for name in REGISTERS}
    firms = tables["enterprises"]
    first_day = period.start_at.astimezone(lake.zone).date()
    closed = pc.fill_null(pc.less_equal(firms["closed_on"], pa.scalar(first_day)), False)
    return Registers(**{**tables, "enterprises": firms.filter(pc.invert(closed))})
