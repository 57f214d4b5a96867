"""Desks: what undecided flows said, kept until it shows what they are; text is searched for words of mining.

There are ``MOST_DESKS`` desks of 4 KiB. The one given out longest ago is given out next; its flow, if it is
still undecided, loses what it said. Text that has filled its desk, or lost it, is searched segment by
segment: a word found then counts as joined in the middle.

Segments are searched in the order of their sequence numbers, so that a word may be split over them, come out
of order, twice or overlapping (RFC 9293 §3.4). One that comes early is searched alone at once, and again with
its neighbours when the gap before it is closed.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from minewatch.kernels.traffic import flow_table as table
from minewatch.kernels.traffic import packets as p
from minewatch.kernels.traffic.flow_table import Row, Rows
from minewatch.kernels.traffic.loads import copy_bytes
from minewatch.kernels.traffic.openings import is_opaque
from minewatch.kernels.traffic.word_search import Wanted, search, shows

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

DESK_BYTES = 4096
MOST_PARTS = 32
MOST_DESKS = 8192
_MOST_OF_A_PACKET = 1 << 16

DESK = np.dtype(
    [
        ("flow", "i4"),  # row + 1 of the flow that has the desk, 0: nobody's
        ("used", "i4"),
        ("found", "i8"),  # words found so far, a bit each
        ("src_window", "u8"),  # the search's last eight bytes
        ("dst_window", "u8"),
        ("src_next", "u4"),  # the sequence number that comes next
        ("dst_next", "u4"),
        ("known", "u1"),  # 1: ``src_next`` is known, 2: ``dst_next``
        ("early", "u1"),  # 1, 2: parts from src, dst wait for one before them
        ("parts", "u1"),
    ],
    align=True,
)

PART = np.dtype(
    [
        ("instant_ns", "i8"),
        ("seq", "u4"),
        ("at", "i4"),
        ("size", "i4"),
        ("wire_size", "i4"),
        ("reverse", "u1"),
        ("searched", "u1"),
    ],
    align=True,
)

FLOW, REVERSE, SEQ, PLACE, SIZE, WIRE_SIZE, INSTANT_NS = range(7)
"""Columns of handed-out ``segments``: row of the flow, 1 when sent by the destination, TCP sequence number,
position in ``text``, captured and true length, time."""

SEGMENTS, TEXT_BYTES, LOST_DESKS = range(3)
"""``counts`` of ``Spoken``."""


class Desks(NamedTuple):
    """``text`` (n, 4096), ``states`` (n) of DESK, ``parts`` (n, 32) of PART, ``hand``: last desk given out.

    Desk 0 is none.
    """

    text: Bytes
    states: Rows
    parts: Rows
    hand: Ints


class Spoken(NamedTuple):
    """What is handed out: ``segments`` whose bytes lie in ``text``; ``counts`` as above."""

    segments: Ints
    text: Bytes
    counts: Ints


def new_desks(desks: int = MOST_DESKS) -> Desks:
    """Return empty desks; memory is touched only as they are given out."""
    return Desks(
        np.empty((desks, DESK_BYTES), np.uint8),
        np.zeros(desks, DESK),
        np.empty((desks, MOST_PARTS), PART),
        np.zeros(1, np.int64),
    )


def new_spoken(packets: int) -> Spoken:
    """Return room for what ``packets`` packets can hand out at most."""
    text_bytes = packets * (DESK_BYTES + _MOST_OF_A_PACKET)
    segments = np.empty((packets * (MOST_PARTS + 1), 7), np.int64)
    return Spoken(segments, np.empty(text_bytes, np.uint8), np.zeros(3, np.int64))


@njit(cache=True, nogil=True, _nrt=False)
def has_room(spoken: Spoken, packets: int) -> bool:
    """Tell whether ``packets`` more packets can be handed out, whatever they are."""
    return spoken.counts[SEGMENTS] + packets * (MOST_PARTS + 1) <= len(spoken.segments) and spoken.counts[
        TEXT_BYTES
    ] + packets * (DESK_BYTES + _MOST_OF_A_PACKET) <= len(spoken.text)


@njit(cache=True, nogil=True, _nrt=False)
def take_desk(flows: Rows, number: int, desks: Desks, spoken: Spoken) -> int:
    """Give the flow in row ``number`` a desk, the one that was given out longest ago; return it."""
    desk = desks.hand[0] + 1
    if desk >= len(desks.states):
        desk = 1
    desks.hand[0] = desk
    state = desks.states[desk]
    if state.flow:
        spoken.counts[LOST_DESKS] += 1
        flows[state.flow - 1].desk = 0
        flows[state.flow - 1].seen &= ~table.FROM_START
    state.flow, state.used, state.found = number + 1, 0, 0
    state.src_window, state.dst_window = 0, 0
    state.known, state.early, state.parts = 0, 0, 0
    flows[number].desk = desk
    return int(desk)


@njit(cache=True, nogil=True, _nrt=False)
def leave_desk(flow: Row, desks: Desks) -> None:
    """Take the flow's desk away."""
    if flow.desk:
        desks.states[flow.desk].flow = 0
        flow.desk = 0


