"""What a scan hands over to the office: its findings, and the rows of other tables that show them."""

import io
import zipfile
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from minewatch.lake.commits import Snapshot
from minewatch.lake.failures import LakeError
from minewatch.lake.lake import Lake
from minewatch.runs.evaluation.scored_subjects import NoScanError, run_of
from minewatch.runs.evidence_rows import LakeEvidence, table_of
from minewatch.runs.partitions import after, flow_slices, readings_of
from minewatch.runs.scan import PeriodError, view_of
from minewatch.schema.network_tables import FLOWS
from minewatch.schema.periods import Period
from minewatch.schema.slices import read_slice

FAILURES = (LakeError, NoScanError, PeriodError)
"""What goes wrong for reasons that the user can act on."""

_MADE = (1980, 1, 1, 0, 0, 0)
_NAMED = {"usage_points": "usage_point_id", "enterprises": "enterprise_id", "plants": "plant_id"}


def parcel_of(lake: Lake, run_id: str | None = None, period: Period | None = None) -> dict[str, pa.Table]:
    """Return by table what a scan (default: the newest) found and what shows it, in canonical form.

    Raises ``NoScanError`` where the lake holds no such scan.
    """
    snapshot = lake.snapshot()
    manifest = run_of(lake, snapshot, run_id, period).manifest
    run = {"run_id": (manifest.run_id, after(manifest.run_id))}
    findings = lake.read(snapshot, "findings", where=run)
    rows = findings.to_pylist()
    view = view_of(lake, snapshot, manifest)
    evidence_ids = [name for row in rows for name in row["evidence_ids"]]
    return {
        "manifests": lake.read(snapshot, "manifests", where=run),
        "findings": findings,
        "evidence": table_of(LakeEvidence(lake, snapshot, manifest), evidence_ids),
        "interval_readings": readings_of(lake, snapshot, _names(rows, "usage_points"), view.days),
        "flows": _mining_flows([read_slice(part) for part in flow_slices(view)], _names(rows, "endpoints")),
        **{table: _those(lake, snapshot, table, _names(rows, table)) for table in _NAMED},
    }


def packed(tables: Mapping[str, pa.Table]) -> bytes:
    """Return tables as a ZIP of Parquet files; the same tables give the same bytes."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for name, table in sorted(tables.items()):
            content = io.BytesIO()
            pq.write_table(table, content, compression="zstd")
            archive.writestr(zipfile.ZipInfo(f"{name}.parquet", _MADE), content.getvalue())
    return out.getvalue()


def _names(rows: Sequence[Mapping[str, Any]], column: str) -> list[str]:
    return sorted({item["name"] for row in rows for item in row[column]})


def _mining_flows(parts: Sequence[pa.Table], endpoints: Sequence[str]) -> pa.Table:
    """Return the flows that one of ``endpoints`` opened; those are told apart by address and port."""
    wanted = pa.array(endpoints, pa.string())
    found = [FLOWS.empty_table()]
    for rows in parts:
        source = pc.binary_join_element_wise(rows["src_ip"], pc.cast(rows["src_port"], pa.string()), ":")
        found.append(rows.filter(pc.is_in(source, value_set=wanted)))
    return pa.concat_tables(found, promote_options="permissive")


def _those(lake: Lake, snapshot: Snapshot, table: str, names: Sequence[str]) -> pa.Table:
    rows = lake.read(snapshot, table)
    return rows.filter(pc.is_in(rows[_NAMED[table]], value_set=pa.array(names, pa.string())))
