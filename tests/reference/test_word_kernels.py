"""The search for mining words against its twin: split, late, repeated, overlapping segments."""

import io
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import plain_words as plain
import pytest
from hypothesis import given
from hypothesis import strategies as st

import wire_samples as wire
from minewatch.kernels.traffic import flow_table as table
from minewatch.kernels.traffic.mining_words import CARRIER_SIGNS, MINING_SIGNS
from minewatch.kernels.traffic.word_search import search, shows, wanted
from minewatch.sources.captures.flow_scan import FlowScan

SIGNS = (*MINING_SIGNS, *CARRIER_SIGNS)
WORDS = wanted(SIGNS)
NOTHING = np.uint64(0)
TEXT = st.lists(
    st.sampled_from(
        [
            b'{"method":"',
            b"mining.",
            b"MINING",
            b'"login"',
            b'"pass"',
            b"job_id",
            b"blob",
            b"eth_getWork",
            b"x" * 9,
        ]
    ),
    min_size=1,
    max_size=8,
).map(b"".join)


def bytes_of(text: bytes) -> np.ndarray:
    return np.frombuffer(text, np.uint8)


@given(TEXT, st.lists(st.integers(0, 80), max_size=6))
def test_words_are_found_however_the_text_is_cut(text: bytes, cuts: list[int]) -> None:
    window, found = NOTHING, 0
    places = sorted({0, len(text), *(cut % (len(text) + 1) for cut in cuts)})
    for start, end in pairwise(places):
        window, here = search(bytes_of(text[start:end]), window, WORDS)
        found |= here
    assert shows(found, WORDS) == plain.shows_sign([plain.Segment(False, 0, text)], SIGNS)


@st.composite
def talks(draw: Any) -> list[plain.Segment]:
    """JSON of both sides in pieces, some late, some twice, some overlapping the one before."""
    segments = []
    for reverse in (False, True):
        said = b'{"id":1,' + draw(TEXT)
        at = 0
        while at < len(said):
            size = draw(st.integers(1, 40))
            back = draw(st.integers(0, min(at, 3)))
            segments.append(plain.Segment(reverse, at - back, said[at - back : at + size]))
            at += size
    for _ in range(draw(st.integers(0, 3))):
        segments.insert(draw(st.integers(1, len(segments))), draw(st.sampled_from(segments)))
    first, rest = segments[0], segments[1:]
    return [first, *draw(st.permutations(rest))][:30]


@given(talks())
def test_a_flow_is_heard_when_its_words_are_there(segments: list[plain.Segment]) -> None:
    scan = FlowScan("x")
    scan.conversations.take = lambda *_: None  # type: ignore[method-assign]
    list(scan.run(io.BytesIO(wire.pcap(packets_of(segments))), Path("x")))
    (flow,) = scan.memory.table.flows[: scan.flow_count]
    wanted_follow = plain.shows_sign(segments, SIGNS)
    assert (flow["follow"] == table.HEARD) == wanted_follow


def packets_of(segments: list[plain.Segment]) -> list[wire.Packet]:
    ends = (wire.MINER, wire.POOL)
    isn = (2**32 - 20, 7000)
    packets = [
        wire.Packet(wire.START_S, wire.tcp_frame(*ends, b"", isn[0] - 1, wire.SYN)),
        wire.Packet(wire.START_S, wire.tcp_frame(*ends[::-1], b"", isn[1] - 1, wire.SYN | wire.ACK)),
    ]
    for segment in segments:
        src, dst = ends[::-1] if segment.reverse else ends
        seq = isn[segment.reverse] + segment.offset
        packets.append(wire.Packet(wire.START_S, wire.tcp_frame(src, dst, segment.data, seq)))
    return packets


@pytest.mark.parametrize("words", [[b"abc"], [b"x" * 33], [b"%04d" % n for n in range(63)]])
def test_words_that_do_not_fit_are_refused(words: list[bytes]) -> None:
    with pytest.raises(ValueError, match="words"):
        wanted([words])
