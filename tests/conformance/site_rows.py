"""Hours and records of a few sites with power and traffic side by side."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np

Row = dict[str, Any]

SITES = 6


def site_hours(start_at: datetime, days: int) -> list[Row]:
    """Return a busy data centre at each site; in every second one a mine begins on the twentieth day."""
    return [row for number in range(SITES) for row in _hours(number, start_at, 24 * days)]


def site_records(days: int) -> list[Row]:
    """Return what registers say of them; the last site has a meter without readings."""
    return [
        {
            "site_id": f"S-{number}",
            "usage_points": 1 + (number == SITES - 1),
            "points_read": 1,
            "contract_kva": 630.0,
            "industry_codes": ["6450"] if number % 3 else [],
            "enterprises": number % 2,
            "business_scope": "互联网数据中心业务" if number % 2 else None,
            "declared_mbps": 10_000.0 if number % 3 else None,
            "reading_rows": days,
            "traffic_rows": 24 * days,
        }
        for number in range(SITES)
    ]


def _hours(number: int, start_at: datetime, hours: int) -> list[Row]:
    random = np.random.default_rng(number)
    at = np.arange(hours)
    busy = 1 - 0.5 * np.cos(2 * np.pi * (at % 24 - 4) / 24)
    mine_kw = 400.0 * (at >= 20 * 24) * (number % 2)
    kw = 100 + 10 * busy + mine_kw + random.normal(0, 1, hours)
    inbound = 1e11 * busy * random.lognormal(0, 0.1, hours)
    return [
        {
            "site_id": f"S-{number}",
            "hour": start_at + timedelta(hours=int(n)),
            "kw": float(np.round(kw[n], 3)),
            "inbound_bytes": float(np.round(inbound[n])),
            "outbound_bytes": float(np.round(3 * inbound[n])),
            "peers": float(np.round(900 * busy[n])),
            "local_addresses": 40.0,
            "lines_known": 1,
            "lines_seen": 1,
            "temperature_c": 18.5,
        }
        for n in at
    ]
