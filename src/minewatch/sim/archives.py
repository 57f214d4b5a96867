"""Rows about one account or transformer: what the archives say of it, and the truth."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from minewatch.sim.county import CountyPlan, Customer, MinePlan
from minewatch.sim.grid import Rating
from minewatch.sim.history import History
from minewatch.sim.low_voltage import Layout
from minewatch.sim.roster import feeder_of
from minewatch.sim.scene import STEP_MINUTES, Floats

ON_SHARE = 0.06
"""A mine is on from this share of its rated power: fans and supplies of idle machines draw up to 5 %."""


def usage_point_row(customer: Customer) -> dict[str, Any]:
    """Return a row of ``usage_points``, without name and address."""
    return {
        "usage_point_id": customer.usage_point_id,
        "region_code": customer.region_code,
        "lon": customer.lon,
        "lat": customer.lat,
        "transformer_id": customer.claimed_transformer_id,
        "feeder_id": feeder_of(customer.claimed_transformer_id),
        "tariff_class": customer.tariff_class,
        "voltage_kv": customer.voltage_kv,
        "contract_kva": customer.contract_kva,
        "industry_code": customer.industry_code or None,
        "opened_on": customer.opened_on,
        "closed_on": customer.closed_on,
    }


def transformer_row(transformer_id: str, first: Customer, rating: Rating) -> dict[str, Any]:
    """Return a row of ``transformers`` for one that supplies ``first``."""
    return {
        "transformer_id": transformer_id,
        "feeder_id": first.feeder_id,
        "region_code": first.region_code,
        "lon": first.lon,
        "lat": first.lat,
        **rating._asdict(),
    }


def place_rows(supplied: Sequence[Customer], layout: Layout, scale: float) -> Iterator[dict[str, Any]]:
    """Yield rows of ``truth_places``: where each account hangs; ``scale`` is that of the layout's lines."""
    line_ohm = layout.line_ohm() * scale
    for customer, service_ohm in zip(supplied, layout.service_ohm, strict=True):
        yield {
            "usage_point_id": customer.usage_point_id,
            "transformer_id": customer.transformer_id,
            "phase": customer.phase,
            "branch": int(layout.branch_of[customer.box]),
            "box": customer.box,
            "line_ohm": float(line_ohm[customer.box]),
            "service_ohm": float(service_ohm),
        }


def point_truth(plan: CountyPlan, customer: Customer, past: History, lit: Floats) -> dict[str, Any]:
    """Return a row of ``truth_usage_points``; ``lit`` (periods,) is the supplied share of each interval."""
    mine, mine_kw = customer.mine, past.mine_kw * lit
    rest_kw = (past.net_kw + past.bypass_kw - past.mine_kw) * lit
    row: dict[str, Any] = {
        "usage_point_id": customer.usage_point_id,
        "kind": customer.kind,
        "mining_kwh": float(np.round(mine_kw.sum() * STEP_MINUTES / 60, 3)),
        "rest_kw": float(rest_kw.mean()),
        "infected": customer.infected,
        "true_transformer_id": customer.transformer_id,
        "changes": list(past.changes),
        "reading": customer.reading,
    }
    if mine is None:
        return row
    return row | {"mine_kind": mine.kind, "metered": mine.metered, **mine_truth(plan, mine, mine_kw)}


def mine_truth(plan: CountyPlan, mine: MinePlan, mine_kw: Floats) -> dict[str, Any]:
    """Return site, machines, rated power, onset and end of a mine that drew ``mine_kw`` (periods,)."""
    start = datetime.combine(plan.start_on, datetime.min.time(), plan.zone).astimezone(UTC)
    on = np.flatnonzero(mine_kw > ON_SHARE * mine.power_kw)
    step = timedelta(minutes=STEP_MINUTES)
    ended = bool(on.size) and mine.end_on is not None and mine.end_on <= plan.end_on
    return {
        "site": mine.site,
        "machines": [{"model": model, "count": count} for model, count in mine.machines],
        "algorithm": mine.algorithm,
        "power_kw": mine.power_kw,
        "onset_at": start + step * int(on[0]) if on.size else None,
        "ended_at": start + step * int(on[-1] + 1) if ended else None,
    }
