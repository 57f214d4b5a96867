"""``minewatch simulate`` writes files that every reader takes whole, on any engine the same bytes."""

import hashlib
import os
import subprocess
import sys
import time
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from minewatch.sources.files import files_of
from minewatch.sources.options import ReadOptions
from minewatch.sources.recognise import recognise

TABLES = {
    "usage_points", "transformers", "interval_readings", "transformer_readings", "plants", "plant_readings",
    "weather", "prices", "ip_leases", "enterprises", "applications", "flows", "feeders", "feeder_readings",
    "daily_readings", "line_traffic",
}  # fmt: skip


def minewatch(*arguments: str, language: str = "en") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-c", "from minewatch.cli import main; main()", *arguments]
    environment = {**os.environ, "MINEWATCH_LANG": language, "PYTHONIOENCODING": "utf-8"}
    return subprocess.run(
        command, capture_output=True, text=True, env=environment, check=False, encoding="utf-8"
    )


def simulate(folder: Path, *options: str) -> Path:
    done = minewatch("simulate", str(folder), "--customers", "1200", "--days", "8", "--seed", "2", *options)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == str(folder)
    return folder


@pytest.fixture(scope="module")
def county(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(tmp_path_factory.mktemp("county") / "parquet", "--engine", "local-processes[2]")


def read_all(folder: Path) -> dict[str, tuple[int, int]]:
    """Return table → (rows taken, rows put aside) of all files under ``folder``."""
    options, found = ReadOptions(zone=ZoneInfo("Asia/Shanghai")), dict.fromkeys(TABLES, (0, 0))
    for path in files_of([folder / "files"]):
        reader = recognise(path, options).reader
        for batch in reader(path, options):
            rows, rejects = found[batch.table]
            found[batch.table] = rows + batch.rows.num_rows, rejects + len(batch.rejected)
    return found


def test_every_file_is_taken_without_a_reject(county: Path) -> None:
    found = read_all(county)
    assert set(found) == TABLES
    assert {table: rejects for table, (_, rejects) in found.items() if rejects} == {}
    assert found["usage_points"][0] == 1200
    # Three homes in a hundred are read once a day; a few accounts not at all.
    assert 0.95 * 1200 * 8 < found["interval_readings"][0] < 0.99 * 1200 * 8
    assert found["feeder_readings"][0] == found["feeders"][0] * 8
    assert found["weather"][0] == 2 * 24 * 8
    assert all(rows for table, (rows, _) in found.items() if table != "applications")


def test_wide_csv_is_taken_without_a_reject(tmp_path: Path) -> None:
    folder = simulate(tmp_path / "csv", "--format", "csv", "--interval", "60")
    found = read_all(folder)
    assert {table: rejects for table, (_, rejects) in found.items() if rejects} == {}
    assert 0.95 * 1200 * 8 < found["interval_readings"][0] < 0.99 * 1200 * 8


def test_one_worker_writes_the_same_bytes(county: Path, tmp_path: Path) -> None:
    other = simulate(tmp_path / "other", "--engine", "local[1]")
    assert digests(other) == digests(county)


def test_killed_and_run_again_it_is_the_same_county(county: Path, tmp_path: Path) -> None:
    folder = tmp_path / "killed"
    options = ["--customers", "1200", "--days", "8", "--seed", "2"]
    code = "from minewatch.cli import main; main()"
    running = subprocess.Popen([sys.executable, "-c", code, "simulate", str(folder), *options])
    try:
        deadline = time.monotonic() + 60
        while not list(folder.glob("truth/*/*.parquet")) and time.monotonic() < deadline:
            time.sleep(0.02)
    finally:
        running.kill()
        running.wait()
    whole = digests(county)
    left = [path for path in folder.rglob("*") if path.is_file() and not path.name.startswith(".")]
    assert left
    assert not (folder / "county.json").exists()
    for path in left:
        if path.name != "county.unfinished.json":
            name = str(path.relative_to(folder))
            assert hashlib.sha256(path.read_bytes()).hexdigest() == whole[name], (
                "a name stands for a whole file"
            )
    assert digests(simulate(folder)) == whole


def test_a_wrong_wish_is_one_sentence(county: Path) -> None:
    for options, word in (
        (["--format", "xml"], "xml"),
        (["--interval", "7"], "7"),
        (["--region", "12"], "12"),
        ([], str(county)),
    ):
        done = minewatch("simulate", str(county), *options)
        assert done.returncode == 2
        assert "Traceback" not in done.stderr
        assert word in done.stderr.replace("\n", "")
    assert "非空" in minewatch("simulate", str(county), language="zh").stderr
    assert "六位" in minewatch("simulate", str(county), "--region", "12", language="zh").stderr


def digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}
