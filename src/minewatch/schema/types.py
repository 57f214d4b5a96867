"""Arrow types that several tables share."""

import pyarrow as pa

INSTANT = pa.timestamp("us", tz="UTC")
"""A point in time. Local days are ``date32`` in the lake's time zone."""

DAY_CURVE = pa.list_(pa.float32())
"""Values of one local day at equal intervals from 00:00; NaN where a reading is missing."""

PHASE_CURVES = pa.list_(DAY_CURVE)
"""One curve for each phase (A, B, C)."""

REASON = pa.struct(
    [
        pa.field("code", pa.string(), nullable=False),
        pa.field("values", pa.string(), nullable=False),  # JSON object of numbers and strings
        pa.field("text_en", pa.string(), nullable=False),
        pa.field("text_zh", pa.string(), nullable=False),
    ]
)
"""One reason: its code, the values that show it, and the sentence in both languages."""

INPUT = pa.struct(
    [
        pa.field("table", pa.string(), nullable=False),
        pa.field("version", pa.int64(), nullable=False),
        pa.field("rows", pa.int64(), nullable=False),
    ]
)
"""Rows of one table version that an evidence was computed from."""

NAMED_PROBABILITY = pa.struct(
    [pa.field("name", pa.string(), nullable=False), pa.field("probability", pa.float64(), nullable=False)]
)

STRAY = pa.struct(
    [
        pa.field("usage_point_id", pa.string(), nullable=False),
        pa.field("share", pa.float64(), nullable=False),
        pa.field("error", pa.float64(), nullable=False),
        pa.field("kw", DAY_CURVE, nullable=False),
    ]
)
"""A customer whose ups and downs are missing from its transformer's supply: it holds about -1 times as many
besides what is metered, with the standard error of that; and its load by the hour, kW, NaN where unknown."""

LINK = pa.struct(
    [
        pa.field("from_kind", pa.string(), nullable=False),
        pa.field("from_id", pa.string(), nullable=False),
        pa.field("to_kind", pa.string(), nullable=False),
        pa.field("to_id", pa.string(), nullable=False),
        pa.field("probability", pa.float64(), nullable=False),
        pa.field("basis", REASON, nullable=False),
    ]
)
"""One link between two things (endpoint, lease, address, usage point, enterprise) and why it is believed."""
