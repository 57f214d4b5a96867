"""Ten thousand connections that are not mining, with all that is easily mistaken: none is taken for it.

Seeds from 8,000 on are for this evaluation alone.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace

import pytest

import wire_samples as wire
from minewatch.detect.pools.pool_flows import judge
from minewatch.sim.streams import stream
from minewatch.sim.wire.innocents import mistaken_flows, ordinary_flows
from minewatch.sim.wire.miners import Speaker, Window
from minewatch.sim.wire.packets import TCP, Conversation, Frame, Side, attempt, frames, write_pcap
from minewatch.sim.wire.services import SERVICES
from minewatch.sources.captures.captures import read_capture

START_US = int(datetime(2026, 6, 25, 3, tzinfo=UTC).timestamp()) * 1_000_000
WINDOW = Window(START_US, START_US + 120_000_000)
KINDS = ("server_room", "ev_charger", "household", "office", "shop", "school")


def service_talks(seed: int, number: int) -> Iterator[Conversation]:
    """``number`` connections of each service; every second one is joined in the middle."""
    for kind, (name, talk) in enumerate(SERVICES.items()):
        for n in range(number):
            server, messages = talk(stream(seed, name, n), WINDOW)
            client = Side(f"198.18.{100 + kind}.{n % 250}", 30_000 + n)
            if messages:
                begun = messages if n % 2 else messages[len(messages) // 3 :]
                yield Conversation(client, server, TCP, begun, opened=bool(n % 2))


def host_talks(seed: int, hosts: int) -> Iterator[Conversation]:
    for n in range(hosts):
        customer = SimpleNamespace(kind=KINDS[n % len(KINDS)], usage_point_id=f"{n}", mine=None, infected=0)
        speaker = Speaker(customer, f"198.18.{n >> 8}.{n & 255}", 1024, 65535)  # type: ignore[arg-type]
        flows = [*mistaken_flows(seed, speaker, WINDOW), *ordinary_flows(seed, speaker, WINDOW)]
        yield from (flow.talk for flow in flows if flow.talk.messages)


def scan(seed: int, number: int) -> Iterator[Frame]:
    rng = stream(seed, "scan")
    for n in range(number):
        target = Side(f"198.18.{n >> 8 & 15}.{n & 255}", (3333, 4444, 8332, 8333, 14444)[n % 5])
        yield from attempt(rng, Side("192.0.2.77", 20_000 + n), target, START_US + n * 5000)


def write(path: Path, talks: list[Conversation], extra: Iterator[Frame]) -> None:
    rng = stream(1, "false alarms")
    write_pcap(path, [*extra, *(frame for talk in talks for frame in frames(rng, talk, 40_000))])


@pytest.mark.parametrize("seed", [8000, 8001, 8002])
def test_no_false_alarm_among_thousands_of_connections(seed: int, tmp_path: Path) -> None:
    talks = [*service_talks(seed, 100), *host_talks(seed, 900)]
    write(tmp_path / "innocent.pcap", talks, scan(seed, 1000))
    rows = [
        row
        for batch in read_capture(tmp_path / "innocent.pcap", wire.OPTIONS)
        for row in batch.rows.to_pylist()
    ]
    assert len(rows) == len(talks) + 1000 > 3400
    assert Counter(row["dialect"] for row in rows) == {None: len(rows)}
    assert judge(wire.table_of_rows(rows)) == []


@pytest.mark.parametrize("name", SERVICES)
def test_services_one_by_one(name: str, tmp_path: Path) -> None:
    kind = list(SERVICES).index(name)
    mine = [talk for talk in service_talks(8100, 12) if talk.client.ip.startswith(f"198.18.{100 + kind}.")]
    write(tmp_path / "service.pcap", mine, iter(()))
    rows = [
        row
        for batch in read_capture(tmp_path / "service.pcap", wire.OPTIONS)
        for row in batch.rows.to_pylist()
    ]
    assert [row["dialect"] for row in rows] == [None] * len(mine)
    assert sum(row["src_packets"] + row["dst_packets"] for row in rows) > 5 * len(mine)
