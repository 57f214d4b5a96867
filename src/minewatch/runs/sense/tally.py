"""What a sensor counts: numbers that only grow, told for an interval as differences."""

from datetime import UTC, datetime
from typing import Any, NamedTuple


class Tally(NamedTuple):
    """Counts since the sensor began; the meaning of each stands in the table ``sensor_intervals``."""

    packets: int = 0
    bytes: int = 0
    packets_cut: int = 0
    kernel_drops: int = 0
    ring_freezes: int = 0
    nic_drops: int = 0
    flows_forced: int = 0
    texts_lost: int = 0
    timings_lost: int = 0
    names_lost: int = 0
    rows_written: int = 0
    rows_lost: int = 0

    def since(self, before: "Tally") -> "Tally":
        """Return what was added after ``before``."""
        return Tally(*(now - then for now, then in zip(self, before, strict=True)))


class SensorName(NamedTuple):
    """What does not change while a sensor runs, as columns of ``sensor_intervals``."""

    sensor: str
    interface: str
    filter: str | None
    snaplen: int


def interval_row(name: SensorName, span_us: tuple[int, int], tally: Tally, ended_by: str) -> dict[str, Any]:
    """Return the row of ``sensor_intervals`` for ``span_us`` (start, end; microseconds since 1970)."""
    started_at, ended_at = (instant(us) for us in span_us)
    return {
        **name._asdict(),
        "started_at": started_at,
        "ended_at": ended_at,
        **tally._asdict(),
        "ended_by": ended_by,
    }


def instant(us: int) -> datetime:
    """Return the instant ``us`` microseconds after 1970."""
    return datetime.fromtimestamp(us // 1_000_000, UTC).replace(microsecond=us % 1_000_000)
