"""The real command, killed and started again; two at once; read while written."""

import csv
import json
import random
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from minewatch.lake.failures import NoLakeError
from minewatch.lake.lake import Lake

CUSTOMERS, DAYS, KILLS = 200, 4, 4
MINEWATCH = str(Path(sys.executable).with_name("minewatch"))
QUIET: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
SLOTS = [f"{minute // 60:02d}:{minute % 60:02d}" for minute in range(0, 1440, 15)]


def write(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])


@pytest.fixture(scope="module")
def delivery(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Readings of several days, with corrections, repeats and bad rows; the archive comes last by name."""
    folder = tmp_path_factory.mktemp("delivery")
    numbers = random.Random(7)
    names = [f"{n:010d}" for n in range(CUSTOMERS)]

    def day_rows(day: int) -> list[list[object]]:
        return [
            [name, f"2026-05-{day:02d}", *(round(numbers.random() * 9, 2) for _ in SLOTS)] for name in names
        ]

    header = ["户号", "日期", *SLOTS]
    days = {day: day_rows(day) for day in range(1, DAYS + 1)}
    for day, rows in days.items():
        repeated = days[day - 1][:50] if day > 1 else rows[:5]
        write(folder / f"readings-{day}.csv", header, [*rows, *repeated, ["", "2026-05-01", *SLOTS]])
    corrections = [[*row[:2], *(0.5 for _ in SLOTS)] for row in days[1][:40]]
    write(folder / "readings-9.csv", header, corrections)
    archive = [[name, f"T{n % 17}", "居民"] for n, name in enumerate(names)]
    write(folder / "usage_points.csv", ["户号", "台区编号", "用电类别"], archive)
    return folder


def command(lake: Path, *paths: Path | str) -> list[str]:
    return [MINEWATCH, "ingest", str(lake), *map(str, paths)]


def ingest(lake: Path, *paths: Path | str) -> dict[str, Any]:
    done = subprocess.run([*command(lake, *paths), "--json"], capture_output=True, text=True, check=False)
    assert done.returncode in (0, 1), done.stderr
    return json.loads(done.stdout)


def state_of(path: Path) -> dict[str, str]:
    """Return all valid rows as text, without what differs from run to run (commit numbers and times)."""
    lake = Lake.open(path)
    shot = lake.snapshot()
    state = {}
    for table in shot.versions:
        rows = lake.read(shot, table)
        assert len(rows) == lake.rows(shot, table)
        fixed = [name for name in rows.column_names if name not in {"revision", "ingested_at"}]
        state[table] = repr(rows.select(fixed).to_pylist())
    return state


@pytest.fixture(scope="module")
def undisturbed(delivery: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, float]:
    lake = tmp_path_factory.mktemp("undisturbed") / "lake"
    start = time.monotonic()
    summary = ingest(lake, delivery)
    assert summary["rows_in"] == summary["accepted"] + summary["duplicate"] + summary["quarantined"]
    assert (summary["corrected"], summary["duplicate"], summary["quarantined"]) == (40, 155, DAYS)
    return lake, time.monotonic() - start


def test_killed_at_random_moments_and_started_again(
    delivery: Path, undisturbed: tuple[Path, float], tmp_path: Path
) -> None:
    whole, seconds = undisturbed
    numbers = random.Random(1)
    lake, kills = tmp_path / "lake", 0
    for _ in range(KILLS):
        process = subprocess.Popen(command(lake, delivery), **QUIET)
        time.sleep(numbers.uniform(0.3, 0.8) * seconds)
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
        try:
            state_of(lake)
        except NoLakeError:
            assert not list(lake.glob("*/*.parquet"))
    assert kills
    ingest(lake, delivery)
    assert state_of(lake) == state_of(whole)
    assert not (lake / ".staging").exists()


def test_two_at_once_take_turns(delivery: Path, undisturbed: tuple[Path, float], tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    both = [
        subprocess.Popen(
            command(lake, delivery), stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        for _ in range(2)
    ]
    for process in both:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    assert state_of(lake) == state_of(undisturbed[0])


def test_one_that_will_not_wait_is_told_who_writes(delivery: Path, undisturbed: tuple[Path, float]) -> None:
    lake = Lake.open(undisturbed[0])
    new = delivery.parent / "new.csv"
    write(new, ["户号", "台区编号"], [["x", "T1"]])
    with lake.writing("scan", lake.snapshot().at):
        refused = subprocess.run(
            [*command(lake.path, new), "--wait", "0"], capture_output=True, text=True, check=False
        )
    assert refused.returncode == 2
    assert "scan (process" in " ".join(refused.stderr.split())
    assert "Traceback" not in refused.stderr


def test_readers_keep_their_version_while_another_writes(delivery: Path, tmp_path: Path) -> None:
    path = tmp_path / "lake"
    ingest(path, delivery / "readings-1.csv")
    lake = Lake.open(path)
    before, rows = lake.snapshot(), lake.read(lake.snapshot(), "interval_readings").num_rows
    process = subprocess.Popen(command(path, delivery), **QUIET)
    seen = set()
    while process.poll() is None:
        assert lake.read(before, "interval_readings").num_rows == rows
        newest = Lake.open(path).snapshot()
        seen.add(newest.revision)
        assert lake.read(newest, "interval_readings").num_rows == newest.rows["interval_readings"]
    assert process.returncode == 0
    assert len(seen) > 1


def test_a_full_disk_is_named_and_leaves_the_last_version(delivery: Path, tmp_path: Path) -> None:
    path = tmp_path / "lake"
    ingest(path, delivery / "readings-1.csv")
    before = state_of(path)
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({20_000}, {20_000})); "
    call = f"import sys; sys.argv[1:] = {command(path, delivery / 'readings-2.csv')[1:]!r}; "
    code = f"{limit}{call}from minewatch.cli import main; main()"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "no room to write" in " ".join(done.stderr.split())
    assert "Traceback" not in done.stderr
    assert state_of(path) == before
    assert ingest(path, delivery / "readings-2.csv")["accepted"] == CUSTOMERS


def test_an_unreadable_file_does_not_keep_the_others_out(delivery: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1" + bytes(100))
    summary = ingest(tmp_path / "lake", broken, delivery / "readings-1.csv")
    assert summary["files"][0]["error"]
    assert summary["accepted"] == CUSTOMERS
    assert set(state_of(tmp_path / "lake")) == {"files", "interval_readings", "quarantine"}


def test_quarantined_rows_are_exported_corrected_and_taken(delivery: Path, tmp_path: Path) -> None:
    lake, export = tmp_path / "lake", tmp_path / "export.csv"
    assert ingest(lake, delivery / "readings-1.csv")["quarantined"] == 1
    verb = [MINEWATCH, "quarantine", str(lake)]
    subprocess.run([*verb, "--export", str(export)], check=True, capture_output=True)
    header, row = list(csv.reader(export.open(encoding="utf-8-sig", newline="")))
    row[header.index("户号")] = "9999999999"
    row[header.index("00:00") :] = ["1.5"] * len(SLOTS)
    write(export, header, [row])
    assert ingest(lake, export)["accepted"] == 1
    shown = subprocess.run(verb, check=True, capture_output=True, text=True)
    assert shown.stdout.startswith("0 ")
    assert ingest(lake, export)["accepted"] == 0
