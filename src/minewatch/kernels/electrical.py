"""What else the meter measures: reactive power, phase currents, voltage; of the load and of its block."""

from enum import IntEnum


class Electric(IntEnum):
    """Place of each number of ``electrics``; NaN where the meter does not deliver it."""

    tangent = 0  # reactive energy to active energy of the run
    floor_tangent = 1  # median of kvar to kW in hours at the floor
    floor_tangent_spread = 2  # median distance from it
    block_tangent = 3  # rise of kvar to rise of kW at the block's edge
    imbalance = 4  # largest phase current above the mean of the three, to that mean
    floor_imbalance = 5  # the same in hours at the floor
    block_phase_share = 6  # of the rise of current that the phase with most takes: 1/3 even, 1 single-phase
    voltage_ratio = 7  # median voltage to nominal
    voltage_slope = 8  # relative change of voltage for a mean load more
