"""Quality of one reading, as small integers in the ``quality`` lists."""

from enum import IntEnum


class Quality(IntEnum):
    """How a reading came to be. Higher is worse; detectors use values up to ``ESTIMATED``."""

    MEASURED = 0
    MERGED = 1  # the repeated hour at the end of daylight saving, mean of both
    ESTIMATED = 2  # filled by the utility and marked so
    MISSING = 3  # NaN: not delivered
    SKIPPED = 4  # NaN: hour that does not exist on the day daylight saving begins
    IMPLAUSIBLE = 5  # NaN: value put aside, see quarantine
