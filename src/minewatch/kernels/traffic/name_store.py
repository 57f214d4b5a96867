"""Names of servers in numba: each distinct name once, the names of a flow, and who was told which address.

Bounds: half a million distinct names in 16 MB, a million names of flows, a quarter of a million answers of
the DNS (the oldest of eight neighbours gives way). What is no longer used is given back by ``collect``.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from minewatch.kernels.traffic.flow_table import Row

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

SNI, HOST, DNS, CERTIFICATE = range(4)
"""Kinds of names of a flow."""

MOST_OF_A_FLOW = 8
MAX_NAME = 253

AT, SIZE, IS_POOLS = range(3)
"""Columns of ``entries``: place of the name in ``text``, its length, 1 where a pool's domain is above it."""

NAME, KIND, NEXT = range(3)
"""Columns of ``cells``: a row of ``entries``, kind of name, next cell of the flow (0: none)."""

CLIENT_HIGH, CLIENT_LOW, SERVER_HIGH, SERVER_LOW, TOLD_NS, TOLD_NAME = range(6)
"""Columns of ``answers``; ``TOLD_NAME`` is a row of ``entries``, 0 where it was given back.

``TOLD_NS`` is 0 where there never was an answer.
"""

TEXT_BYTES, NAMES, CELLS, FREE_CELL, REFUSED = range(5)
"""``counts``: bytes of text, rows of entries, cells ever used, first cell given back, names refused."""

_BASIS, _PRIME = 0xCBF29CE484222325, 0x100000001B3
_NEIGHBOURS = 8


class NameStore(NamedTuple):
    """Row 0 of ``entries`` and ``cells`` is none; ``domains`` is a hash table of the pools' domains."""

    text: Bytes
    entries: npt.NDArray[np.int32]
    slots: Ints
    cells: npt.NDArray[np.int32]
    answers: Ints
    counts: Ints
    domains: npt.NDArray[np.uint64]


def new_name_store(domains: npt.NDArray[np.uint64]) -> NameStore:
    """Return an empty store; memory is touched only as it fills. ``domains`` as from ``domain_table``."""
    return NameStore(
        np.empty(1 << 24, np.uint8),
        np.zeros((1 << 19, 3), np.int32),
        np.zeros(1 << 20, np.int64),
        np.zeros((1 << 20, 3), np.int32),
        np.zeros((1 << 18, 6), np.int64),
        np.array([0, 1, 1, 0, 0]),
        domains,
    )


@njit(cache=True, nogil=True)
def domain_table(text: Bytes, ends: Ints) -> npt.NDArray[np.uint64]:
    """Return the hash table of domains that lie one after another in ``text``, each up to its end."""
    size = 64
    while size < 4 * len(ends):
        size *= 2
    table = np.zeros(size, np.uint64)
    at = np.int64(0)
    for end in ends:
        key = np.uint64(_BASIS)
        for n in range(end - 1, at - 1, -1):
            key = _hashed(key, text[n])
        if not _holds(table, key):
            place = key & np.uint64(size - 1)
            while table[place]:
                place = (place + np.uint64(1)) & np.uint64(size - 1)
            table[place] = key
        at = end
    return table


@njit(cache=True, nogil=True, _nrt=False)
def _hashed(key: np.uint64, byte: int) -> np.uint64:
    """FNV-1a (http://www.isthe.com/chongo/tech/comp/fnv/) with its upper half folded into the lower one."""
    key = (key ^ np.uint64(byte)) * np.uint64(_PRIME)
    return key ^ (key >> np.uint64(32))


@njit(cache=True, nogil=True, _nrt=False)
def _holds(table: npt.NDArray[np.uint64], key: np.uint64) -> bool:
    mask = np.uint64(len(table) - 1)
    place = key & mask
    while table[place]:
        if table[place] == key:
            return True
        place = (place + np.uint64(1)) & mask
    return False


@njit(cache=True, nogil=True, _nrt=False)
def _lower(byte: int) -> int:
    return byte | 0x20 if 0x41 <= byte <= 0x5A else byte


