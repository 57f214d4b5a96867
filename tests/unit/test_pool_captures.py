"""Pools in captures without readable payload: by certificate, by the handshake of Stratum V2, by address."""

import random
import struct
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import certificate_samples as sample
import wire_samples as wire
from minewatch.detect.pools.pool_flows import judge
from minewatch.detect.pools.pool_list import PoolList, entries_of, shipped_entries
from wire_samples import Packet, Said, conversation, pcap

RANDOM = random.Random(4)
LISTED = {"kind": "address", "endpoint": "203.0.113.9", "port": 3333, "pool": "A Pool", "coin": None}
POOLS = PoolList(entries_of([LISTED | {"source": "a list", "as_of": date(2026, 5, 1)}]))
SHIPPED = PoolList(shipped_entries())


def hello() -> bytes:
    """Return a client hello without any extension."""
    body = b"\x03\x03" + bytes(32) + b"\x00" + b"\x00\x02\xc0\x2f" + b"\x01\x00" + b"\x00\x00"
    message = b"\x01" + len(body).to_bytes(3, "big") + body
    return b"\x16\x03\x01" + struct.pack(">H", len(message)) + message


def record(size: int) -> bytes:
    return b"\x17\x03\x03" + struct.pack(">H", size) + RANDOM.randbytes(size)


def tls(flight: bytes) -> list[Said]:
    talk = [Said(0, True, hello()), Said(0.05, False, flight), Said(0.1, True, record(130))]
    return talk + [Said(30.0 * n, bool(n % 2), record(200)) for n in range(1, 60)]


def evidence_of(packets: Sequence[Packet], folder: Path, pools: PoolList = SHIPPED) -> list[Any]:
    return judge(wire.tables_of(pcap(sorted(packets)), folder), pools=pools)


@pytest.mark.parametrize("most", [1460, 100])
def test_a_certificate_of_a_pool(most: int, tmp_path: Path) -> None:
    flight = sample.first_flight(sample.certificate([b"*.Antpool.com"], [b"*.antpool.com"]))
    (evidence,) = evidence_of(conversation(tls(flight), most=most), tmp_path)
    assert evidence.log10_lr == pytest.approx(2.8)
    assert [each.code for each in evidence.reasons] == ["wire_pool_name", "wire_stays", "wire_no_payload"]
    assert evidence.reasons[0].values["kind"] == "certificate"


def noise() -> list[Said]:
    """A miner and its pool over Stratum V2, from the opening to a share a minute."""
    opening = [(True, 64), (False, 234), (True, 38 + 60), (False, 44), (True, 38 + 70), (False, 38 + 110)]
    shares = [step for _ in range(30) for step in ((True, 22 + 40), (False, 22 + 35))]
    return [Said(0.1 * n if n < 6 else 30.0 * n, *each) for n, each in enumerate(_random(opening + shares))]


def _random(steps: Sequence[tuple[bool, int]]) -> list[tuple[bool, bytes]]:
    return [(from_miner, RANDOM.randbytes(size)) for from_miner, size in steps]


def test_the_handshake_of_stratum_v2(tmp_path: Path) -> None:
    (evidence,) = evidence_of(conversation(noise()), tmp_path)
    assert (evidence.log10_lr, evidence.reasons[0].code) == (3.0, "wire_noise_channel")
    (evidence,) = evidence_of(conversation(noise()), tmp_path, POOLS)
    assert evidence.log10_lr == 3.8


def test_random_bytes_of_other_sizes_are_nothing(tmp_path: Path) -> None:
    talk = [Said(0.1 * n, *each) for n, each in enumerate(_random([(True, 64), (False, 100), (True, 90)]))]
    assert evidence_of(conversation(talk), tmp_path) == []


def test_a_listed_address(tmp_path: Path) -> None:
    talk = [Said(30.0 * n, *each) for n, each in enumerate(_random([(True, 70), (False, 90)] * 30))]
    (evidence,) = evidence_of(conversation(talk), tmp_path, POOLS)
    assert evidence.log10_lr == pytest.approx(2.3, abs=0.02)
    assert evidence_of(conversation(talk), tmp_path) == []
    (unanswered,) = evidence_of(conversation(talk)[:1], tmp_path, POOLS)
    assert unanswered.refused
