"""Findings cross to the office and labels come back; the intake killed and started again."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

import scan_lake
from minewatch.office.intake.tests.conftest import finding, named, packed
from minewatch.schema.tables import TABLES

MINEWATCH = str(Path(sys.executable).with_name("minewatch"))
FINDINGS, KILLS = 80, 2
JUDGE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from minewatch.office import running
running.open_office(Path(sys.argv[1]))
from minewatch.office.intake.labels import Judged, judge
from minewatch.office.platform.scope import scoped, whole
from minewatch.office.platform.services import By
from minewatch.office.register.models import Site
with scoped(whole("test")):
    for number, site in enumerate(Site.objects.order_by("-power_kw")):
        judged = Judged(f"visit-{number}", "mining" if number else "not_mining", "listed")
        judge(site, judged, By(None, datetime(2026, 7, 2, tzinfo=UTC)))
"""


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    done = subprocess.run([MINEWATCH, *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done


def ask(home: Path, question: str) -> list[tuple[Any, ...]]:
    with sqlite3.connect(f"file:{home / 'office.sqlite3'}?mode=ro", uri=True) as database:
        return database.execute(question).fetchall()


@pytest.fixture
def home(tmp_path: Path) -> Path:
    run("office", "setup", "--home", tmp_path / "office")
    return tmp_path / "office"


def test_findings_go_over_and_labels_come_back(home: Path, tmp_path: Path) -> None:
    lake = scan_lake.make_lake(tmp_path / "lake")
    before = scan_lake.scanned(lake)
    run("office", "intake", lake.path, "--home", home)
    sites = ask(home, "SELECT posterior, power_kw FROM register_site ORDER BY id")
    assert len(sites) == before.findings.num_rows
    assert sorted(posterior for posterior, _ in sites) == sorted(before.findings["posterior"].to_pylist())
    subprocess.run([sys.executable, "-c", JUDGE, home], check=True)
    run("office", "labels", "--out", tmp_path / "labels.csv", "--purpose", "calibration", "--home", home)
    run("ingest", lake.path, tmp_path / "labels.csv")
    labels = lake.read(lake.snapshot(), "labels")
    assert labels.schema.names[: len(TABLES["labels"].schema)] == TABLES["labels"].schema.names
    assert set(labels["finding_id"].to_pylist()) == set(before.findings["finding_id"].to_pylist())
    assert (labels.num_rows,) == ask(home, "SELECT COUNT(*) FROM intake_label")[0]
    run("office", "labels", "--out", tmp_path / "again.csv", "--purpose", "again", "--home", home)
    run("ingest", lake.path, tmp_path / "again.csv")
    assert lake.read(lake.snapshot(), "labels").num_rows == labels.num_rows
    told = json.loads(run("calibrate", lake.path, "--json").stdout)
    meter = next(gain for gain in told["families"] if gain["family"] == "meter")
    assert meter["innocents"] >= 1
    assert meter["mines"] >= 1


def test_killed_in_the_middle_nothing_is_lost_or_doubled(home: Path, tmp_path: Path) -> None:
    parcel = tmp_path / "week.zip"
    parcel.write_bytes(packed(findings=[_apart(number) for number in range(FINDINGS)]))
    command = [MINEWATCH, "office", "intake", str(parcel), "--home", str(home)]
    taken = [0]
    for _ in range(KILLS):
        _killed(command, home, taken)
    assert 0 < taken[-1] < FINDINGS
    run(*command[1:])
    for table in ("register_site", "intake_finding", "intake_exhibit", "intake_knownsite", "register_link"):
        assert ask(home, f"SELECT COUNT(*) FROM {table}") == [(FINDINGS,)], table  # noqa: S608
    happened = (
        "SELECT COUNT(*), COUNT(DISTINCT payload) FROM platform_event WHERE kind = 'intake.finding_taken'"
    )
    assert ask(home, happened) == [(FINDINGS, FINDINGS)]
    assert ask(home, "SELECT COUNT(*) FROM platform_auditentry WHERE action = 'finding_taken'") == [
        (FINDINGS,)
    ]
    assert ask(home, "SELECT state FROM intake_delivery") == [("done",)]
    assert not list((home / "deliveries").iterdir())
    run("office", "audit", "verify", "--home", home)


def _apart(number: int) -> dict[str, Any]:
    values = {"address": f"涪城区长街{number}号", "links": [], "endpoints": []}
    return finding(f"S-{number:03d}", usage_points=named(f"0510701{number:03d}"), **values)


def _killed(command: Sequence[str], home: Path, taken: list[int]) -> None:
    """Start the command and kill it once it has taken some findings more."""
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until = time.monotonic() + timedelta(minutes=1).total_seconds()
    while process.poll() is None and time.monotonic() < until:
        ((number,),) = ask(home, "SELECT COUNT(*) FROM intake_finding")
        if number > taken[-1]:
            process.send_signal(signal.SIGKILL)
            taken.append(number)
            break
        time.sleep(0.005)
    process.wait()