@njit(cache=True, nogil=True, _nrt=False)
def intern(data: Bytes, at: int, size: int, store: NameStore) -> int:
    """Return the row of the name in ``data`` (any case); 0 where it has odd characters or there is no room.

    It is hashed from its end, so that each domain above it has a hash on the way.
    """
    key, is_pools = np.uint64(_BASIS), False
    if not 0 < size <= MAX_NAME:
        return 0
    for n in range(at + size - 1, at - 1, -1):
        byte = _lower(data[n])
        if not 0x20 < byte < 0x7F:
            return 0
        key = _hashed(key, byte)
        if n == at or data[n - 1] == 0x2E:
            is_pools |= _holds(store.domains, key)
    mask = np.uint64(len(store.slots) - 1)
    tag = np.int64(key >> np.uint64(33)) << 32
    slot = key & mask
    while store.slots[slot]:
        if store.slots[slot] & ~0xFFFFFFFF == tag:
            name = store.slots[slot] & 0xFFFFFFFF
            if _is_same(data, at, size, store, name):
                return name
        slot = (slot + np.uint64(1)) & mask
    name = _add_entry(data, at, size, store)
    if name:
        store.entries[name, IS_POOLS] = is_pools
        store.slots[slot] = tag | name
    return name


@njit(cache=True, nogil=True, _nrt=False)
def _is_same(data: Bytes, at: int, size: int, store: NameStore, name: int) -> bool:
    if store.entries[name, SIZE] != size:
        return False
    there, same = store.entries[name, AT], 0
    while same < size and store.text[there + same] == _lower(data[at + same]):
        same += 1
    return same == size


@njit(cache=True, nogil=True, _nrt=False)
def _add_entry(data: Bytes, at: int, size: int, store: NameStore) -> int:
    counts = store.counts
    if counts[NAMES] >= len(store.entries) or counts[TEXT_BYTES] + 2 * MAX_NAME > len(store.text):
        counts[REFUSED] += 1
        return 0
    name, there = counts[NAMES], counts[TEXT_BYTES]
    for n in range(size):
        store.text[there + n] = _lower(data[at + n])
    store.entries[name, AT], store.entries[name, SIZE] = there, size
    counts[NAMES] += 1
    counts[TEXT_BYTES] += size
    return int(name)


@njit(cache=True, nogil=True, _nrt=False)
def add_name(flow: Row, name: int, kind: int, store: NameStore) -> None:
    """Add a row of entries to the names of a flow, at most eight, each once."""
    cells, counts = store.cells, store.counts
    number, last = 0, 0
    cell = flow.names
    while cell:
        if cells[cell, NAME] == name and cells[cell, KIND] == kind:
            return
        number += 1
        last, cell = cell, cells[cell, NEXT]
    if name == 0 or number >= MOST_OF_A_FLOW:
        return
    cell = counts[FREE_CELL]
    if cell:
        counts[FREE_CELL] = cells[cell, NEXT]
    elif counts[CELLS] < len(cells):
        cell = counts[CELLS]
        counts[CELLS] += 1
    else:
        counts[REFUSED] += 1
        return
    cells[cell, NAME], cells[cell, KIND], cells[cell, NEXT] = name, kind, 0
    if last:
        cells[last, NEXT] = cell
    else:
        flow.names = cell


@njit(cache=True, nogil=True, _nrt=False)
def forget_names(flow: Row, store: NameStore) -> None:
    """Give back the cells of a flow."""
    while flow.names:
        cell = flow.names
        flow.names = store.cells[cell, NEXT]
        store.cells[cell, NEXT] = store.counts[FREE_CELL]
        store.counts[FREE_CELL] = cell


@njit(cache=True, nogil=True, _nrt=False)
def names_of(flow: Row, store: NameStore, out: Ints) -> int:
    """Write (row of entries, kind) of a flow's names into ``out``; return how many."""
    number = 0
    cell = flow.names
    while cell:
        out[number, 0], out[number, 1] = store.cells[cell, NAME], store.cells[cell, KIND]
        number += 1
        cell = store.cells[cell, NEXT]
    return number


@njit(cache=True, nogil=True, _nrt=False)
def knows_pool(flow: Row, store: NameStore) -> bool:
    """Tell whether a pool's domain is above one of the flow's names."""
    cell = flow.names
    while cell:
        if store.entries[store.cells[cell, NAME], IS_POOLS]:
            return True
        cell = store.cells[cell, NEXT]
    return False


@njit(cache=True, nogil=True, _nrt=False)
def _place_of(ends: tuple[int, int, int, int], answers: Ints) -> np.uint64:
    key = np.uint64(_BASIS)
    for half in ends:
        key = (key ^ np.uint64(half)) * np.uint64(0x9E3779B97F4A7C15)
        key ^= key >> np.uint64(29)
    return key & np.uint64(len(answers) - _NEIGHBOURS)


