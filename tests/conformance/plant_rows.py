"""Plants of a small county: three kinds, one of them with a private line, one that nobody registered."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np

PLANTS = [
    {"plant_id": "P1", "kind": "hydro", "rated_mw": 2.0, "design_flow_m3s": 5.0, "design_head_m": 50.0},
    {"plant_id": "P2", "kind": "solar", "rated_mw": 3.0},
    {"plant_id": "P3", "kind": "thermal", "rated_mw": 6.0, "design_efficiency": 0.3},
]


def plant_readings(start_at: datetime, days: int) -> list[dict[str, Any]]:
    """Return the hours of the plants; from the twentieth day on P1 gives 0.3 MW to a mine."""
    return [
        {"plant_id": f"P{plant}", "hour": start_at + timedelta(hours=hour)} | _hour(plant, hour)
        for plant in range(1, 5)
        for hour in range(24 * days)
    ]


def _hour(plant: int, hour: int) -> dict[str, float]:
    random = np.random.default_rng([plant, hour])
    error = 1 + random.normal(0, 0.01)
    if plant == 1:
        flow = 3 + 1.5 * np.sin(hour / 90)
        return {"inflow_m3s": flow, "mw": 9.81 * 0.85 * 50 * flow / 1000 * error - 0.3 * (hour > 480)}
    if plant == 2:
        sun = max(0.0, float(np.sin(2 * np.pi * (hour % 24) / 24))) * random.uniform(300, 1000)
        return {"irradiance_w_m2": sun, "mw": 3 * sun / 1000 * 0.9 * error}
    fuel = 15 + 4 * np.sin(hour / 30)
    return {"fuel_mw": fuel, "mw": (fuel * 0.33 - 0.6) * error}
