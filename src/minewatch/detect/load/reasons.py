"""Why a curve was judged so, in numbers that a person can find on it."""

from collections.abc import Iterator
from datetime import date, timedelta
from math import hypot
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from minewatch.detect.load.vectors import VECTOR
from minewatch.kernels.power.blocks import Block
from minewatch.kernels.power.hours import HOURS
from minewatch.kernels.power.load_blocks import Coverage
from minewatch.schema.evidence import Duty
from minewatch.schema.load_classes import load_class_name
from minewatch.schema.machines import machines
from minewatch.schema.reasons import Reason, reason

Row = npt.NDArray[np.float64]
_EPOCH = date(1970, 1, 1)
_PLACES = {name: place for place, name in enumerate(VECTOR)}
_WEATHER_TELLS = 0.3
"""Temperature is spoken of where it explains three tenths of the daily means."""
_DIPS_TELL = (0.2, 10.0)
"""Dips a month: fewer may be chance, more are a rhythm."""
_EQUAL_TELLS = 0.3
_STEPS_TELL = 1.0
"""Steps of one size are spoken of from one a month on, where three tenths are alike."""
_MACHINE_RANGE = (0.9, 1.1)
"""Power at the wall to rating: power supplies, firmware and cooling."""
_MODELS_NAMED = 3


