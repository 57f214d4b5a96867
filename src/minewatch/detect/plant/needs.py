"""What a plant's hours must have before its output is judged, and the reason where they have not."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from minewatch.detect.plant.drivers import KINDS, Columns, Flags
from minewatch.schema.reasons import Reason, reason


class PlantNeeds(NamedTuple):
    """Hours at which output and drivers must be known: a month shows the curve at several places."""

    hours: int = 720


PLANT_NEEDS = PlantNeeds()


def plant_refusal(
    plate: Mapping[str, Any] | None, columns: Columns, in_period: Flags, needs: PlantNeeds = PLANT_NEEDS
) -> Reason | None:
    """Return why a plant cannot be judged, or None. ``columns`` are hourly, NaN where not read."""
    if plate is None or not (plate["rated_mw"] or 0) > 0 or plate["kind"] is None:
        return reason("plant_not_registered")
    if plate["kind"] not in KINDS:
        return reason("plant_unknown_kind", kind=plate["kind"])
    needed = KINDS[plate["kind"]].needs
    known = ~np.isnan(columns["mw"])
    for name in needed:
        known &= ~np.isnan(columns[name])
    if known.sum() < needs.hours:
        names = ", ".join(("mw", *needed))
        return reason(
            "plant_driver_missing", columns=names, known_hours=int(known.sum()), needed_hours=needs.hours
        )
    if not (known & in_period).any():
        return reason("plant_none_in_period")
    return None
