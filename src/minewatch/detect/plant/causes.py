"""Innocent reasons why output is missing at a plant, each with what it explains of the period."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from minewatch.detect.plant.analysis import Analysis
from minewatch.detect.plant.drivers import Columns, Flags, Floats

CAUSES: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "as_expected": ("output as expected", "出力正常"),
        "curtailment": ("curtailment by dispatch", "调度限电"),
        "outage": ("an outage", "停运或检修"),
        "spill": ("spilled water", "弃水"),
        "flushing": ("sediment flushing", "冲沙"),
        "icing": ("ice or snow", "覆冰或积雪"),
        "soiling": ("dirt", "积灰"),
        "units_out": ("units out of service", "部分机组停运"),
        "fuel_quality": ("poorer fuel", "燃料热值下降"),
        "gauge_drift": ("drift of a gauge", "计量仪表漂移"),
        "self_use": ("growth of self-use", "厂用电增长"),
    }
)
"""Innocent class → its name in English and Chinese."""

_SLIGHT = 0.06
_NONE = 0.02
_UNMETERED_SELF_USE = 0.015
"""Self-use that no meter shows is taken for possible up to this share of rated power."""
_USUAL_LOSS = 0.02
"""Of the output, what is missing without any cause: errors of gauges and curve."""
_LEAST = 0.01


def weigh_causes(
    kind: str, rated_mw: float, columns: Columns, found: Analysis, in_period: Flags
) -> dict[str, float]:
    """Return the probability of each class: its share of the energy missing in the period, if not mining."""
    at = in_period & ~np.isnan(found.able_mw)
    able, factor = found.able_mw[at], _without_line(found)[at]
    short = np.clip(able - np.nan_to_num(found.met_mw[at], nan=np.inf), 0, None)
    held = ~found.free[at]
    deep, slight = factor < 0.3, factor > 1 - _SLIGHT
    energy: dict[str, Floats] = dict.fromkeys(CAUSES, np.zeros(1))
    energy["curtailment"] = short[held]
    energy["outage"] = short[~held & deep]
    energy["gauge_drift"] = short[~held & slight & (factor < 1 - _NONE)]
    middling = ~held & ~deep & ~slight
    for cause, share in _middling(kind, columns, at).items():
        energy[cause] = energy[cause].sum() + (short * share)[middling]
    if np.isnan(columns["aux_mw"]).all():
        rest = short[~held & (factor >= 1 - _NONE)]
        energy["self_use"] = np.minimum(rest, _UNMETERED_SELF_USE * rated_mw)
    sums = {cause: float(values.sum()) for cause, values in energy.items()}
    sums["as_expected"] = float(_USUAL_LOSS * able[~held].sum())
    total = sum(sums.values()) or 1.0
    weighted = {cause: value / total + _LEAST / len(sums) for cause, value in sums.items()}
    return {cause: value / (1 + _LEAST) for cause, value in weighted.items()}


def _without_line(found: Analysis) -> Floats:
    """Return the factor by which output is short if no private line took it."""
    ratio = found.met_mw / np.maximum(found.able_mw, 1e-9)
    return np.where((found.on > 0.5) & found.free, np.clip(ratio, 0, 1), found.factor)


def _middling(kind: str, columns: Columns, at: Flags) -> dict[str, Floats]:
    """Share of each cause in a loss of a part of the output, at the hours ``at``."""
    cold = np.where(np.nan_to_num(columns["temperature_c"][at], nan=20.0) < 1, 1.0, 0.0)
    if kind == "hydro":
        inflow = columns["inflow_m3s"]
        wet = np.where(inflow[at] > np.nanmedian(inflow), 1.0, 0.0)
        return {"spill": 1 - 0.2 * wet, "flushing": 0.2 * wet}
    if kind == "wind":
        return {"icing": cold, "units_out": 1 - cold}
    if kind == "solar":
        return {"icing": cold, "units_out": 0.6 * (1 - cold), "soiling": 0.4 * (1 - cold)}
    return {"fuel_quality": np.ones(cold.size)}
