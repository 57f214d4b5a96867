"""The folder where rolls wait for the lake: one being written, others whole.

A roll is written under a hidden name and renamed when it is whole and on the disk. What a sensor that died
has left half written is completed (an interface cannot be heard again) or discarded (a file can be read
again).
"""

import fcntl
import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from minewatch.lake.commits import flush_folder
from minewatch.sources.captures.rolls import RollWriter

ROLL, DRAFT, REFUSED = ".roll", ".draft", ".refused"


class SpoolBusyError(Exception):
    """Another sensor of the same name is running; ``text(language)`` says so."""

    def __init__(self, sensor: str) -> None:
        super().__init__(sensor)
        self._sensor = sensor

    def text(self, language: str) -> str:
        """Return the sentence in ``language`` ("en" or "zh")."""
        if language == "zh":
            return f"名为{self._sensor}的探针正在运行;请为这一个另起名称(--name)"
        return f"a sensor named {self._sensor} is running; give this one another name (--name)"


class Spool:
    """Rolls of the sensor ``sensor`` in ``folder``, at most ``most_bytes`` of them.

    Raises SpoolBusyError.
    """

    def __init__(self, folder: Path, sensor: str, most_bytes: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._most_bytes = most_bytes
        self._lock = (folder / ".lock").open("a")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SpoolBusyError(sensor) from error

    def take_up(self, again: bool) -> list[Path]:
        """Complete what a sensor that died has left half written, or discard it where it comes ``again``."""
        left = sorted(self.folder.glob(f".*{DRAFT}"))
        for draft in left:
            if again:
                draft.unlink()
            else:
                draft.rename(_whole(draft))
        return left

    def waiting(self) -> list[Path]:
        """Return the whole rolls, oldest first."""
        return sorted(self.folder.glob(f"*{ROLL}"))

    def waiting_bytes(self) -> int:
        """Return the size of all rolls, the one in the making among them."""
        total = 0
        for path in self.folder.iterdir():
            with suppress(FileNotFoundError):  # taken into the lake at this moment
                total += path.stat().st_size
        return total

    def has_room(self) -> bool:
        """Tell whether more may be written."""
        return self.waiting_bytes() < self._most_bytes

    def begin(self, started_at: datetime) -> "Draft":
        """Begin the roll of ``started_at``. Raises OSError where the disk has no room."""
        return Draft(self.folder / f".{started_at:%Y%m%dT%H%M%S.%fZ}{DRAFT}")

    def close(self) -> None:
        """Let another sensor have the folder."""
        self._lock.close()


class Draft:
    """A roll in the making. Raises OSError where the disk has no room."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = path.open("wb", buffering=0)
        self._writer = RollWriter(self._file)
        self._has_batches = False

    def write(self, rows: pa.Table, interval: Mapping[str, Any]) -> None:
        """Append ``rows`` with the row of ``sensor_intervals`` so far."""
        self._writer.write(rows, interval)
        self._has_batches = True

    def end(self) -> None:
        """Make it a whole roll that waits for the lake, even where there is no room for its last mark."""
        with suppress(OSError):
            self._writer.close()
            os.fsync(self._file.fileno())
        with suppress(OSError):
            self._file.close()
        if self._has_batches:
            self._path.rename(_whole(self._path))
            flush_folder(self._path.parent)
        else:
            self._path.unlink()


def _whole(draft: Path) -> Path:
    return draft.with_name(f"{draft.name.removeprefix('.').removesuffix(DRAFT)}{ROLL}")
