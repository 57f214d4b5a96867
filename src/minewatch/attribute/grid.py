"""Transformers, feeders and plants as sites, and what belongs to them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from minewatch.attribute.grouping import site_id_of
from minewatch.attribute.names import name_key, uscc_key
from minewatch.schema.reasons import Reason, reason
from minewatch.schema.sites import Link

TRANSFORMER, FEEDER, PLANT = "transformer", "feeder", "plant"

OPERATOR_CODE, OPERATOR_NAME = 0.98, 0.9
"""Probability that an enterprise with the credit code or the name of a plant's operator runs it (assumed)."""


class GridPart(NamedTuple):
    """A transformer, feeder or plant whose balance lacks energy; ``kind`` as in ``SubjectKind``."""

    kind: str
    name: str

    @property
    def site_id(self) -> str:
        """Return the id of the site that it is where the load is not attributed to a customer."""
        return site_id_of(self.name, self.kind)


@dataclass(frozen=True)
class Attached:
    """A grid part with sign at a site: how probably it belongs there and why (None: it is the site itself).

    ``places``: usage points at which its load may sit, with probabilities.
    """

    part: GridPart
    probability: float = 1.0
    basis: Reason | None = None
    places: Mapping[str, float] | None = None


@dataclass(frozen=True)
class Premises:
    """What a register says of a grid part: where it is, and for a plant what it is called and who runs it."""

    region_code: str | None = None
    lon: float | None = None
    lat: float | None = None
    name: str | None = None
    operator_name: str | None = None
    uscc: str | None = None


def premises_of(table: pa.Table, kind: str, names: Sequence[str]) -> dict[str, Premises]:
    """Return the premises of some rows of ``transformers``, ``feeders`` or ``plants``, by id."""
    key = f"{kind}_id"
    rows = table.filter(pc.is_in(table[key], value_set=pa.array(names, pa.string()))).to_pylist()
    return {row[key]: _premises(row) for row in rows}


def _premises(row: Mapping[str, Any]) -> Premises:
    told = ("region_code", "lon", "lat", "operator_name", "uscc")
    return Premises(**{name: row.get(name) for name in told}, name=row.get("plant_name"))


def operators(premises: Premises, enterprises: pa.Table) -> Iterator[tuple[str, str | None, float, Reason]]:
    """Yield (enterprise_id, name, probability, basis) of the enterprises that run a plant."""
    code, name = uscc_key(premises.uscc), name_key(premises.operator_name)
    columns = (enterprises[column].to_pylist() for column in ("enterprise_id", "enterprise_name", "uscc"))
    for enterprise_id, written, uscc in zip(*columns, strict=True):
        if code and uscc_key(uscc) == code:
            yield enterprise_id, written, OPERATOR_CODE, reason("plant_operator_code", uscc=code)
        elif name and name_key(written) == name:
            yield enterprise_id, written, OPERATOR_NAME, reason("plant_operator_name", name=written or "")


def grid_links(attached: Sequence[Attached], whose: tuple[str, str] | None) -> Iterator[Link]:
    """Yield the links of grid parts: to the customer or holder ``whose`` site it is, else to possible places.

    ``whose``: kind and id of an account or holder of a line.
    """
    for item in attached:
        if item.basis and whose:
            yield Link(item.part.kind, item.part.name, *whose, item.probability, item.basis)
        for name, probability in sorted((item.places or {}).items(), key=lambda pair: (-pair[1], pair[0])):
            basis = reason("voltage_points_at", percent=100 * probability)
            yield Link(item.part.kind, item.part.name, "usage_point", name, probability, basis)