class Seen(NamedTuple):
    """What was measured of one customer: rows in the order of ``Coverage``, ``Block``, ``VECTOR``."""

    coverage: Row
    block: Row
    vector: Row

    def of(self, name: str) -> float:
        """Return the input ``name`` of ``VECTOR``."""
        return float(self.vector[_PLACES[name]])

    def known(self, *names: str) -> bool:
        """Tell whether all of some inputs are known."""
        return not any(np.isnan(self.of(name)) for name in names)

    def day(self, hour: float) -> str:
        """Return the local day of an hour counted from the first reading's day."""
        return (_EPOCH + timedelta(days=int(self.coverage[Coverage.first_day] + hour // HOURS))).isoformat()


class Weighed(NamedTuple):
    """What was made of it."""

    log10_lr: float
    best_alternative: str
    duty: Duty


def load_reasons(seen: Seen, weighed: Weighed) -> list[Reason]:
    """Return the reasons in the order in which a person would look them up."""
    later = (_shape, _steadiness, _steps, _outside, _electrical, _archive)
    return [
        *_block(seen),
        *_edge(seen),
        *_duty(seen, weighed.duty),
        *(item for part in later for item in part(seen)),
        _weight(weighed),
    ]


def _block(seen: Seen) -> Iterator[Reason]:
    block = seen.block
    yield _level(seen)
    if not np.isnan(block[Block.end_hour]):
        base_kw = float(np.nan_to_num(block[Block.base_kw]))
        yield reason("load_block_ended", base_kw=base_kw, end_day=seen.day(block[Block.end_hour]))
    if not np.isnan(block[Block.other_step_kw]):
        begin, end = (seen.day(block[edge] * HOURS) for edge in (Block.other_begin_day, Block.other_end_day))
        step_kw = float(block[Block.other_step_kw])
        yield reason("load_other_block", step_kw=step_kw, begin_day=begin, end_day=end)


def _level(seen: Seen) -> Reason:
    block = seen.block
    level_kw, base_kw = float(block[Block.level_kw]), float(np.nan_to_num(block[Block.base_kw]))
    night = block[Block.night] == 1
    if not np.isnan(block[Block.onset_hour]):
        code = "load_night_since" if night else "load_block_since"
        days = int(block[Block.end_day] - block[Block.begin_day])
        onset_day = seen.day(block[Block.onset_hour])
        return reason(code, base_kw=base_kw, level_kw=level_kw, onset_day=onset_day, days=days)
    if night:
        day_kw = float(block[Block.day_level_kw])
        return reason("load_night_always", level_kw=level_kw, day_kw=day_kw, first_day=seen.day(0))
    percent = 100 * level_kw / seen.of("mean_kw")
    return reason("load_block_always", level_kw=level_kw, floor_percent=percent, first_day=seen.day(0))


def _edge(seen: Seen) -> Iterator[Reason]:
    """Tell what the days beside the onset (or the end) show, for mining and against it."""
    if seen.known("uplift_low_share") and seen.block[Block.uplift_low_kw] > 0:
        low_kw, mean_kw = float(seen.block[Block.uplift_low_kw]), float(seen.block[Block.uplift_kw])
        yield reason("load_every_hour", low_kw=low_kw, mean_kw=mean_kw)
    if seen.of("additive_share") > 0.8:
        yield reason("load_constant_added", share_percent=100 * seen.of("additive_share"))
    if seen.of("profile_correlation") < 0.3 and seen.block[Block.night] != 1:
        yield reason("load_day_changed", correlation=seen.of("profile_correlation"))
    if seen.of("vacant_share") > 0.1:
        yield reason("load_was_vacant", vacant_percent=100 * seen.of("vacant_share"))


def _duty(seen: Seen, duty: Duty) -> Iterator[Reason]:
    if seen.known("on_share"):
        yield reason(f"load_duty_{duty}", on_percent=100 * seen.of("on_share"))
    if duty is Duty.PRICE_FOLLOWING:
        shares = {f"{kind}_percent": 100 * seen.of(f"{kind}_off_share") for kind in ("dear", "cheap")}
        yield reason("load_price", **shares)


def _shape(seen: Seen) -> Iterator[Reason]:
    if seen.of("interval_hours") >= HOURS:
        yield reason("load_once_a_day")
    elif seen.known("calm_ratio", "night_ratio"):
        yield reason(
            "load_flat",
            flat_percent=100 * seen.of("flat_share"),
            median_kw=seen.of("q50_ratio") * seen.of("mean_kw"),
            night_percent=100 * seen.of("night_ratio"),
        )
        yield reason("load_calm", calm_percent=100 * seen.of("calm_ratio"))


def _steadiness(seen: Seen) -> Iterator[Reason]:
    if seen.known("low_hour_change", "floor_change_1d"):
        percents = {
            "hour_percent": 100 * seen.of("low_hour_change"),
            "day_percent": 100 * seen.of("floor_change_1d"),
        }
        yield reason("load_floor_steady", **percents)
    if seen.known("floor_change_28d"):
        yield reason("load_floor_months", month_percent=100 * seen.of("floor_change_28d"))
    if seen.known("dip_depth") and _DIPS_TELL[0] <= seen.of("dip_rate") <= _DIPS_TELL[1]:
        depth_percent = 100 * seen.of("dip_depth")
        yield reason("load_dips", number=seen.of("dip_rate"), depth_percent=depth_percent)


def _steps(seen: Seen) -> Iterator[Reason]:
    equal = seen.of("step_equal_share")
    if not (equal >= _EQUAL_TELLS and equal * seen.of("step_rate") >= _STEPS_TELL):
        return
    values = {"share_percent": 100 * equal, "size_kw": seen.of("step_size_kw")}
    if models := machines_drawing(seen.of("step_size_kw")):
        yield reason("load_machine_steps", **values, models=" / ".join(models[:_MODELS_NAMED]))
    else:
        yield reason("load_steps", **values)


def machines_drawing(power_kw: float) -> list[str]:
    """Return the models that may draw ``power_kw``, the nearest rating first."""
    fitting = [
        (abs(power_kw * 1000 / machine.power_w - 1), machine.model)
        for machine in machines()
        if _MACHINE_RANGE[0] <= power_kw * 1000 / machine.power_w <= _MACHINE_RANGE[1]
    ]
    return [model for _, model in sorted(fitting)]


def _outside(seen: Seen) -> Iterator[Reason]:
    """Tell of calendar, weather and neighbours."""
    if seen.known("festival_ratio", "festival_floor_ratio"):
        load, floor = 100 * seen.of("festival_ratio"), 100 * seen.of("festival_floor_ratio")
        yield reason("load_festival", load_percent=load, floor_percent=floor)
    if seen.of("temperature_share") >= _WEATHER_TELLS and seen.known("floor_temperature_share"):
        share, floor = 100 * seen.of("temperature_share"), 100 * seen.of("floor_temperature_share")
        yield reason("load_weather", share_percent=share, floor_percent=floor)
    if seen.known("peer_mean_ratio", "peer_level_ratio"):
        ratios = {name: seen.of(f"peer_{name}") for name in ("mean_ratio", "level_ratio")}
        yield reason("load_peers", **ratios, peers=int(seen.of("peers")))


def _electrical(seen: Seen) -> Iterator[Reason]:
    if seen.known("tangent", "floor_tangent"):
        factor, floor_factor = (1 / hypot(1, seen.of(name)) for name in ("tangent", "floor_tangent"))
        yield reason("load_power_factor", factor=factor, floor_factor=floor_factor)
    if seen.known("block_tangent"):
        yield reason("load_block_power_factor", factor=1 / hypot(1, seen.of("block_tangent")))
    if seen.known("imbalance", "floor_imbalance"):
        percent, floor = 100 * seen.of("imbalance"), 100 * seen.of("floor_imbalance")
        yield reason("load_phases", percent=percent, floor_percent=floor)
    if seen.of("block_phase_share") > 0.5:
        yield reason("load_block_phase", percent=100 * seen.of("block_phase_share"))


def _archive(seen: Seen) -> Iterator[Reason]:
    if seen.known("contract_kva"):
        largest_kw, contract_kva = seen.of("mean_kw") / seen.of("load_factor"), seen.of("contract_kva")
        if not np.isnan(largest_kw):
            yield reason("load_to_contract", largest_kw=largest_kw, contract_kva=contract_kva)
    elif not seen.known("tariff"):
        yield reason("load_without_archive")


def _weight(weighed: Weighed) -> Reason:
    names = {
        f"class_{language}": load_class_name(weighed.best_alternative, language) for language in ("en", "zh")
    }
    return reason("load_weighed", log10_lr=weighed.log10_lr, **names)