@njit(cache=True, nogil=True, _nrt=False)
def _is_between(answer: Ints, ends: tuple[int, int, int, int]) -> bool:
    return (
        answer[SERVER_LOW] == ends[3]
        and answer[CLIENT_LOW] == ends[1]
        and answer[SERVER_HIGH] == ends[2]
        and answer[CLIENT_HIGH] == ends[0]
    )


@njit(cache=True, nogil=True, _nrt=False)
def note_answer(ends: tuple[int, int, int, int], instant_ns: int, name: int, store: NameStore) -> None:
    """Note that the client was told that ``name`` is at the server; ``ends``: halves of both addresses."""
    answers = store.answers
    place = _place_of(ends, answers)
    oldest = place
    for n in range(_NEIGHBOURS):
        here = place + np.uint64(n)
        if answers[here, TOLD_NS] == 0 or _is_between(answers[here], ends):
            oldest = here
            break
        if answers[here, TOLD_NS] < answers[oldest, TOLD_NS]:
            oldest = here
    row = answers[oldest]
    row[CLIENT_HIGH], row[CLIENT_LOW], row[SERVER_HIGH], row[SERVER_LOW] = ends
    row[TOLD_NS], row[TOLD_NAME] = max(instant_ns, 1), name


@njit(cache=True, nogil=True, _nrt=False)
def told_name(ends: tuple[int, int, int, int], store: NameStore) -> int:
    """Return the name that the client was last told for the server; 0 where it was told none."""
    place = _place_of(ends, store.answers)
    for n in range(_NEIGHBOURS):
        here = place + np.uint64(n)
        if store.answers[here, TOLD_NS] == 0:
            break
        if _is_between(store.answers[here], ends):
            return int(store.answers[here, TOLD_NAME])
    return 0


@njit(cache=True, nogil=True, _nrt=False)
def is_filling(store: NameStore) -> bool:
    """Tell whether three quarters of the room for names are taken."""
    counts = store.counts
    return counts[NAMES] > len(store.entries) // 4 * 3 or counts[TEXT_BYTES] > len(store.text) // 4 * 3


@njit(cache=True, nogil=True)
def collect(store: NameStore, heads: npt.NDArray[np.int32], since_ns: int) -> None:
    """Keep only the names of flows (``heads``: first cell of each) and answers told after ``since_ns``."""
    cells, answers, counts = store.cells, store.answers, store.counts
    moved = np.zeros(counts[NAMES], np.int32)
    for head in heads:
        cell = head
        while cell:
            moved[cells[cell, NAME]] = 1
            cell = cells[cell, NEXT]
    for n in range(len(answers)):
        if answers[n, TOLD_NS] < since_ns:
            answers[n, TOLD_NAME] = 0
        moved[answers[n, TOLD_NAME]] = 1
    moved[0] = 0
    _compact(store, moved)
    for head in heads:
        cell = head
        while cell:
            cells[cell, NAME] = moved[cells[cell, NAME]]
            cell = cells[cell, NEXT]
    for n in range(len(answers)):
        answers[n, TOLD_NAME] = moved[answers[n, TOLD_NAME]]


@njit(cache=True, nogil=True, _nrt=False)
def _compact(store: NameStore, moved: npt.NDArray[np.int32]) -> None:
    """Move the entries that ``moved`` marks together; ``moved`` becomes old row → new row."""
    text, entries, counts = store.text, store.entries, store.counts
    names, size = np.int64(1), np.int64(0)
    for name in range(1, len(moved)):
        if moved[name]:
            at = entries[name, AT]
            for n in range(entries[name, SIZE]):
                text[size + n] = text[at + n]
            entries[names, AT], entries[names, SIZE] = size, entries[name, SIZE]
            entries[names, IS_POOLS] = entries[name, IS_POOLS]
            size += entries[name, SIZE]
            moved[name] = names
            names += 1
    counts[NAMES], counts[TEXT_BYTES] = names, size
    _rebuild(store)


@njit(cache=True, nogil=True, _nrt=False)
def _rebuild(store: NameStore) -> None:
    store.slots[:] = 0
    mask = np.uint64(len(store.slots) - 1)
    for name in range(1, store.counts[NAMES]):
        key = np.uint64(_BASIS)
        at = store.entries[name, AT]
        for n in range(at + store.entries[name, SIZE] - 1, at - 1, -1):
            key = _hashed(key, store.text[n])
        slot = key & mask
        while store.slots[slot]:
            slot = (slot + np.uint64(1)) & mask
        store.slots[slot] = np.int64(key >> np.uint64(33)) << 32 | name
