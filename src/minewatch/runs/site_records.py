"""What registers say of sites with power and traffic: capacity, industries, licence, declarations."""

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from minewatch.attribute.describe import Evident, describe
from minewatch.attribute.parties import parties, records_of
from minewatch.attribute.sites import Attribution
from minewatch.runs.partitions import View
from minewatch.schema.slices import read_slice

_LINKED = 0.5
_LICENSED = re.compile(r"互联网数据中心|数据中心业务|\bIDC\b|\bdata cent(?:re|er)", re.IGNORECASE)
"""Scopes of business that allow to run data centres (电信业务分类目录 B11, 互联网数据中心业务)."""

Row = Mapping[str, Any]


class Registered(NamedTuple):
    """Columns of ``site_records`` that come from registers, and the county of the site."""

    row: Row
    region_code: str | None


def site_records(
    view: View, attribution: Attribution, members: Mapping[str, Sequence[str]]
) -> dict[str, Registered]:
    """Return what registers say of each site; ``members`` are its usage points."""
    sites = describe(attribution, {site: Evident(tuple(points)) for site, points in members.items()})
    accounts = _accounts(view, members)
    firms = {row["enterprise_id"]: row for row in attribution.registers.enterprises.to_pylist()}
    declared = _declared(view, attribution, members)
    found = {}
    for site, points in members.items():
        own = [accounts[name] for name in points if name in accounts]
        linked = sorted(sites[site].enterprises.items(), key=lambda item: (-item[1], item[0]))
        enterprises = [firms[name] for name, share in linked if share >= _LINKED and name in firms]
        row = _row(site, own, enterprises, declared.get(site, []))
        regions = [account["region_code"] for account in own if account["region_code"]]
        found[site] = Registered(row, sites[site].region_code or next(iter(regions), None))
    return found


def _row(site: str, accounts: Sequence[Row], enterprises: Sequence[Row], papers: Sequence[Row]) -> Row:
    codes = {row["industry_code"] for row in (*accounts, *enterprises) if row.get("industry_code")}
    scopes = (row["business_scope"] for row in enterprises)
    return {
        "site_id": site,
        "contract_kva": _total(accounts, "contract_kva"),
        "industry_codes": sorted(codes),
        "enterprises": len(enterprises),
        "business_scope": next((scope for scope in scopes if scope and _LICENSED.search(scope)), None),
        "declared_mbps": _total(papers, "bandwidth_mbps"),
        "floor_area_m2": _total(papers, "floor_area_m2"),
    }


def _total(rows: Sequence[Row], column: str) -> float | None:
    values = [row[column] for row in rows if row[column] is not None]
    return float(sum(values)) if values else None


def _accounts(view: View, members: Mapping[str, Sequence[str]]) -> dict[str, Row]:
    names = pa.array([name for points in members.values() for name in points], pa.string())
    columns = ["usage_point_id", "contract_kva", "industry_code", "region_code"]
    rows = view.lake.read(view.snapshot, "usage_points", columns=columns)
    chosen = rows.filter(pc.is_in(rows["usage_point_id"], value_set=names))
    return {row["usage_point_id"]: row for row in chosen.to_pylist()}


def _declared(
    view: View, attribution: Attribution, members: Mapping[str, Sequence[str]]
) -> dict[str, list[Row]]:
    """Return site → applications to the door, or under the credit code, of one of its accounts."""
    rows = read_slice(view.slice("applications"))
    if not rows.num_rows:
        return {}
    records = records_of(rows, "application_id", "applicant_name", "address")
    keys = parties(records, attribution.directory.gazetteer).table
    site_of = _site_of_keys(attribution, members)
    found: dict[str, list[Row]] = {}
    for row, door, code in zip(
        rows.to_pylist(), *(keys[n].to_pylist() for n in ("door", "uscc")), strict=True
    ):
        site = site_of.get(door) or site_of.get(code)
        if site:
            found.setdefault(site, []).append(row)
    return found


def _site_of_keys(attribution: Attribution, members: Mapping[str, Sequence[str]]) -> dict[str, str]:
    site_of = {name: site for site, points in members.items() for name in points}
    table = attribution.directory.table
    columns = (table[name].to_pylist() for name in ("unique_id", "door", "uscc"))
    return {
        key: site_of[name]
        for name, *keys in zip(*columns, strict=True)
        for key in keys
        if key and name in site_of
    }
