"""Which rows of the table ``calibrations`` a scan takes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa

from minewatch.fuse.families import Family
from minewatch.lake.lake import Lake
from minewatch.runs.calibrations import calibrations_of
from minewatch.schema.tables import TABLES

AT = datetime(2026, 6, 1, tzinfo=UTC)
HIGH, KNOWN = np.array([9.0]), np.ones(1, bool)


def row(made: str, evidence: str, **values: Any) -> dict[str, Any]:
    usual = {
        "calibration_id": made,
        "made_at": AT,
        "run_id": "R-1",
        "family": "meter",
        "detector": "customer_load",
        "detector_version": "1",
        "judged": 5000,
        "tail_from": 3.0,
        "evidence_id": evidence,
        "subject_id": evidence,
        "site_id": f"S-{evidence}",
        "score": 9.5,
        "outcome": "not_mining",
        "in_class": False,
        "in_tail": True,
    }
    return usual | values


def least_p(folder: Path, *rows: dict[str, Any], site: str = "S-0") -> float:
    lake = Lake.create(folder, ZoneInfo("Asia/Shanghai"), buckets=1)
    if rows:
        table = pa.Table.from_pylist(list(rows), TABLES["calibrations"].schema)
        lake.append({"calibrations": table}, "calibrate", AT)
    found = calibrations_of(lake, lake.snapshot(), ["customer_load@1"])
    return float(found[Family.METER].p_values(HIGH, KNOWN, [site])[0])


def test_rows_count_for_the_detector_that_made_them(tmp_path: Path) -> None:
    shipped = least_p(tmp_path / "none")
    counted = least_p(tmp_path / "own", row("C-1", "E-1"), row("C-1", "E-2"))
    assert counted > shipped
    assert least_p(tmp_path / "old", row("C-1", "E-1", detector_version="0")) == shipped


def test_the_newest_calibration_holds_alone(tmp_path: Path) -> None:
    old = [row("C-1", f"E-{n}") for n in range(50)]
    new = row("C-2", "E-1", made_at=AT + timedelta(days=1))
    assert least_p(tmp_path / "both", *old, new) == least_p(tmp_path / "new", new)
    assert least_p(tmp_path / "old", *old) > least_p(tmp_path / "one", new)


def test_mines_of_the_top_are_no_innocents_and_a_site_leaves_out_its_own(tmp_path: Path) -> None:
    rows = [row("C-1", "E-1"), row("C-1", "E-2", outcome="mining"), row("C-1", "E-3", outcome="victim")]
    with_mines, own = least_p(tmp_path / "mines", *rows), least_p(tmp_path / "own", *rows, site="S-E-1")
    assert own < with_mines < least_p(tmp_path / "all", *[{**item, "outcome": None} for item in rows])
