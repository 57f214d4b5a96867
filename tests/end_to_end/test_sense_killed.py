"""The real command on a capture and on a pipe: killed, started again, nothing doubled, nothing lost."""

import itertools
import random
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from minewatch.lake.lake import Lake
from minewatch.schema.sensor_tables import SENSOR_INTERVALS

MINEWATCH = str(Path(sys.executable).with_name("minewatch"))
START, FLOWS, KILLS = 1_777_593_600, 400, 3
HEAD = struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65_535, 101)
SYN, FIN, PUSH = 2, 1, 24


def packet(
    at_s: float, source: tuple[bytes, int], target: tuple[bytes, int], flags: int, payload: bytes
) -> bytes:
    tcp = struct.pack(">HHIIBBHHH", source[1], target[1], 1, 1, 0x50, flags, 1000, 0, 0) + payload
    head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0, 64, 6, 0, source[0], target[0])
    seconds, ns = divmod(round(at_s * 1e9), 1_000_000_000)
    return struct.pack("<IIII", seconds, ns, len(head + tcp), len(head + tcp)) + head + tcp


def packets() -> list[bytes]:
    """Connections one after the other, each some seconds long, over about an hour; padded to fill windows."""
    found = []
    for n in range(FLOWS):
        source, target = (bytes([10, 0, n >> 8, n & 255]), 40_000), (bytes([203, 0, 113, 9]), 443)
        at = START + 9.1 * n
        found += [
            packet(at, source, target, SYN, b""),
            packet(at + 1, source, target, PUSH, b"\x17" * 1400),
            packet(at + 2, source, target, FIN, b""),
            *(packet(at + 3 + k / 100, target, source, PUSH, b"\x17" * 1400) for k in range(30)),
        ]
    return found


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("capture") / "line.pcap"
    path.write_bytes(HEAD + b"".join(packets()))
    return path


def command(lake: Path, where: Path | str) -> list[str]:
    return [MINEWATCH, "sense", str(lake), str(where), "--name", "tap", "--roll", "600"]


def state_of(path: Path) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Return the valid rows of flows and of intervals, without what differs from run to run."""
    lake = Lake.open(path)
    shot = lake.snapshot()
    tables = []
    for table in ("flows", "sensor_intervals"):
        rows = lake.read(shot, table)
        assert len(rows) == lake.rows(shot, table)
        lineage = [name for name in rows.column_names if name in {"revision", "source_id", "source_line"}]
        tables.append(rows.drop_columns(lineage).to_pylist())
    return tables[0], tables[1]


def waited(is_so: Callable[[], object]) -> None:
    deadline = time.monotonic() + 240
    while not is_so() and time.monotonic() < deadline:
        time.sleep(0.05)


def sensed(lake: Path, capture: Path) -> None:
    done = subprocess.run(command(lake, capture), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def undisturbed(capture: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    lake = tmp_path_factory.mktemp("undisturbed") / "lake"
    sensed(lake, capture)
    return lake


def test_flows_and_intervals_add_up(undisturbed: Path) -> None:
    flows, intervals = state_of(undisturbed)
    assert len(flows) == FLOWS
    assert sum(row["packets"] for row in intervals) == len(packets())
    assert sum(row["rows_written"] for row in intervals) == FLOWS
    assert len(intervals) >= 6
    assert [row["ended_by"] for row in intervals] == ["roll"] * (len(intervals) - 1) + ["stop"]
    assert all(row[name] == 0 for row in intervals for name in ("kernel_drops", "rows_lost", "flows_forced"))


def test_the_same_capture_again_brings_nothing_new(capture: Path, undisturbed: Path) -> None:
    before = state_of(undisturbed)
    sensed(undisturbed, capture)
    assert state_of(undisturbed) == before


def test_killed_at_random_moments_and_started_again(capture: Path, undisturbed: Path, tmp_path: Path) -> None:
    numbers, kills, lake = random.Random(3), 0, tmp_path / "lake"
    for kill in range(KILLS):
        process = subprocess.Popen(command(lake, capture), stderr=subprocess.DEVNULL)
        waited(lambda: process.poll() is not None or len(list(lake.glob("commits/*.json"))) > kill)  # noqa: B023
        time.sleep(numbers.uniform(0, 0.3))
        process.send_signal(signal.SIGKILL)
        kills += process.wait() == -signal.SIGKILL
    assert kills
    sensed(lake, capture)
    assert state_of(lake) == state_of(undisturbed)
    assert not list((lake / ".sense" / "tap").glob("*.roll"))
    assert not list((lake / ".sense" / "tap").glob(".*.draft"))


def test_a_pipe_that_broke_off_goes_on_where_it_was(tmp_path: Path) -> None:
    """What was written before the kill is completed; what comes after is another interval; no row twice."""
    lake, every = tmp_path / "lake", packets()
    half = len(every) * 6 // 10  # in the middle of a roll
    process = subprocess.Popen(command(lake, "-"), stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)
    assert process.stdin is not None
    process.stdin.write(HEAD + b"".join(every[:half]))
    process.stdin.flush()
    waited(lambda: list(lake.glob(".sense/tap/.*.draft")))
    time.sleep(2)
    process.kill()
    process.wait()
    rest = HEAD + b"".join(every[half:])
    done = subprocess.run(command(lake, "-"), input=rest, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr
    flows, intervals = state_of(lake)
    assert {"broken_off", "stop"} <= {row["ended_by"] for row in intervals}
    assert len({row["flow_id"] for row in flows}) == len(flows)
    lost = FLOWS - len({row["src_ip"] for row in flows})
    assert 0 < len(flows) - FLOWS // 2 <= FLOWS // 2 + 1
    assert lost < 20  # what had not ended, or had ended within the last seconds of the line's time
    for before, after in itertools.pairwise(intervals):
        assert before["ended_at"] <= after["started_at"]
    assert set(intervals[0]) >= set(SENSOR_INTERVALS.names)
