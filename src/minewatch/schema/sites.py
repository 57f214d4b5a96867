"""A site: usage points, endpoints and enterprises that belong to one place, and why that is believed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from minewatch.schema.reasons import Reason


@dataclass(frozen=True)
class Link:
    """One link between two things.

    Kinds: endpoint, lease, holder, address, usage_point, enterprise, transformer, feeder, plant; account and
    site (another one).
    """

    from_kind: str
    from_id: str
    to_kind: str
    to_id: str
    probability: float
    basis: Reason

    def as_row(self) -> dict[str, Any]:
        """Return the link as a row of the Arrow type ``LINK``."""
        return {**vars(self), "basis": self.basis.as_row()}


@dataclass(frozen=True)
class Site:
    """One place with everything that was attributed to it; the mappings give link probabilities.

    ``enterprise_name`` is the most probable enterprise, else customer, else holder of the line.
    ``lon`` and ``lat`` in degrees, WGS 84. ``public_body``: it is an office, school, hospital or the like.
    ``planned_start_on``: day on which supply is to begin, as applied for. ``refusals`` say what could not be
    attributed and why.
    """

    site_id: str
    usage_points: Mapping[str, float] = field(default_factory=dict)
    endpoints: Mapping[str, float] = field(default_factory=dict)
    enterprises: Mapping[str, float] = field(default_factory=dict)
    transformers: Mapping[str, float] = field(default_factory=dict)
    feeders: Mapping[str, float] = field(default_factory=dict)
    plants: Mapping[str, float] = field(default_factory=dict)
    address: str | None = None
    lon: float | None = None
    lat: float | None = None
    region_code: str | None = None
    enterprise_name: str | None = None
    public_body: bool = False
    planned_start_on: date | None = None
    links: Sequence[Link] = ()
    refusals: Sequence[Reason] = ()
