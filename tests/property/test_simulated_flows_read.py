"""Simulated conversations, written as captures and read again, tell what was simulated."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import wire_samples as wire
from minewatch.detect.pools.pool_flows import judge
from minewatch.sim.streams import stream
from minewatch.sim.wire.dialects import Session, Worker, speak
from minewatch.sim.wire.innocents import mistaken_flows, ordinary_flows
from minewatch.sim.wire.jobs import account_of, draw_pool, job_times
from minewatch.sim.wire.miners import Speaker, Window
from minewatch.sim.wire.packets import TCP, Conversation, Side, frames, write_pcap
from minewatch.sources.captures.captures import read_capture

START_US = int(datetime(2026, 6, 23, 2, tzinfo=UTC).timestamp()) * 1_000_000
WINDOW = Window(START_US, START_US + 600_000_000)
DIALECTS = {
    ("stratum_v1", "SHA-256"): (100e12, "stratum_v1"),
    ("stratum_v1", "scrypt"): (9500e6, "stratum_v1"),
    ("stratum_v1", "kHeavyHash"): (20e12, "stratum_v1"),
    ("http_getwork", "SHA-256"): (95e12, "http_getwork"),
    ("http_getwork", "Ethash"): (3680e6, "ethereum_getwork"),
    ("ethereum_stratum", "Ethash"): (256e6, "ethereum_stratum"),
    ("monero_login", "RandomX"): (19e3, "monero_login"),
}
SESSIONS = 24


def session(seed: int, dialect: str, algorithm: str, login: bool) -> Session:
    rng = stream(seed, dialect, algorithm)
    pool = draw_pool(rng, algorithm)
    workers = [Worker("a001", DIALECTS[dialect, algorithm][0])]
    account, jobs = account_of(rng, algorithm, dialect), job_times(seed, pool, *WINDOW)
    return Session(pool, dialect, algorithm, account, "sim/1", workers, 6.0, *WINDOW, login, 40_000, jobs)


def read(path: Path, talks: Iterable[Conversation]) -> list[dict[str, Any]]:
    rng = stream(1, "frames")
    packets = sorted((frame for talk in talks for frame in frames(rng, talk, 40_000)), key=lambda f: f.at_us)
    write_pcap(path, packets)
    return [row for batch in read_capture(path, wire.OPTIONS) for row in batch.rows.to_pylist()]


def talks_of(dialect: str, algorithm: str, login: bool) -> list[Conversation]:
    talks = []
    for seed in range(SESSIONS):
        said = speak(stream(seed, "speak"), session(seed, dialect, algorithm, login)).messages
        client = Side(f"198.18.0.{seed}", 40000 + seed)
        talks.append(Conversation(client, Side("192.0.2.9", 3333), TCP, said, opened=login))
    return talks


@pytest.mark.parametrize(("dialect", "algorithm"), DIALECTS)
@pytest.mark.parametrize("login", [True, False])
def test_every_session_is_read_with_its_hash_rate(
    dialect: str, algorithm: str, login: bool, tmp_path: Path
) -> None:
    """The 95 % interval may miss a few of 24: more than four would happen once in 10,000 runs."""
    rate, named = DIALECTS[dialect, algorithm]
    rows = read(tmp_path / "sessions.pcap", talks_of(dialect, algorithm, login))
    assert [(row["dialect"], row["algorithm"]) for row in rows] == [(named, algorithm)] * SESSIONS
    assert {row["dst_ip"] for row in rows} == {"192.0.2.9"}
    table = wire.table_of_rows(rows)
    rates = [evidence.hash_rate for evidence in judge(table)]
    known = [each for each in rates if each is not None]
    if login:
        assert len(known) == SESSIONS
    assert sum(not each.low <= rate <= each.high for each in known) <= 4


def innocent_talks(hosts: int) -> list[Conversation]:
    """Pages, video, look-ups, nodes, wallets, programs that ask a node, telemetry."""
    kinds = ("server_room", "ev_charger", "household", "office")
    talks = []
    for number in range(hosts):
        customer = SimpleNamespace(kind=kinds[number % 4], usage_point_id=f"{number}", mine=None, infected=0)
        ip = f"198.18.{number >> 8}.{number & 255}"
        speaker = Speaker(customer, ip, 1024, 65535)  # type: ignore[arg-type]
        flows = mistaken_flows(3, speaker, WINDOW)
        flows += ordinary_flows(3, speaker, WINDOW) if number % 8 == 0 else []
        talks += [flow.talk for flow in flows]
    return talks


def test_innocents_give_no_evidence(tmp_path: Path) -> None:
    talks = innocent_talks(1200)
    rows = read(tmp_path / "innocents.pcap", talks)
    assert len(rows) == len(talks) > 500
    assert judge(wire.table_of_rows(rows)) == []
    assert sum(bool(row["names"]) for row in rows) > 100
