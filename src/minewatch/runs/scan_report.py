"""List and evidence pages of a scan, from the rows that the lake holds of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from minewatch.lake.lake import Lake
from minewatch.runs.evidence_rows import LakeEvidence, table_of
from minewatch.runs.partitions import View, after, flow_slices, readings_of
from minewatch.runs.pictures import pictures
from minewatch.runs.report.data import Counts, ReportData, Subject, curves_from_readings
from minewatch.runs.report.folder import ReportPaths, write_report
from minewatch.runs.scan import Scanned, step_parameters, view_of
from minewatch.runs.timing_pictures import timings
from minewatch.schema.network_tables import FLOWS
from minewatch.schema.slices import read_slice


def report_scan(lake: Lake, scanned: Scanned, folder: Path, mask: bool = False) -> ReportPaths:
    """Write the report of a scan into ``folder``; see ``minewatch.runs.report.folder.write_report``."""
    return write_report(report_data(lake, scanned), folder, mask)


def report_data(lake: Lake, scanned: Scanned) -> ReportData:
    """Gather what a report of the scan shows: only rows of listed sites are read whole."""
    manifest, snapshot = scanned.manifest, scanned.snapshot
    listed = scanned.findings.to_pylist()
    evidence_ids = [name for row in listed for name in row["evidence_ids"]]
    stored = LakeEvidence(lake, snapshot, manifest)
    evidence = table_of(stored, evidence_ids)
    view = view_of(lake, snapshot, manifest)
    readings = readings_of(lake, snapshot, _names(listed, "usage_points"), view.days)
    rows = zip(evidence["subject_kind"].to_pylist(), evidence["subject_id"].to_pylist(), strict=True)
    subjects = [Subject(*row) for row in rows]
    residuals, pairs = pictures(view, step_parameters(manifest), stored, subjects)
    flows = _flows(view, set(_names(listed, "endpoints")))
    run = {"run_id": (manifest.run_id, after(manifest.run_id))}
    return ReportData(
        findings=scanned.findings,
        evidence=evidence,
        curves=curves_from_readings(readings, lake.zone),
        flows=flows,
        manifest=lake.read(snapshot, "manifests", where=run).to_pylist()[0],
        period=manifest.period,
        zone=lake.zone,
        rate=manifest.parameters["rate"],
        counts=_counts(scanned.summary),
        residuals=residuals,
        pairs=pairs,
        timings=timings(evidence, flows, read_slice(view.slice("block_times"))),
    )


def _names(listed: Sequence[Mapping[str, Any]], column: str) -> list[str]:
    return sorted({item["name"] for row in listed for item in row[column]})


def _flows(view: View, endpoints: set[str]) -> pa.Table:
    """Return the flows in the period that a listed endpoint opened."""
    wanted = pa.array(sorted(endpoints), pa.string())
    found = [FLOWS.empty_table()]
    for part in flow_slices(view) if endpoints else ():
        rows = read_slice(part)
        source = pc.binary_join_element_wise(rows["src_ip"], pc.cast(rows["src_port"], pa.string()), ":")
        found.append(rows.filter(pc.is_in(source, value_set=wanted)))
    return pa.concat_tables(found, promote_options="permissive")


def _counts(summary: Mapping[str, Any]) -> Counts:
    tested, refused = summary["sites_tested"] + summary["hosts_without_sign"], summary["sites_refused"]
    return Counts(
        looked_at=tested + refused,
        refused=refused,
        listed=summary["listed"],
        flows=summary["flows"],
        refusals=summary["refusals"],
        best_q=summary["best_q"],
    )
