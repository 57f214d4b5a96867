"""The catalogue of tables: canonical names, keys and how each is laid out in the lake."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

import pyarrow as pa

from minewatch.schema import analysis_tables, grid_tables, network_tables, record_tables, sensor_tables
from minewatch.schema.columns import column


class Layout(StrEnum):
    """How the rows of a table are spread over partitions.

    ``bucket``: by a hash of the transformer, so that one partition holds a transformer with all its
    customers. ``capture``: by the file or sensor that the flows were seen in. ``whole``: small, given
    complete to every partition.
    """

    BUCKET = "bucket"
    CAPTURE = "capture"
    WHOLE = "whole"


LINEAGE = pa.schema(
    [
        column("source_id", pa.string(), "SHA-256 of the file the row was read from", required=True),
        column("source_line", pa.int64(), "line or record number in that file, from 1", required=True),
        column(
            "revision", pa.int64(), "commit number; of rows with one key the highest is valid", required=True
        ),
        column("bucket", pa.int32(), "partition number of the row", required=True),
        column(
            "source_rows",
            pa.int64(),
            "rows of the file that the row was made of; 0: none of its own",
            unit="1",
            required=True,
        ),
    ]
)
"""Columns that the lake adds to every ingested row."""


@dataclass(frozen=True)
class TableSpec:
    """One table: ``schema`` without lineage, ``key`` that identifies a row, ``layout`` in the lake."""

    name: str
    schema: pa.Schema
    key: tuple[str, ...]
    layout: Layout
    doc: str

    @property
    def lake_schema(self) -> pa.Schema:
        """Schema as stored: the table's own columns, then the lineage columns it does not have itself."""
        own = set(self.schema.names)
        return pa.schema([*self.schema, *(field for field in LINEAGE if field.name not in own)])


def _catalogue(*specs: TableSpec) -> Mapping[str, TableSpec]:
    return MappingProxyType({spec.name: spec for spec in specs})


_BUCKET, _CAPTURE, _WHOLE = Layout.BUCKET, Layout.CAPTURE, Layout.WHOLE

INGESTED: Mapping[str, TableSpec] = _catalogue(
    TableSpec(
        "usage_points",
        grid_tables.USAGE_POINTS,
        ("usage_point_id",),
        _BUCKET,
        "customer archive of the grid company",
    ),
    TableSpec(
        "transformers",
        grid_tables.TRANSFORMERS,
        ("transformer_id",),
        _BUCKET,
        "archive of distribution transformers",
    ),
    TableSpec(
        "interval_readings",
        grid_tables.INTERVAL_READINGS,
        ("usage_point_id", "day"),
        _BUCKET,
        "one row per customer and local day, readings as lists",
    ),
    TableSpec(
        "daily_readings",
        grid_tables.DAILY_READINGS,
        ("usage_point_id", "day"),
        _BUCKET,
        "energy per customer and day",
    ),
    TableSpec(
        "transformer_readings",
        grid_tables.TRANSFORMER_READINGS,
        ("transformer_id", "day"),
        _BUCKET,
        "supply side of a transformer, one row per local day",
    ),
    TableSpec("feeders", grid_tables.FEEDERS, ("feeder_id",), _WHOLE, "archive of medium-voltage feeders"),
    TableSpec(
        "feeder_readings",
        grid_tables.FEEDER_READINGS,
        ("feeder_id", "day"),
        _WHOLE,
        "head of a feeder, one row per local day",
    ),
    TableSpec("plants", grid_tables.PLANTS, ("plant_id",), _WHOLE, "power plants"),
    TableSpec(
        "plant_readings", grid_tables.PLANT_READINGS, ("plant_id", "hour"), _WHOLE, "output and its drivers"
    ),
    TableSpec("weather", grid_tables.WEATHER, ("region_code", "hour"), _WHOLE, "outside temperature"),
    TableSpec("prices", grid_tables.PRICES, ("region_code", "hour"), _WHOLE, "price of energy by hour"),
    TableSpec(
        "flows", network_tables.FLOWS, ("flow_id",), _CAPTURE, "bidirectional network flows with mining facts"
    ),
    TableSpec(
        "ip_leases",
        network_tables.IP_LEASES,
        ("prefix", "port_low", "port_high", "valid_from", "next_prefix"),
        _WHOLE,
        "who held an address and port range when, one row per NAT layer",
    ),
    TableSpec(
        "line_traffic",
        network_tables.LINE_TRAFFIC,
        ("prefix", "port_low", "port_high", "hour", "carrier"),
        _WHOLE,
        "bytes each way of a leased line by the hour, as the carrier counts them (IF-MIB, IPFIX)",
    ),
    TableSpec(
        "pool_endpoints",
        network_tables.POOL_ENDPOINTS,
        ("kind", "endpoint", "port", "source"),
        _WHOLE,
        "domains, addresses and certificate names of mining pools, beside the list that is shipped",
    ),
    TableSpec(
        "block_times",
        network_tables.BLOCK_TIMES,
        ("coin", "height", "source"),
        _WHOLE,
        "when the blocks of a chain came, which pools answer with new work",
    ),
    TableSpec(
        "sensor_intervals",
        sensor_tables.SENSOR_INTERVALS,
        ("sensor", "started_at"),
        _WHOLE,
        "when a sensor looked, what it saw and what passed it by",
    ),
    TableSpec("enterprises", record_tables.ENTERPRISES, ("enterprise_id",), _WHOLE, "business register"),
    TableSpec(
        "applications",
        record_tables.APPLICATIONS,
        ("application_id",),
        _WHOLE,
        "power connection and energy review",
    ),
    TableSpec(
        "tips", record_tables.TIPS, ("tip_id",), _WHOLE, "reports from the public and from inspections"
    ),
    TableSpec("labels", record_tables.LABELS, ("label_id",), _WHOLE, "what inspections confirmed"),
)
"""Tables filled from foreign files."""

