"""Records of usage points, holders and enterprises brought to one form, so that they can be compared."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import pyarrow as pa

from minewatch.attribute.addresses import Address, parse_address
from minewatch.attribute.gazetteer import Gazetteer, PlaceKeys
from minewatch.attribute.linkage import PARTIES
from minewatch.attribute.names import name_key, uscc_key


@dataclass(frozen=True)
class Records:
    """Columns of some register, as written, one entry per record."""

    ids: Sequence[str]
    names: Sequence[str | None]
    codes: Sequence[str | None]
    addresses: Sequence[str | None]
    regions: Sequence[str | None]

    @cached_property
    def parsed(self) -> Sequence[Address]:
        """The addresses taken apart."""
        return list(map(parse_address, self.addresses))


@dataclass(frozen=True)
class Parties:
    """The same records as keys (schema ``PARTIES``), and for each why its address has no key."""

    table: pa.Table
    refusals: Sequence[str | None]


def records_of(table: pa.Table, id_name: str, name: str, address: str) -> Records:
    """Take the columns that say who and where out of a register's table."""
    names = (id_name, name, "uscc", address, "region_code")
    return Records(*(table[column].to_pylist() for column in names))


def gazetteer_of(*registers: Records) -> Gazetteer:
    """Learn counties and towns from the addresses of all registers together."""
    addresses: list[Address] = []
    regions: list[str | None] = []
    for records in registers:
        addresses += records.parsed
        regions += records.regions
    return Gazetteer(addresses, regions)


def parties(records: Records, gazetteer: Gazetteer, *, complete: bool = False) -> Parties:
    """Return the keys of ``records``, in their order.

    ``complete``: the records are a whole register, so that a building with one record has no other.
    """
    keys = [
        gazetteer.keys(address, region)
        for address, region in zip(records.parsed, records.regions, strict=True)
    ]
    return Parties(_table(records, keys, complete), [key.refusal for key in keys])


def _table(records: Records, keys: Sequence[PlaceKeys], complete: bool) -> pa.Table:
    premises = [key.premises for key in keys]
    sizes = Counter(premises) if complete else Counter()
    columns = [
        list(records.ids),
        [uscc_key(code) for code in records.codes],
        [name_key(name) for name in records.names],
        [key.place for key in keys],
        premises,
        [key.door for key in keys],
        [name if not complete or sizes[name] == 1 else None for name in premises],
    ]
    arrays = [pa.array(column, pa.string()) for column in columns]
    return pa.Table.from_arrays(arrays, schema=PARTIES)
