"""Step: the features of each customer's load curve, kept in the lake for people and for later models."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import pyarrow as pa

from minewatch.detect.load.curves import curves_of
from minewatch.kernels.power.load_features import load_features
from minewatch.schema.analysis_tables import LOAD_FEATURES
from minewatch.schema.steps import Step


def features_of_customers(tables: Mapping[str, pa.Table], parameters: Mapping[str, Any]) -> pa.Table:
    """Return one row of ``load_features`` per customer in ``tables["interval_readings"]``.

    The features are of all readings handed in. ``parameters`` hold ``period_start_at`` and
    ``period_end_at`` (ISO 8601 with zone), which the rows name.
    """
    curves = curves_of(tables["interval_readings"])
    features = load_features(curves.values, curves.row_offsets, curves.days, curves.point_rows)
    number, width = features.shape
    offsets = pa.array(range(0, (number + 1) * width, width), pa.int32())
    columns = {
        "usage_point_id": pa.array(curves.usage_point_ids, pa.string()),
        "period_start_at": pa.repeat(datetime.fromisoformat(parameters["period_start_at"]), number),
        "period_end_at": pa.repeat(datetime.fromisoformat(parameters["period_end_at"]), number),
        "features": pa.ListArray.from_arrays(offsets, pa.array(features.ravel())),
    }
    return pa.table(columns).cast(LOAD_FEATURES)


LOAD_FEATURES_STEP = Step(
    name="load_features",
    version="2",
    inputs=("interval_readings",),
    group_by="usage_point_id",
    output="load_features",
    function=features_of_customers,
    columns={"interval_readings": ("usage_point_id", "day", "kw")},
)
"""Features of load curves; see ``minewatch.kernels.power.load_features.FEATURES``."""