@njit(cache=True, nogil=True, _nrt=False)
def sequence_distance(seq: int, other: int) -> int:
    """Return how far ``seq`` is ahead of ``other``, with wrap-around (RFC 9293 §3.4)."""
    return ((seq - other + (1 << 31)) & 0xFFFFFFFF) - (1 << 31)


@njit(cache=True, nogil=True, _nrt=False)
def _next_of(state: Row, reverse: int) -> int:
    return int(state.dst_next) if reverse else int(state.src_next)


@njit(cache=True, nogil=True, _nrt=False)
def _set_next(state: Row, reverse: int, seq: int) -> None:
    if reverse:
        state.dst_next = seq & 0xFFFFFFFF
    else:
        state.src_next = seq & 0xFFFFFFFF
    state.known |= 1 << reverse


@njit(cache=True, nogil=True, _nrt=False)
def _learn_next(flow: Row, state: Row, row: Ints, reverse: int) -> None:
    """Set where the direction begins: behind its SYN, else with this segment."""
    has_isn = flow.seen & table.FROM_START and flow.seen & (table.DST_ISN if reverse else table.SRC_ISN)
    isn = np.int64(flow.dst_isn) if reverse else np.int64(flow.src_isn)
    _set_next(state, reverse, isn + 1 if has_isn else row[p.TCP_SEQ])


@njit(cache=True, nogil=True, _nrt=False)
def hear_text(
    data: Bytes,
    packet: tuple[Ints, int, int],
    flows: Rows,
    number: int,
    desks: Desks,
    found: tuple[Wanted, Spoken],
) -> bool:
    """Take a segment of a text flow; tell whether it has shown a sign, or cannot be read, and was handed out.

    ``packet`` is (fields, reverse, time in ns).
    """
    row, reverse, instant_ns = packet
    words, spoken = found
    flow = flows[number]
    size = min(row[p.PAYLOAD_CAPTURED], _MOST_OF_A_PACKET)
    at = row[p.PAYLOAD_AT]
    if flow.desk == 0:
        return _hear_alone(data[at : at + size], flow, number, packet, found)
    state = desks.states[flow.desk]
    if not state.known >> reverse & 1:
        _learn_next(flow, state, row, reverse)
    ahead = sequence_distance(row[p.TCP_SEQ], _next_of(state, reverse))
    if ahead + max(row[p.PAYLOAD_LENGTH], size) <= 0:
        return False  # sent again
    if state.parts >= MOST_PARTS or state.used + size > DESK_BYTES:
        leave_desk(flow, desks)
        flow.seen &= ~table.FROM_START
        return _hear_alone(data[at : at + size], flow, number, packet, found)
    part = desks.parts[flow.desk, state.parts]
    part.instant_ns, part.seq, part.reverse, part.searched = instant_ns, row[p.TCP_SEQ], reverse, 0
    part.at, part.size, part.wire_size = state.used, size, row[p.PAYLOAD_LENGTH]
    text = desks.text[flow.desk]
    copy_bytes((data, at), size, (text, state.used))
    state.used += size
    state.parts += 1
    if ahead <= 0:
        _search_part(text, part, state, words)
        if state.early >> reverse & 1:
            _search_early(text, desks.parts[flow.desk], state, reverse, words)
    else:
        state.early |= 1 << reverse
        _, here = search(text[part.at : part.at + size], np.uint64(0), words)
        state.found |= here
    if not shows(state.found, words) and not is_opaque(data, at, size):
        return False
    _hand_out_desk(flow, number, desks, spoken)
    return True


