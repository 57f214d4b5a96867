"""Importing a list of usage points, preview and all, against pouring its bare rows into a table.

The bar of the office is 100,000 rows in two minutes: ``--size 100000`` shows it in seconds.
"""

import csv
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from benchmarks.importing import make_file
from benchmarks.registry import Job, register

_MADE = "from pathlib import Path; from benchmarks.importing import set_up; set_up(Path({home!r}))"


def office_and_file(folder: Path, rows: int) -> tuple[Path, Path]:
    """Return an empty office (to be copied) and a file."""
    home = folder / "import-office"
    if not home.is_dir():
        attempt = Path(tempfile.mkdtemp(dir=folder))
        subprocess.run([sys.executable, "-c", _MADE.format(home=str(attempt))], check=True)  # noqa: S603
        attempt.rename(home)
    return home, make_file(folder / f"usage-points-{rows}.csv", rows)


def into_an_office(given: tuple[Path, Path]) -> None:
    """Bring, preview and apply the file in an office of its own."""
    home, path = given
    with tempfile.TemporaryDirectory(dir=home.parent) as folder:
        own = shutil.copytree(home, Path(folder) / "office")
        command = [sys.executable, "-m", "benchmarks.importing", str(own), str(path)]
        subprocess.run(command, check=True, capture_output=True)  # noqa: S603


def into_a_table(given: tuple[Path, Path]) -> None:
    """Insert the rows into a table of SQLite by executemany: no look-up, statement, history or preview."""
    home, path = given
    with (
        tempfile.TemporaryDirectory(dir=home.parent) as folder,
        closing(sqlite3.connect(Path(folder) / "bare.sqlite3")) as database,
        path.open(encoding="gb18030", newline="") as file,
    ):
        database.execute("CREATE TABLE point (number UNIQUE, a, b, c, d, e, f, g)")
        database.executemany("INSERT INTO point VALUES (?, ?, ?, ?, ?, ?, ?, ?)", csv.reader(file))
        database.commit()


register(
    Job(
        name="import_register",
        sizes=(20_000,),
        unit="usage points",
        prepare=office_and_file,
        job=into_an_office,
        floor=into_a_table,
        floor_name="SQLite executemany",
    )
)
