"""Sites of a run: every usage point in exactly one, every endpoint with evidence in exactly one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
import pyarrow.compute as pc

from minewatch.attribute.endpoints import Attributed, Directory, attribute_endpoints
from minewatch.attribute.grouping import group
from minewatch.attribute.leases import Endpoint, LeaseIndex
from minewatch.attribute.parties import gazetteer_of, parties, records_of
from minewatch.attribute.plants import PlantIndex
from minewatch.schema.tables import TABLES

_WHO = ("usage_point_id", "customer_name", "uscc", "address", "region_code")
_ACCOUNT = (*_WHO, "lon", "lat", "transformer_id")
FIRM_ADDRESSES = ("business_address", "registered_address")


def _none(table: str) -> Callable[[], pa.Table]:
    return TABLES[table].schema.empty_table


@dataclass(frozen=True)
class Registers:
    """What attribution reads: tables of the schemas by name."""

    usage_points: pa.Table
    ip_leases: pa.Table
    enterprises: pa.Table
    transformers: pa.Table = field(default_factory=_none("transformers"))
    feeders: pa.Table = field(default_factory=_none("feeders"))
    plants: pa.Table = field(default_factory=_none("plants"))
    applications: pa.Table = field(default_factory=_none("applications"))


@dataclass(frozen=True)
class Attribution:
    """Who belongs to which site.

    ``registers.usage_points`` is ordered like ``directory.table``; ``address_refusals`` gives for each of its
    rows the reason code why its address has no key. ``endpoints`` are in the order asked for.
    """

    registers: Registers
    directory: Directory
    endpoints: Sequence[Attributed]
    address_refusals: Sequence[str | None]
    leases: LeaseIndex


def attribute(registers: Registers, judged: pa.ChunkedArray, endpoints: Sequence[Endpoint]) -> Attribution:
    """Group the usage points of the archive, and those of ``judged`` that it lacks; place the endpoints."""
    archive = _with_unknown(registers.usage_points, judged)
    accounts = records_of(archive, "usage_point_id", "customer_name", "address")
    lines = records_of(registers.ip_leases, "prefix", "holder_name", "address")
    firms = [records_of(registers.enterprises, "enterprise_id", "enterprise_name", a) for a in FIRM_ADDRESSES]
    gazetteer = gazetteer_of(accounts, lines, *firms)
    keys = parties(accounts, gazetteer, complete=True)
    grouping = group(keys.table)
    plants = PlantIndex(registers.plants)
    directory = Directory(keys.table, grouping, grouping.site_ids(), gazetteer, plants)
    leases = LeaseIndex(registers.ip_leases)
    placed = attribute_endpoints(endpoints, leases, directory)
    read = replace(registers, usage_points=archive)
    return Attribution(read, directory, placed, keys.refusals, leases)


def _with_unknown(usage_points: pa.Table, judged: pa.ChunkedArray) -> pa.Table:
    """Return the archive, ordered by id, with a bare row for each judged usage point that it lacks."""
    known = pc.is_in(judged, value_set=usage_points["usage_point_id"].combine_chunks())
    bare = pa.table({"usage_point_id": pc.unique(judged.filter(pc.invert(known)))})
    archive = usage_points.select(list(_ACCOUNT))
    return pa.concat_tables([archive, bare], promote_options="permissive").sort_by("usage_point_id")