@njit(cache=True, nogil=True, _nrt=False)
def _hear_alone(
    piece: Bytes, flow: Row, number: int, packet: tuple[Ints, int, int], found: tuple[Wanted, Spoken]
) -> bool:
    _, here = search(piece, np.uint64(0), found[0])
    if not shows(here, found[0]) and not is_opaque(piece, 0, len(piece)):
        return False
    flow.follow = table.HEARD
    hand_out(piece, number, packet, found[1])
    return True


@njit(cache=True, nogil=True, _nrt=False)
def _search_part(text: Bytes, part: Row, state: Row, words: Wanted) -> None:
    """Search what is new in a part that continues its direction."""
    reverse = part.reverse
    known = min(max(-sequence_distance(part.seq, _next_of(state, reverse)), 0), part.size)
    window = state.dst_window if reverse else state.src_window
    window, here = search(text[part.at + known : part.at + part.size], window, words)
    if part.wire_size > part.size:
        window = np.uint64(0)  # cut by the capture's snap length
    if reverse:
        state.dst_window = window
    else:
        state.src_window = window
    state.found |= here
    part.searched = 1
    _set_next(state, reverse, np.int64(part.seq) + max(part.wire_size, part.size))


@njit(cache=True, nogil=True, _nrt=False)
def _search_early(text: Bytes, parts: Rows, state: Row, reverse: int, words: Wanted) -> None:
    """Search the parts that waited, as far as they continue the direction now."""
    goes_on, waits = True, False
    while goes_on:
        goes_on, waits = False, False
        for n in range(state.parts):
            part = parts[n]
            if part.searched or part.reverse != reverse:
                continue
            ahead = sequence_distance(part.seq, _next_of(state, reverse))
            if ahead > 0:
                waits = True
            elif ahead + max(part.wire_size, part.size) <= 0:
                part.searched = 1
            else:
                _search_part(text, part, state, words)
                goes_on = True
    if not waits:
        state.early &= ~(1 << reverse)


@njit(cache=True, nogil=True, _nrt=False)
def _hand_out_desk(flow: Row, number: int, desks: Desks, spoken: Spoken) -> None:
    """Hand out all parts in the order in which they came, and leave the desk."""
    state, text = desks.states[flow.desk], desks.text[flow.desk]
    there = spoken.counts[TEXT_BYTES]
    copy_bytes((text, 0), state.used, (spoken.text, there))
    for n in range(state.parts):
        part = desks.parts[flow.desk, n]
        segment = spoken.segments[spoken.counts[SEGMENTS]]
        segment[FLOW], segment[REVERSE], segment[SEQ] = number, part.reverse, part.seq
        segment[PLACE], segment[SIZE], segment[WIRE_SIZE] = there + part.at, part.size, part.wire_size
        segment[INSTANT_NS] = part.instant_ns
        spoken.counts[SEGMENTS] += 1
    spoken.counts[TEXT_BYTES] += state.used
    flow.follow = table.HEARD
    leave_desk(flow, desks)


@njit(cache=True, nogil=True, _nrt=False)
def hand_out(piece: Bytes, number: int, packet: tuple[Ints, int, int], spoken: Spoken) -> None:
    """Hand out one segment of the flow in row ``number``."""
    row, reverse, instant_ns = packet
    there = spoken.counts[TEXT_BYTES]
    size = min(len(piece), _MOST_OF_A_PACKET)
    copy_bytes((piece, 0), size, (spoken.text, there))
    segment = spoken.segments[spoken.counts[SEGMENTS]]
    segment[FLOW], segment[REVERSE], segment[SEQ] = number, reverse, row[p.TCP_SEQ]
    segment[PLACE], segment[SIZE], segment[WIRE_SIZE] = there, size, row[p.PAYLOAD_LENGTH]
    segment[INSTANT_NS] = instant_ns
    spoken.counts[SEGMENTS] += 1
    spoken.counts[TEXT_BYTES] += size
