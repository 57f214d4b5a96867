"""The ring's walk against its slow twin: tags put back, batches of any size, ruined blocks."""

import numpy as np
import plain_ring as plain
from hypothesis import given, settings
from hypothesis import strategies as st

from minewatch.kernels import records
from minewatch.kernels.ring import enter_block, walk_block

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


def walked(data: np.ndarray, at: int, link: int, batch: int) -> list[tuple[int, int, bytes]]:
    walk, rows = np.zeros(2, np.int64), np.zeros((batch, records.RECORD_COLUMNS), np.int64)
    enter_block(data, at, walk)
    found = []
    while count := walk_block(data, at + SIZE, link, walk, rows):
        for row in rows[:count].tolist():
            start = row[records.OFFSET]
            taken = data[start : start + row[records.CAPTURED]].tobytes()
            found.append((row[records.TIME_NS], row[records.ORIGINAL], taken))
            assert row[records.LINK] == link
    return found


@given(FRAMES, st.sampled_from([1, 101]), st.integers(1, 50), st.sampled_from([0, SIZE]))
def test_frames_come_out_as_they_were_on_the_wire(
    frames: list[plain.Frame], link: int, batch: int, at: int
) -> None:
    ring = bytes(at) + plain.block(frames, SIZE)
    assert walked(np.frombuffer(bytearray(ring), np.uint8), at, link, batch) == plain.packets(frames, link)


@settings(max_examples=300)
@given(FRAMES, st.lists(st.tuples(st.integers(0, SIZE - 1), st.integers(0, 255)), max_size=20))
def test_a_ruined_block_is_never_read_beyond_its_end(
    frames: list[plain.Frame], ruins: list[tuple[int, int]]
) -> None:
    ring = bytearray(plain.block(frames, SIZE))
    for at, value in ruins:
        ring[at] = value
    rows = np.zeros((4096, records.RECORD_COLUMNS), np.int64)
    walk, data = np.zeros(2, np.int64), np.frombuffer(ring, np.uint8)
    enter_block(data, 0, walk)
    count = walk_block(data, SIZE, 1, walk, rows)
    ends = rows[:count, records.OFFSET] + rows[:count, records.CAPTURED]
    assert (ends <= SIZE).all()
    assert (rows[:count, records.OFFSET] >= 0).all()