RECORDED: Mapping[str, TableSpec] = _catalogue(
    TableSpec("files", record_tables.FILES, ("source_id",), _WHOLE, "ledger of ingested files"),
    TableSpec(
        "quarantine", record_tables.QUARANTINE, ("quarantine_id",), _WHOLE, "rows not taken, with the reason"
    ),
    TableSpec("manifests", record_tables.MANIFESTS, ("run_id",), _WHOLE, "what each run read, did and wrote"),
)
"""Tables that Minewatch keeps about its own work."""

ANALYSED: Mapping[str, TableSpec] = _catalogue(
    TableSpec(
        "load_features",
        analysis_tables.LOAD_FEATURES,
        ("usage_point_id", "period_start_at"),
        _BUCKET,
        "features of a customer's load curve",
    ),
    TableSpec(
        "site_hours",
        analysis_tables.SITE_HOURS,
        ("site_id", "hour"),
        _WHOLE,
        "power and traffic of a site side by side",
    ),
    TableSpec(
        "site_records",
        analysis_tables.SITE_RECORDS,
        ("site_id",),
        _WHOLE,
        "what registers say of a site that has its power and traffic measured",
    ),
    TableSpec(
        "balance_books",
        analysis_tables.BALANCE_BOOKS,
        ("transformer_id",),
        _BUCKET,
        "supply and metered load of a transformer by the hour, with the customers that do not belong to it",
    ),
    TableSpec(
        "evidence",
        analysis_tables.EVIDENCE,
        ("evidence_id",),
        _WHOLE,
        "what one detector says of one subject",
    ),
    TableSpec(
        "assessments",
        analysis_tables.ASSESSMENTS,
        ("run_id", "site_id"),
        _WHOLE,
        "combined score of every site that was looked at, listed or not",
    ),
    TableSpec(
        "findings", analysis_tables.FINDINGS, ("finding_id",), _WHOLE, "the list of suspected mining sites"
    ),
    TableSpec(
        "calibrations",
        analysis_tables.CALIBRATIONS,
        ("calibration_id", "evidence_id"),
        _WHOLE,
        "scores of inspected subjects, which calibrate the scans that come after",
    ),
)
"""Tables that the analysis writes."""

TABLES: Mapping[str, TableSpec] = MappingProxyType({**INGESTED, **RECORDED, **ANALYSED})
"""Every table by its canonical name."""
