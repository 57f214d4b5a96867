"""When supply of a site is to begin, by what was applied for."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Any, NamedTuple

import pyarrow as pa

from minewatch.attribute.names import name_key, uscc_key

_DEAD = frozenset({"refused", "withdrawn"})


class Party(NamedTuple):
    """Someone whom accounts, leases or registers name at a site."""

    name: str | None
    uscc: str | None
    region_code: str | None


class PlannedStarts:
    """Applications that name a day, by who applied."""

    def __init__(self, applications: pa.Table) -> None:
        self._by_key: dict[Any, tuple[date, date]] = {}
        for row in applications.to_pylist():
            if row["planned_start_on"] is None or row["status"] in _DEAD:
                continue
            found = (row["applied_on"] or date.min, row["planned_start_on"])
            for key in _keys(Party(row["applicant_name"], row["uscc"], row["region_code"])):
                self._by_key[key] = max(found, self._by_key.get(key, found))

    def of(self, parties: Iterable[Party]) -> date | None:
        """Return the day that the newest application of one of the parties names; None without one.

        A party applied where its credit code is on the application, or its name, in the same county.
        """
        keys = [key for party in parties for key in _keys(party)]
        newest = max((self._by_key[key] for key in keys if key in self._by_key), default=None)
        return newest[1] if newest else None


def _keys(party: Party) -> Iterator[Any]:
    if code := uscc_key(party.uscc):
        yield code
    if name := name_key(party.name):
        yield name, party.region_code
