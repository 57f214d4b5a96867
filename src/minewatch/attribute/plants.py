"""Which plant a line is at or was leased for: a mine on a private line has no account with the grid."""

import unicodedata
from collections.abc import Iterator
from typing import NamedTuple

import pyarrow as pa

from minewatch.attribute.names import name_key, uscc_key
from minewatch.schema.reasons import Reason, reason

AT_PLANT, OF_OPERATOR = 0.95, 0.9
"""Probability that a line is at a plant that its address names, or that its holder runs (assumed)."""


class PlantMatch(NamedTuple):
    """A plant that a line belongs to, with probability and reason."""

    plant_id: str
    probability: float
    basis: Reason


class PlantIndex:
    """Plants by what a lease may say of them."""

    def __init__(self, plants: pa.Table) -> None:
        self._plants = [
            (row["plant_id"], row["region_code"], _plain(row["plant_name"]), *_operator(row))
            for row in plants.to_pylist()
        ]

    def of(
        self, name: str | None, uscc: str | None, address: str | None, region_code: str | None
    ) -> PlantMatch | None:
        """Return the plant of a line's holder; None where none fits or several do."""
        for fits in (self._by_code(uscc), self._at(address, region_code), self._by_name(name, region_code)):
            found = list(fits)
            if len(found) == 1:
                return found[0]
        return None

    def _by_code(self, uscc: str | None) -> Iterator[PlantMatch]:
        wanted = uscc_key(uscc)
        for plant_id, _, _, code, _ in self._plants:
            if wanted and wanted == code:
                yield PlantMatch(plant_id, OF_OPERATOR, reason("plant_operator_code", uscc=wanted))

    def _at(self, address: str | None, region_code: str | None) -> Iterator[PlantMatch]:
        text = _plain(address)
        for plant_id, region, plant_name, _, _ in self._plants:
            if plant_name and plant_name in text and region_code in (None, region):
                yield PlantMatch(plant_id, AT_PLANT, reason("address_names_plant", address=address or ""))

    def _by_name(self, name: str | None, region_code: str | None) -> Iterator[PlantMatch]:
        wanted = name_key(name)
        for plant_id, region, _, _, operator in self._plants:
            if wanted and wanted == operator and region_code in (None, region):
                yield PlantMatch(plant_id, OF_OPERATOR, reason("plant_operator_name", name=name or ""))


def _operator(row: dict[str, str | None]) -> tuple[str | None, str | None]:
    return uscc_key(row["uscc"]), name_key(row["operator_name"])


def _plain(text: str | None) -> str:
    return "".join(unicodedata.normalize("NFKC", text or "").lower().split())
