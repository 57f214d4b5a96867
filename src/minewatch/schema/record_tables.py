"""Registers that come in as files, and the records Minewatch keeps of its own work."""

import pyarrow as pa

from minewatch.schema.columns import DataClass, column
from minewatch.schema.types import INPUT, INSTANT, REASON

_PERSONAL, _SENSITIVE = DataClass.PERSONAL, DataClass.SENSITIVE

ENTERPRISES = pa.schema(
    [
        column("enterprise_id", pa.string(), "register number", required=True),
        column("enterprise_name", pa.string(), "registered name"),
        column("uscc", pa.string(), "统一社会信用代码"),
        column("registered_address", pa.string(), "place of registration"),
        column("business_address", pa.string(), "place of business"),
        column("region_code", pa.string(), "GB/T 2260 code"),
        column("industry_code", pa.string(), "GB/T 4754 industry"),
        column("business_scope", pa.string(), "经营范围"),
        column("registered_on", pa.date32(), "day of registration"),
        column("closed_on", pa.date32(), "day of deregistration"),
    ]
)

APPLICATIONS = pa.schema(
    [
        column("application_id", pa.string(), "number", required=True),
        column("kind", pa.string(), "power_connection (用电报装) or energy_review (节能审查)"),
        column("applicant_name", pa.string(), "applicant", data_class=_PERSONAL),
        column("uscc", pa.string(), "统一社会信用代码"),
        column("address", pa.string(), "site address", data_class=_PERSONAL),
        column("region_code", pa.string(), "GB/T 2260 code"),
        column("requested_kva", pa.float64(), "capacity asked for", unit="kVA"),
        column("floor_area_m2", pa.float64(), "floor area", unit="m2"),
        column("bandwidth_mbps", pa.float64(), "network bandwidth declared", unit="Mbit/s"),
        column("equipment", pa.string(), "equipment declared"),
        column("applied_on", pa.date32(), "day of application"),
        column("planned_start_on", pa.date32(), "计划投产时间"),
        column("status", pa.string(), "open, approved, refused, withdrawn"),
    ]
)

TIPS = pa.schema(
    [
        column("tip_id", pa.string(), "number", required=True),
        column("received_at", INSTANT, "time of receipt"),
        column("channel", pa.string(), "12398, web, mail, inspection"),
        column("region_code", pa.string(), "GB/T 2260 code"),
        column("address", pa.string(), "place reported", data_class=_PERSONAL),
        column("machines_seen", pa.int64(), "machines counted", unit="1"),
        column("text", pa.string(), "report", data_class=_SENSITIVE),
    ]
)

LABELS = pa.schema(
    [
        column("label_id", pa.string(), "number", required=True),
        column("finding_id", pa.string(), "finding that was inspected, where there was one"),
        column(
            "subject_kind",
            pa.string(),
            "usage_point, transformer, feeder, plant, endpoint, site, address",
            required=True,
        ),
        column("subject_id", pa.string(), "id of the subject", data_class=_PERSONAL, required=True),
        column("outcome", pa.string(), "mining, victim, not_mining", required=True),
        column("innocent_class", pa.string(), "what it was instead, for not_mining"),
        column("mine_kind", pa.string(), "kind of mine, for mining"),
        column("power_kw", pa.float64(), "measured or counted mining power", unit="kW"),
        column("rest_kw", pa.float64(), "mean of the subject's other load", unit="kW"),
        column("onset_at", INSTANT, "when the mining began, where that is known"),
        column("valid_from", INSTANT, "start of what the label says; null: ever before"),
        column("valid_to", INSTANT, "end, excluded; null: ever after"),
        column(
            "selection",
            pa.string(),
            "why inspected: listed, tip, random (by lot), census (all of a class); null: unknown",
        ),
        column("decided_at", INSTANT, "time of the judgement"),
    ]
)

FILES = pa.schema(
    [
        column("source_id", pa.string(), "SHA-256 of the bytes", required=True),
        column("file_name", pa.string(), "name without folder", required=True),
        column("bytes", pa.int64(), "size", unit="By", required=True),
        column("format", pa.string(), "reader that took it", required=True),
        column("reader_version", pa.string(), "version of that reader", required=True),
        column("table", pa.string(), "table it went to", required=True),
        column("rows_in", pa.int64(), "rows found", unit="1", required=True),
        column("accepted", pa.int64(), "rows taken, corrections included", unit="1", required=True),
        column(
            "corrected",
            pa.int64(),
            "of the accepted, rows that replace an earlier one",
            unit="1",
            required=True,
        ),
        column("duplicate", pa.int64(), "rows already there with the same values", unit="1", required=True),
        column("quarantined", pa.int64(), "rows put aside with a reason", unit="1", required=True),
        column(
            "cells_put_aside",
            pa.int64(),
            "single values put aside from rows that were otherwise taken",
            unit="1",
            required=True,
        ),
        column("notes", pa.list_(REASON), "what the reader noticed"),
        column("told", pa.string(), "JSON object: mapping and table that the user gave; empty: none"),
        column("revision", pa.int64(), "commit number of its rows", required=True),
        column("ingested_at", INSTANT, "time of the commit", required=True),
    ]
)

QUARANTINE = pa.schema(
    [
        column(
            "quarantine_id", pa.string(), "hash of the file and the number of the entry in it", required=True
        ),
        column("source_id", pa.string(), "SHA-256 of the file", required=True),
        column("file_name", pa.string(), "name without folder", required=True),
        column("table", pa.string(), "table the row was meant for", required=True),
        column("line", pa.int64(), "line or record number, from 1", required=True),
        column("column", pa.string(), "column as the file names it; null: the whole row"),
        column("value", pa.string(), "offending value as text", data_class=_PERSONAL),
        column("reason", REASON, "why", required=True),
        column(
            "row",
            pa.string(),
            "whole row as a JSON object, to correct and submit again",
            data_class=_PERSONAL,
        ),
        column("resolved_by", pa.string(), "source_id of the file that brought the corrected row"),
    ]
)

MANIFESTS = pa.schema(
    [
        column(
            "run_id", pa.string(), "hash of what was read, the parameters and the software", required=True
        ),
        column("verb", pa.string(), "scan, calibrate, …", required=True),
        column("period_start_at", INSTANT, "start", required=True),
        column("period_end_at", INSTANT, "end, excluded", required=True),
        column("inputs", pa.list_(INPUT), "table versions read", required=True),
        column("outputs", pa.list_(INPUT), "table versions written", required=True),
        column("steps", pa.list_(pa.string()), "name@version of each step", required=True),
        column("parameters", pa.string(), "JSON object", required=True),
        column(
            "software", pa.string(), "JSON object: versions of minewatch and what it stands on", required=True
        ),
        column(
            "models", pa.string(), "JSON object: SHA-256 of each model and calibration used", required=True
        ),
        column("engine", pa.string(), "local or spark", required=True),
        column("summary", pa.string(), "JSON object: what the run looked at, refused and listed"),
        column("started_at", INSTANT, "start of the run", required=True),
        column("finished_at", INSTANT, "end of the run", required=True),
    ]
)
