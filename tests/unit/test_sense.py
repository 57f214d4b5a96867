"""Parts of a sensor, without an interface: spool, journal, loop, metrics, service manager."""

import io
import os
import socket
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from itertools import pairwise
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
import pytest

from minewatch.runs.sense.committing import Committed
from minewatch.runs.sense.journal import Journal
from minewatch.runs.sense.metrics import Metric, Metrics, MetricsServer
from minewatch.runs.sense.packet_sources import StreamSource, open_source
from minewatch.runs.sense.sensor import Pace, Parts, Sensor
from minewatch.runs.sense.service import Notifier
from minewatch.runs.sense.spool import Draft, Spool, SpoolBusyError
from minewatch.runs.sense.tally import SensorName, Tally
from minewatch.schema.network_tables import FLOWS
from minewatch.schema.reasons import Reason
from minewatch.sources.captures.flow_scan import Figures
from minewatch.sources.captures.live import Listening, LiveError, Losses
from minewatch.sources.captures.rolls import read_roll
from minewatch.sources.options import ReadOptions

START_US = 1_777_593_610_000_000
SECOND = 1_000_000
NAME = SensorName("tap", "eth9", None, 1500)
OPTIONS = ReadOptions(ZoneInfo("Asia/Shanghai"))
PLENTY = 1 << 30


def flow_rows(*numbers: int, dialect: str | None = None) -> pa.Table:
    at = datetime(2026, 5, 1, tzinfo=UTC)
    ends = {"src_ip": "10.0.0.1", "src_port": 1, "dst_ip": "203.0.113.1", "dst_port": 3333, "protocol": 6}
    times = {"capture": "tap", "first_at": at, "last_at": at, "dialect": dialect}
    return pa.Table.from_pylist([{"flow_id": f"f{n}", **ends, **times} for n in numbers], FLOWS)


def read(path: Path) -> tuple[list[str], dict[str, Any]]:
    batches = list(read_roll(path, OPTIONS))
    ids = [each for batch in batches[:-1] for each in batch.rows["flow_id"].to_pylist()]
    return ids, batches[-1].rows.to_pylist()[0]


def test_rolls_tell_what_was_counted_between_them(tmp_path: Path) -> None:
    spool = Spool(tmp_path, "tap", PLENTY)
    journal = Journal(spool, NAME, START_US)
    journal.add(flow_rows(1, 2))
    journal.add(flow_rows(3))
    journal.roll(START_US + 10 * SECOND, Tally(packets=100, kernel_drops=3), "roll")
    journal.add(flow_rows(4))
    counted = journal.roll(START_US + 30 * SECOND, Tally(packets=150, kernel_drops=3), "stop")
    first, second = (read(path) for path in spool.waiting())
    assert (first[0], second[0]) == (["f1", "f2", "f3"], ["f4"])
    assert (first[1]["packets"], first[1]["kernel_drops"], first[1]["rows_written"]) == (100, 3, 3)
    assert (second[1]["packets"], second[1]["kernel_drops"], second[1]["rows_written"]) == (50, 0, 1)
    assert first[1]["ended_at"] == second[1]["started_at"]
    assert (first[1]["ended_by"], second[1]["ended_by"]) == ("roll", "stop")
    assert counted == Tally(packets=50, rows_written=1)


def test_rows_are_on_the_disk_after_ten_seconds(tmp_path: Path) -> None:
    journal = Journal(Spool(tmp_path, "tap", PLENTY), NAME, START_US)
    journal.add(flow_rows(1))
    journal.flush_if_due(START_US + 9 * SECOND, Tally())
    assert not list(tmp_path.glob("*.draft"))
    journal.flush_if_due(START_US + 10 * SECOND, Tally(packets=7))
    (draft,) = tmp_path.glob(".*.draft")
    assert read(draft)[0] == ["f1"]
    assert read(draft)[1]["ended_by"] == "broken_off"


def test_a_full_spool_loses_rows_and_says_how_many(tmp_path: Path) -> None:
    journal = Journal(Spool(tmp_path, "tap", 1), NAME, START_US)
    journal.add(flow_rows(1))
    journal.roll(START_US + 10 * SECOND, Tally(packets=5), "roll")
    journal.add(flow_rows(2, 3))
    journal.roll(START_US + 20 * SECOND, Tally(packets=9), "roll")
    rolls = [read(path) for path in sorted(tmp_path.glob("*.roll"))]
    assert [(ids, row["packets"], row["rows_lost"]) for ids, row in rolls] == [(["f1"], 5, 0), ([], 4, 2)]


