"""When the block runs, told from when it was on."""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from minewatch.kernels.power.blocks import Block
from minewatch.kernels.power.load_blocks import Coverage
from minewatch.kernels.power.responses import Response
from minewatch.schema.evidence import Duty

Row = npt.NDArray[np.float64]


class DutyRules(NamedTuple):
    """Where one duty ends and another begins.

    ``night_on_share``: a block seen at night that is on less of the time runs at night only. ``off_rank``,
    ``off_excess``: prices are followed where hours off are dearer than those on with this probability, and
    the dearest tenth of the hours is off so much more often than the cheaper half. ``season_days``: a run
    with both ends seen in a year of data, of such a length, is a season; so is a ``pause_days`` long pause.
    ``flat_on_share``: on for so much of the time is flat.
    """

    night_on_share: float = 0.6
    off_rank: float = 0.7
    off_excess: float = 0.3
    season_days: tuple[int, int] = (60, 270)
    year_days: int = 300
    pause_days: int = 45
    flat_on_share: float = 0.9


DUTY_RULES = DutyRules()


def duty_of(coverage: Row, block: Row, response: Row, rules: DutyRules = DUTY_RULES) -> Duty:
    """Return the duty of a block; rows in the order of ``Coverage``, ``Block`` and ``Response``.

    A run that began and ended within the year is taken for a season; so may be a mine that was closed.
    """
    on_share = block[Block.on_share]
    if block[Block.night] == 1 and on_share < rules.night_on_share:
        return Duty.NIGHT_ONLY
    excess = response[Response.dear_off_share] - response[Response.cheap_off_share]
    if response[Response.price_off_rank] >= rules.off_rank and excess >= rules.off_excess:
        return Duty.PRICE_FOLLOWING
    both_seen = not np.isnan(block[[Block.onset_hour, Block.end_hour]]).any()
    run_days = block[Block.end_day] - block[Block.begin_day]
    in_season = both_seen and rules.season_days[0] <= run_days <= rules.season_days[1]
    in_season &= coverage[Coverage.span_days] >= rules.year_days
    if in_season or block[Block.pause_days] >= rules.pause_days:
        return Duty.SEASONAL
    return Duty.FLAT if on_share >= rules.flat_on_share else Duty.INTERMITTENT
