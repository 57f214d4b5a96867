"""The copy of a ring's block against its slow twin: tags put back, ruined blocks."""

import numpy as np
import plain_ring as plain
from hypothesis import given, settings
from hypothesis import strategies as st

from minewatch.kernels.traffic.ring import copy_block

SIZE = 1 << 14
TAGS = st.none() | st.tuples(st.sampled_from([None, 0x8100, 0x88A8]), st.integers(0, 0xFFFF))
FRAMES = st.lists(
    st.builds(
        plain.Frame,
        st.integers(0, (1 << 32) * 1_000_000_000 - 1),
        st.binary(max_size=90),
        st.integers(0, 1 << 20),
        TAGS,
    ),
    max_size=40,
)


def copied(block: bytes, link: int) -> bytes:
    out = np.zeros(len(block), np.uint8)
    return out[: copy_block(np.frombuffer(block, np.uint8), link, out)].tobytes()


@given(FRAMES, st.sampled_from([1, 101]))
def test_frames_come_out_as_they_were_on_the_wire(frames: list[plain.Frame], link: int) -> None:
    assert copied(plain.block(frames, SIZE), link) == plain.records(frames, link)


@settings(max_examples=300)
@given(FRAMES, st.lists(st.tuples(st.integers(0, 2047), st.integers(0, 255)), max_size=20))
def test_a_ruined_block_gives_whole_records_and_no_more(
    frames: list[plain.Frame], ruins: list[tuple[int, int]]
) -> None:
    block = bytearray(plain.block(frames, SIZE))
    for at, value in ruins:
        block[at] = value
    found, at = copied(bytes(block), 1), 0
    while at < len(found):
        at += 16 + int.from_bytes(found[at + 8 : at + 12], "little")
    assert at == len(found)