def test_a_full_disk_loses_rows_and_the_next_roll_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(Spool(tmp_path, "tap", PLENTY), NAME, START_US)
    journal.add(flow_rows(1))
    journal.flush_if_due(START_US + 10 * SECOND, Tally(packets=10))
    with monkeypatch.context() as patch:
        patch.setattr(Draft, "write", lambda *_: (_ for _ in ()).throw(OSError(28, "no space")))
        journal.add(flow_rows(2, 3))
        journal.roll(START_US + 20 * SECOND, Tally(packets=20), "roll")
        journal.add(flow_rows(4))
        journal.roll(START_US + 30 * SECOND, Tally(packets=30), "roll")
    journal.add(flow_rows(5))
    journal.roll(START_US + 40 * SECOND, Tally(packets=40), "roll")
    rolls = [read(path) for path in sorted(tmp_path.glob("*.roll"))]
    told = [(ids, row["packets"], row["rows_written"], row["rows_lost"]) for ids, row in rolls]
    assert told == [(["f1"], 10, 1, 0), (["f5"], 30, 1, 3)]
    assert rolls[0][1]["ended_at"] == rolls[1][1]["started_at"]
    assert not list(tmp_path.glob(".*.draft"))


def test_what_a_dead_sensor_left_is_completed_or_discarded(tmp_path: Path) -> None:
    for again, rolls in ((False, 1), (True, 0)):
        folder = tmp_path / str(again)
        dead = Spool(folder, "tap", PLENTY)
        journal = Journal(dead, NAME, START_US)
        journal.add(flow_rows(1))
        journal.flush_if_due(START_US + 10 * SECOND, Tally())
        dead.close()
        spool = Spool(folder, "tap", PLENTY)
        assert len(spool.take_up(again)) == 1
        assert len(spool.waiting()) == rolls
        assert not list(folder.glob(".*.draft"))


def test_two_sensors_of_one_name_do_not_mix(tmp_path: Path) -> None:
    first = Spool(tmp_path, "tap", PLENTY)
    with pytest.raises(SpoolBusyError) as refused:
        Spool(tmp_path, "tap", PLENTY)
    assert "--name" in refused.value.text("zh")
    first.close()
    Spool(tmp_path, "tap", PLENTY).close()


