"""Kernels of quiet messages against their slow twins."""

import numpy as np
import plain_quiet
from hypothesis import given, settings
from hypothesis import strategies as st

from minewatch.kernels.traffic.quiet_messages import (
    block_hits,
    covered_us,
    join_segments,
    near_any,
    size_classes,
    tell_roles,
)

INSTANTS = st.lists(st.integers(0, 300), max_size=25).map(sorted)
SIZES = st.one_of(st.integers(1, 40), st.integers(1190, 1210), st.integers(1, 1500))


def ints(values: list[int]) -> np.ndarray:  # type: ignore[type-arg]
    return np.array(values, np.int64)


@given(st.lists(st.tuples(st.integers(0, 60_000), SIZES, st.booleans()), max_size=20))
@settings(deadline=None)
def test_segments_are_joined_as_in_the_twin(packets: list[tuple[int, int, bool]]) -> None:
    at = np.cumsum(ints([gap for gap, _, _ in packets]))
    size, server = ints([item[1] for item in packets]), np.array([item[2] for item in packets], bool)
    expected = plain_quiet.joined(list(zip(at.tolist(), size.tolist(), server.tolist(), strict=True)))
    count = join_segments(at, size, server)
    assert list(zip(at[:count], size[:count], server[:count], strict=True)) == expected


@given(INSTANTS, st.data())
@settings(deadline=None)
def test_roles_are_those_of_the_twin(instants: list[int], data: st.DataObject) -> None:
    server = data.draw(st.lists(st.booleans(), min_size=len(instants), max_size=len(instants)))
    role, asked = np.empty(len(instants), np.int8), np.empty(len(instants), np.int64)
    tell_roles(ints(instants), np.array(server, bool), 20, role, asked)
    expected = plain_quiet.roles(list(zip(instants, server, strict=True)), 20)
    assert list(zip(role.tolist(), asked.tolist(), strict=True)) == expected


@given(st.lists(SIZES, max_size=30))
@settings(deadline=None)
def test_classes_of_sizes_are_those_of_the_twin(sizes: list[int]) -> None:
    begins, counts = np.zeros(3, np.int64), np.zeros(3, np.int64)
    size_classes(ints(sizes), begins, counts)
    expected = plain_quiet.classes(sizes, 3)
    assert counts.tolist() == [count for _, count in expected]
    assert [b for b, c in zip(begins.tolist(), counts, strict=True) if c] == [b for b, c in expected if c]


@given(INSTANTS, INSTANTS, st.integers(1, 40))
@settings(deadline=None)
def test_reach_is_that_of_the_twin(instants: list[int], others: list[int], half: int) -> None:
    assert covered_us(ints(instants), half, 50, 260) == plain_quiet.covered(instants, half, 50, 260)
    assert near_any(ints(instants), ints(others), half) == plain_quiet.near(instants, others, half)


@given(INSTANTS, INSTANTS, st.integers(1, 30), st.integers(1, 25), st.integers(1, 12))
@settings(deadline=None)
def test_hits_are_those_of_the_twin(
    pushes: list[int], blocks: list[int], half: int, step: int, number: int
) -> None:
    offsets = (np.arange(number) * step - 60).astype(np.int64)
    counts = np.zeros((2, number), np.int64)
    block_hits(ints(pushes), ints(blocks), half, ints([40, 240]), offsets, counts)
    expected = plain_quiet.hits(pushes, blocks, half, [40, 240], offsets.tolist())
    assert list(zip(*counts.tolist(), strict=True)) == expected
