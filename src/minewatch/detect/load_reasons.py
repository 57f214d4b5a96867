"""Why a curve was judged so, in numbers that a person can find on it."""

from datetime import date, timedelta
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from minewatch.detect.load_vectors import VECTOR
from minewatch.kernels.blocks import Block
from minewatch.kernels.hours import HOURS
from minewatch.kernels.load_blocks import Coverage
from minewatch.kernels.load_features import Feature
from minewatch.schema.load_classes import load_class_name
from minewatch.schema.reasons import Reason, reason

Row = npt.NDArray[np.float64]
_EPOCH = date(1970, 1, 1)
_CONTRACT_KVA = VECTOR.index("contract_kva")
_TARIFF = VECTOR.index("tariff")


class Seen(NamedTuple):
    """What was measured of one customer: rows in the order of ``Coverage``, ``Block``, ``VECTOR``."""

    coverage: Row
    block: Row
    vector: Row

    def day(self, hour: float) -> str:
        """Return the local day of an hour counted from the first reading's day."""
        return (_EPOCH + timedelta(days=int(self.coverage[Coverage.first_day] + hour // HOURS))).isoformat()


def load_reasons(seen: Seen, log10_lr: float, best_alternative: str) -> list[Reason]:
    """Return the reasons in the order in which a person would look them up."""
    reasons = [_block(seen)]
    if not np.isnan(seen.block[Block.end_hour]):
        reasons.append(_ended(seen))
    if seen.block[Block.uplift_low_kw] > 0:
        reasons.append(_every_hour(seen))
    reasons += [*_shape(seen), *_archive(seen)]
    return [*reasons, _weighed(log10_lr, best_alternative)]


def _block(seen: Seen) -> Reason:
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
    percent = 100 * level_kw / float(seen.vector[Feature.mean_kw])
    return reason("load_block_always", level_kw=level_kw, floor_percent=percent, first_day=seen.day(0))


def _ended(seen: Seen) -> Reason:
    base_kw = float(np.nan_to_num(seen.block[Block.base_kw]))
    return reason("load_block_ended", base_kw=base_kw, end_day=seen.day(seen.block[Block.end_hour]))


def _every_hour(seen: Seen) -> Reason:
    low_kw, mean_kw = float(seen.block[Block.uplift_low_kw]), float(seen.block[Block.uplift_kw])
    return reason("load_every_hour", low_kw=low_kw, mean_kw=mean_kw)


def _shape(seen: Seen) -> list[Reason]:
    vector = seen.vector
    if np.isnan(vector[[Feature.calm_ratio, Feature.night_ratio]]).any():
        return []
    flat = reason(
        "load_flat",
        flat_percent=100 * float(vector[Feature.flat_share]),
        median_kw=float(vector[Feature.q50_ratio] * vector[Feature.mean_kw]),
        night_percent=100 * float(vector[Feature.night_ratio]),
    )
    return [flat, reason("load_calm", calm_percent=100 * float(vector[Feature.calm_ratio]))]


def _archive(seen: Seen) -> list[Reason]:
    vector = seen.vector
    if np.isnan(vector[_CONTRACT_KVA]):
        return [reason("load_without_archive")] if np.isnan(vector[_TARIFF]) else []
    largest_kw = float(vector[Feature.mean_kw] / vector[Feature.load_factor])
    return [
        reason("load_to_contract", largest_kw=largest_kw, contract_kva=float(vector[_CONTRACT_KVA])),
    ]


def _weighed(log10_lr: float, best_alternative: str) -> Reason:
    names = {f"class_{language}": load_class_name(best_alternative, language) for language in ("en", "zh")}
    return reason("load_weighed", log10_lr=log10_lr, **names)