class FakeSource:
    """A line whose clock is set by the scan."""

    name, again, waits = "eth9", False, False
    now, ended = START_US, False

    def readinto(self, view: memoryview, /) -> int | None:
        _ = view
        return 0

    def now_us(self, last_us: int) -> int:
        _ = last_us
        return self.now

    def losses(self) -> Losses:
        return Losses(kernel_drops=(self.now - START_US) // (20 * SECOND))

    def end(self) -> None:
        self.ended = True

    def close(self) -> None:
        pass


class FakeScan:
    """Ends a flow every sweep; packets come at 10 a second."""

    def __init__(self, seconds: int) -> None:
        self.seconds, self.heard, self.swept = seconds, 0, 0
        self.ages: set[int] = set()

    @property
    def figures(self) -> Figures:
        return Figures(7, 0, 0, 10 * self.heard, 0, 0, *[0] * 4)

    def run(self, file: FakeSource, path: Path) -> Iterator[int]:
        _ = path
        for second in range(self.seconds):
            if file.ended:
                return
            self.heard, file.now = self.heard + 1, START_US + second * SECOND
            yield second

    def evict(self, now_ns: int) -> None:
        self.swept, self.now_ns = self.swept + 1, now_ns
        self.take(flow_rows(self.swept, dialect="stratum_v1" if self.swept % 2 else None))

    def cut(self, opened_before_ns: int) -> None:
        self.ages.add((self.now_ns - opened_before_ns) // 1000)

    def finish(self) -> None:
        self.take(flow_rows(1000))

    def handing_to(self, take: Callable[[pa.Table], None]) -> "FakeScan":
        self.take = take
        return self


class FakeCommitter:
    is_busy = rests = False

    def __init__(self, spool: Spool) -> None:
        self.spool, self.rolls = spool, list[tuple[list[str], dict[str, Any]]]()

    def step(self) -> Committed | None:
        waiting = self.spool.waiting()
        for path in waiting:
            self.rolls.append(read(path))
            path.unlink()
        return Committed(len(waiting), 0) if waiting else None


class Heard:
    def __init__(self) -> None:
        self.notes: list[tuple[str, bool]] = []

    def told(self, note: Reason, grave: bool) -> None:
        assert note.text("zh")
        self.notes.append((note.code, grave))


def run_sensor(tmp_path: Path, scan: FakeScan, *, stop: bool = False) -> tuple[FakeCommitter, Heard, Metrics]:
    spool, heard = Spool(tmp_path, "tap", PLENTY), Heard()
    committer, metrics = FakeCommitter(spool), Metrics("tap", "eth9")
    parts = Parts(FakeSource(), scan.handing_to, spool, committer, metrics, Notifier(None), heard)  # type: ignore[arg-type]
    sensor = Sensor(parts, NAME, Pace(roll_s=60, active_s=600))
    if stop:
        sensor.stop.set()
    sensor.run()
    return committer, heard, metrics


def test_rolls_end_at_round_times_and_follow_without_a_gap(tmp_path: Path) -> None:
    scan = FakeScan(150)
    committer, heard, metrics = run_sensor(tmp_path, scan)
    rows = [row for _, row in committer.rolls]
    assert [row["started_at"].second for row in rows] == [10, 0, 0]
    assert all(before["ended_at"] == after["started_at"] for before, after in pairwise(rows))
    assert [row["ended_by"] for row in rows] == ["roll", "roll", "stop"]
    ids = [each for ids, _ in committer.rolls for each in ids]
    assert ids == [*(f"f{n}" for n in range(1, scan.swept + 1)), "f1000"]
    assert scan.swept == 30
    assert sum(row["packets"] for row in rows) == 1500
    assert sum(row["kernel_drops"] for row in rows) == 7
    assert scan.ages == {600 * SECOND}
    assert heard.notes.count(("sense_lost", True)) == 3
    text = metrics.text()
    assert 'minewatch_sensor_kernel_drops_total{sensor="tap",interface="eth9"} 7\n' in text
    assert 'minewatch_sensor_flows{sensor="tap",interface="eth9"} 7\n' in text
    assert 'minewatch_sensor_mining_rows_total{sensor="tap",interface="eth9"} 15\n' in text


def test_a_sensor_that_is_stopped_ends_its_roll(tmp_path: Path) -> None:
    committer, _, _ = run_sensor(tmp_path, FakeScan(10_000), stop=True)
    assert [(ids, row["ended_by"]) for ids, row in committer.rolls] == [(["f1", "f1000"], "stop")]


def test_a_pipe_is_read_and_an_idle_one_gives_nothing(tmp_path: Path) -> None:
    reader, writer = os.pipe()
    source = StreamSource(tmp_path, io.FileIO(reader))
    view = memoryview(bytearray(100))
    assert source.readinto(view) is None
    os.write(writer, b"abc")
    assert source.readinto(view) == 3
    os.close(writer)
    assert source.readinto(view) == 0
    assert not source.again
    source.close()


def test_what_is_neither_interface_nor_file_is_refused() -> None:
    with pytest.raises(LiveError, match="neither an interface nor a file") as refused:
        open_source("eth-9", Listening(), None, lambda: datetime(2026, 5, 1, tzinfo=UTC))
    assert "eth-9" in refused.value.text("zh")


def test_prometheus_gets_its_text_and_nothing_else() -> None:
    metrics = Metrics('a"b', "eth9")
    metrics.publish({"packets": Metric(12, "packets seen"), "flows": Metric(3.5, "open", False)})
    server = MetricsServer(metrics, "127.0.0.1", 0)
    with urllib.request.urlopen(f"http://127.0.0.1:{server.port}/metrics", timeout=5) as answer:
        lines = answer.read().decode().splitlines()
    assert lines == [
        "# HELP minewatch_sensor_packets_total packets seen",
        "# TYPE minewatch_sensor_packets_total counter",
        'minewatch_sensor_packets_total{sensor="a\\"b",interface="eth9"} 12',
        "# HELP minewatch_sensor_flows open",
        "# TYPE minewatch_sensor_flows gauge",
        'minewatch_sensor_flows{sensor="a\\"b",interface="eth9"} 3.5',
    ]
    with pytest.raises(urllib.error.HTTPError, match="404"):
        urllib.request.urlopen(f"http://127.0.0.1:{server.port}/etc", timeout=5)
    server.close()


def test_the_service_manager_is_told(tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        Notifier(address).tell(ready="1", status="listening")
        assert manager.recv(200) == b"READY=1\nSTATUS=listening"
    Notifier(address).tell(watchdog="1")  # nobody there any more
    Notifier(None).tell(watchdog="1")
