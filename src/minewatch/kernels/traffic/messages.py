"""Times, sizes and directions of the payload packets of quiet connections, kept in blocks of eight.

A flow's blocks form a ring: the flow knows its last block, whose successor is the first. So a ring is given
back in one step when the flow turns loud.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from minewatch.kernels.traffic.flow_table import SECOND_NS, Row

Ints = npt.NDArray[np.int64]

BLOCK = 8
MOST_MESSAGES = 4096
"""Messages kept of a flow; the later ones are not."""

PACKETS_PER_S, BYTES_PER_S = 2, 4096
"""What a quiet connection sends at most, on average since its opening."""

_SLACK_PACKETS, _SLACK_BYTES = 120, 1 << 16
_LEAST_SLACK_PACKETS = 16
_MOST_US = 1 << 46


class Messages(NamedTuple):
    """``blocks`` (n, 8) of messages, ``following`` block of each, and ``counts`` as below. Block 0 is none.

    A message is µs since the flow's first packet << 17 | from dst << 16 | size, at most 65,535.
    """

    blocks: Ints
    following: npt.NDArray[np.int32]
    counts: Ints


USED, FIRST_FREE, IN_USE, REFUSED = range(4)
"""``counts``: blocks ever used at once, the first of those given back, blocks in use, flows without room."""


def new_messages(blocks: int) -> Messages:
    """Return an empty store for at most ``blocks`` blocks; memory is touched only as it fills."""
    counts = np.array([1, 0, 0, 0])
    return Messages(np.empty((blocks, BLOCK), np.int64), np.zeros(blocks, np.int32), counts)


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def note_message(flow: Row, size: int, reverse: int, instant_ns: int, store: Messages) -> None:
    """Keep a payload packet of a flow that has been quiet so far; a flow that is not loses all it has."""
    if flow.kept < 0 or flow.kept >= MOST_MESSAGES:
        return
    if not _is_quiet(flow, instant_ns, store):
        forget(flow, store)
        return
    if flow.kept % BLOCK == 0 and not _add_block(flow, store):
        store.counts[REFUSED] += 1
        forget(flow, store)
        return
    since_us = min(max(instant_ns - flow.first_ns, 0) // 1000, _MOST_US)
    store.blocks[flow.block, flow.kept % BLOCK] = since_us << 17 | reverse << 16 | min(size, 0xFFFF)
    flow.kept += 1


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def _is_quiet(flow: Row, instant_ns: int, store: Messages) -> bool:
    """Tell whether packets and bytes stay within the bounds; the slack shrinks as the store fills."""
    elapsed_s = (instant_ns - flow.first_ns) // SECOND_NS
    room = 1.0 - store.counts[IN_USE] / len(store.blocks)
    slack = _LEAST_SLACK_PACKETS + room * (_SLACK_PACKETS - _LEAST_SLACK_PACKETS)
    return (
        flow.kept <= slack + PACKETS_PER_S * elapsed_s
        and flow.src_bytes + flow.dst_bytes <= _SLACK_BYTES + BYTES_PER_S * elapsed_s
    )


@njit(cache=True, nogil=True, _nrt=False)
def _add_block(flow: Row, store: Messages) -> bool:
    counts, following = store.counts, store.following
    if counts[FIRST_FREE]:
        block = counts[FIRST_FREE]
        counts[FIRST_FREE] = following[block]
    elif counts[USED] < len(store.blocks):
        block = counts[USED]
        counts[USED] += 1
    else:
        return False
    counts[IN_USE] += 1
    if flow.block:
        following[block] = following[flow.block]
        following[flow.block] = block
    else:
        following[block] = block
    flow.block = block
    return True


@njit(cache=True, nogil=True, _nrt=False)
def forget(flow: Row, store: Messages) -> None:
    """Give back what is kept of a flow, and keep nothing more."""
    if flow.block:
        first = store.following[flow.block]
        store.following[flow.block] = store.counts[FIRST_FREE]
        store.counts[FIRST_FREE] = first
        store.counts[IN_USE] -= (flow.kept + BLOCK - 1) // BLOCK
    flow.block, flow.kept = 0, -1


@njit(cache=True, nogil=True, _nrt=False)
def messages_of(flow: Row, store: Messages, out: Ints) -> int:
    """Write the flow's messages into ``out`` (at least 4,096) in order; return their number."""
    kept = max(flow.kept, 0)
    block = flow.block
    for n in range(kept):
        if n % BLOCK == 0:
            block = store.following[block]
        out[n] = store.blocks[block, n % BLOCK]
    return kept
