"""Messages of connections that cannot be read: which answer which, which sizes recur, which come with blocks.

Instants are int64 microseconds and rise, sizes bytes, ``from_server`` tells who sent a message.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

Ints = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
Roles = npt.NDArray[np.int8]

ASKED, ANSWER, PUSH = 0, 1, 2
"""What a message is: the client's; the server's within reach of one of the client's; the server's own."""

_FULL_SEGMENT, _SEGMENT_GAP_US = 1200, 50_000
_CLOSE_BYTES = 4
"""Sizes this far from that in their middle count as one: counters grow by a digit."""


@njit(nogil=True, cache=True)
def join_segments(at_us: Ints, size: Ints, from_server: Flags) -> int:
    """Join segments of one message in place and return the number of messages.

    A segment of at least 1,200 bytes goes on in the next of the same side within 50 ms.
    """
    count, last_us = 0, 0
    goes_on = False
    for n in range(at_us.size):
        full = size[n] >= _FULL_SEGMENT
        if goes_on and from_server[n] == from_server[count - 1] and at_us[n] - last_us <= _SEGMENT_GAP_US:
            size[count - 1] += size[n]
        else:
            at_us[count], size[count], from_server[count] = at_us[n], size[n], from_server[n]
            count += 1
        goes_on, last_us = full, at_us[n]
    return count


@njit(nogil=True, cache=True)
def tell_roles(at_us: Ints, from_server: Flags, within_us: int, role: Roles, asked: Ints) -> None:
    """Write the ``role`` of each message, and for an answer the message that it ``asked`` for (else -1).

    A server's message answers the oldest of the client's messages of the last ``within_us`` that nothing has
    answered yet; without one it is a push.
    """
    oldest = 0
    waiting = np.empty(at_us.size, np.int64)
    number = 0
    for n in range(at_us.size):
        asked[n] = -1
        if not from_server[n]:
            role[n] = ASKED
            waiting[number] = n
            number += 1
            continue
        while oldest < number and at_us[n] - at_us[waiting[oldest]] > within_us:
            oldest += 1
        role[n] = PUSH
        if oldest < number:
            role[n], asked[n] = ANSWER, waiting[oldest]
            oldest += 1


@njit(nogil=True, cache=True)
def size_classes(size: Ints, begins: Ints, counts: Ints) -> None:
    """Write the most common classes of sizes: where each ``begins`` (bytes) and how many it ``counts``.

    A class is all sizes within 8 bytes. The largest comes first and is taken out before the next is sought;
    of equal ones the smaller sizes come first. Places without a class count 0.
    """
    rest = np.sort(size)
    for place in range(begins.size):
        begins[place], counts[place] = 0, 0
        high = 0
        for low in range(rest.size):
            while high < rest.size and rest[high] <= rest[low] + 2 * _CLOSE_BYTES:
                high += 1
            if high - low > counts[place]:
                begins[place], counts[place] = rest[low], high - low
        begin = begins[place]
        rest = rest[(rest < begin) | (rest > begin + 2 * _CLOSE_BYTES)]


@njit(nogil=True, cache=True)
def covered_us(at_us: Ints, half_us: int, begin_us: int, end_us: int) -> int:
    """Return how much of ``begin_us`` to ``end_us`` lies within ``half_us`` of any of ``at_us``."""
    total, reached = 0, begin_us
    for n in range(at_us.size):
        low, high = max(at_us[n] - half_us, reached), min(at_us[n] + half_us, end_us)
        if high > low:
            total += high - low
            reached = high
    return total


@njit(nogil=True, cache=True)
def near_any(at_us: Ints, other_us: Ints, half_us: int) -> int:
    """Return how many of ``at_us`` have one of ``other_us`` within ``half_us``; both rise."""
    count, place = 0, 0
    for n in range(at_us.size):
        while place < other_us.size and other_us[place] < at_us[n] - half_us:
            place += 1
        count += place < other_us.size and other_us[place] <= at_us[n] + half_us
    return count


@njit(nogil=True, cache=True)
def block_hits(
    push_us: Ints, block_us: Ints, half_us: int, span_us: Ints, offset_us: Ints, counts: Ints
) -> None:
    """Count blocks with a push for each offset of the clocks.

    ``span_us`` (2,): first and last instant of the connection. ``offset_us`` are equally spaced. A block at b
    counts in ``counts[0, j]`` where b + offset_us[j] lies in the span, and in ``counts[1, j]`` where a push
    is within ``half_us`` of it. Both series rise.
    """
    number = offset_us.size
    step = offset_us[1] - offset_us[0] if number > 1 else 1
    marks = np.zeros((2, number + 1), np.int64)
    first = 0
    for block in block_us:
        begin = max(-((block + offset_us[0] - span_us[0]) // step), 0)
        end = min((span_us[1] - block - offset_us[0]) // step + 1, number)
        if begin >= end:
            continue
        marks[0, begin] += 1
        marks[0, end] -= 1
        while first < push_us.size and push_us[first] < block + offset_us[0] - half_us:
            first += 1
        place = first
        while place < push_us.size and push_us[place] <= block + offset_us[number - 1] + half_us:
            away = push_us[place] - block - offset_us[0]
            low = max(-((half_us - away) // step), begin)
            high = min((away + half_us) // step + 1, end)
            if high > low:
                marks[1, low] += 1
                marks[1, high] -= 1
                begin = high
            place += 1
    for kind in range(2):
        total = 0
        for n in range(number):
            total += marks[kind, n]
            counts[kind, n] = total
