"""Damaged captures of every kind on the whole way of ``look``: nothing fails, and the place is said.

Longer: ``python tests/fuzz_captures.py --minutes 10``.
"""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import fuzz_captures as fuzz
import wire_samples as wire
from framings import Ip
from minewatch.runs.look import Settings, Sight, look

MINER, POOL = ("10.1.2.3", 50000), ("203.0.113.9", 3333)
SAID = [
    wire.Said(0.1, True, fuzz.ask(1, "mining.subscribe", ["cgminer/4.12"])),
    wire.Said(0.2, True, fuzz.ask(2, "mining.authorize", ["a.b", "x"])),
    wire.Said(0.3, True, fuzz.ask(3, "mining.submit", ["a.b", "1", "00", "66", "77"])),
]
SEEDS = fuzz.seeds()


def tiny(form: str) -> tuple[bytes, list[int]]:
    """A capture of 700 bytes with a name and a miner, and where its heads and its packet records end."""
    packets = wire.conversation(SAID, (MINER, POOL), handshake=False)
    ips = [*fuzz.dns(), *(Ip(round(each.at_s * 1e6), each.frame[14:]) for each in packets)]
    framed = [wire.Packet(at / 1e6, wire.ethernet(data, b"\x81\0\0\x64")) for at, data in ips]
    write = wire.pcap if form == "pcap" else wire.pcapng
    return write(framed), [len(write(framed[:n])) for n in range(len(framed) + 1)]


def seen(data: bytes, path: Path) -> Sight:
    path.write_bytes(data)
    (sight,) = look([path], Settings("en"), fuzz.Quiet())
    return sight


def place_of(sight: Sight) -> tuple[int, int] | None:
    """The byte and the packets before it that a note on damage names."""
    for note in sight.notes:
        if note.code in ("capture_cut", "capture_damaged"):
            return int(note.values["offset"]), int(note.values["packets"])
    return None


@pytest.mark.parametrize("form", ["pcap", "pcapng"])
def test_whole_it_mines(form: str, tmp_path: Path) -> None:
    sight = seen(tiny(form)[0], tmp_path / "whole")
    assert [record["dialect"] for record in sight.records] == ["stratum_v1"]
    assert place_of(sight) is None


@pytest.mark.parametrize("form", ["pcap", "pcapng"])
def test_every_truncation_gives_what_precedes_and_its_place(form: str, tmp_path: Path) -> None:
    data, (head, *ends) = tiny(form)
    between = {head, *ends} | ({28} if form == "pcapng" else set())  # 28: the section, without its interface
    for size in range(1, len(data)):
        sight = seen(data[:size], tmp_path / "cut")
        if sight.failure is None:
            whole = sum(end <= size for end in ends)
            place = place_of(sight)
            assert (place is None) == (size in between)
            assert place is None or place[1] == whole
            assert sight.looked_at == min(whole, 2)


@pytest.mark.parametrize("form", ["pcap", "pcapng"])
def test_every_flipped_bit_is_survived_and_what_precedes_is_kept(form: str, tmp_path: Path) -> None:
    data, (_, *ends) = tiny(form)
    for bit in range(8 * len(data)):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        sight = seen(bytes(changed), tmp_path / "flipped")
        place = None if sight.failure else place_of(sight)
        if place is not None:
            assert place[0] <= len(data)
            assert place[1] >= sum(end <= bit // 8 for end in ends)


@settings(max_examples=150)
@given(st.integers(0, 2**32 - 1))
def test_ruins_of_captures_are_survived(tmp_path_factory: pytest.TempPathFactory, seed: int) -> None:
    rng = np.random.default_rng(seed)
    first, second = (SEEDS[n] for n in rng.integers(len(SEEDS), size=2).tolist())
    seen(fuzz.ruined(rng, first, second), tmp_path_factory.getbasetemp() / "ruin")
