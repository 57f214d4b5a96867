"""Families of evidence: what speaks of a site, how likely it is to see a farm, and what it measures."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from minewatch.schema.evidence import SubjectKind


class Family(StrEnum):
    """A kind of evidence whose subjects are scored alike, against a calibration of its own."""

    METER = "meter"
    WIRE = "wire"
    SUPPLY = "supply"
    PLANT = "plant"
    TRAFFIC = "traffic"


FAMILY_OF: Mapping[SubjectKind, Family] = MappingProxyType(
    {
        SubjectKind.USAGE_POINT: Family.METER,
        SubjectKind.ENDPOINT: Family.WIRE,
        SubjectKind.TRANSFORMER: Family.SUPPLY,
        SubjectKind.FEEDER: Family.SUPPLY,
        SubjectKind.PLANT: Family.PLANT,
        SubjectKind.SITE: Family.TRAFFIC,
    }
)
"""The family of the evidence on each kind of subject."""

SEES: Mapping[Family, float] = MappingProxyType(
    {Family.METER: 0.75, Family.WIRE: 0.75, Family.SUPPLY: 0.75, Family.PLANT: 0.75, Family.TRAFFIC: 0.99}
)
"""Probability that a family with something to say of a mining site speaks of that mine (assumed).

A meter may be bypassed, pool traffic may be another's behind one line. What all lines of a site move against
its power is nearly as certain as the records of its lines.
"""

GRID_SIDE = (Family.METER, Family.SUPPLY, Family.PLANT)
"""Families that measure a mine's power electrically, each a part of it that the others do not see."""
