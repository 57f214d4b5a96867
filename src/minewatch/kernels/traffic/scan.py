"""One pass over a window of a capture: packets found, decoded, entered into flows, payload judged; numba.

Packets go through in batches of 64. In each, all are decoded first and the places of their flows fetched
ahead, so that the memory's latency is paid once and not for each packet. What is called for every packet is
inlined: a call hands over each array of ``Scan`` in seven words.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

from minewatch.kernels.traffic import flow_table as table
from minewatch.kernels.traffic import packets as p
from minewatch.kernels.traffic import records as r
from minewatch.kernels.traffic.addresses import in_ranges
from minewatch.kernels.traffic.desks import (
    Desks,
    Spoken,
    hand_out,
    has_room,
    hear_text,
    leave_desk,
    take_desk,
)
from minewatch.kernels.traffic.dns_answers import PORT as DNS_PORT
from minewatch.kernels.traffic.dns_answers import note_answers
from minewatch.kernels.traffic.flow_table import Row, Table
from minewatch.kernels.traffic.fragments import NO_ROOM, Joints, decode_whole
from minewatch.kernels.traffic.loads import prefetch
from minewatch.kernels.traffic.messages import Messages, forget, messages_of, note_message
from minewatch.kernels.traffic.name_store import (
    DNS,
    HOST,
    SNI,
    NameStore,
    add_name,
    forget_names,
    intern,
    knows_pool,
    told_name,
)
from minewatch.kernels.traffic.name_store import names_of as names_of_flow
from minewatch.kernels.traffic.openings import HELLO, NOTHING, OPAQUE, TEXT, opening_of
from minewatch.kernels.traffic.tls_flights import begin_hello, go_on
from minewatch.kernels.traffic.word_search import Wanted

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

BATCH = 64
WALKED = 256
"""Packets found at a time."""

LOOKS = 16
"""Payload packets of a flow that are looked at before it is ignored."""

NOISE_CALL = 64
"""Bytes with which a caller of Stratum V2 begins its handshake."""

PATIENCE = 255
"""Payload packets in which words are searched."""

DONE, CROWDED, FULL, SPOKEN = range(4)
"""Why a pass ends: the walk did; the slots are half taken; rows are running out; hear what is handed out."""

NEXT, COUNT, POSITION, STATUS, FOUND, LAST_NS, FIRST_NS, WIRE_BYTES, CUT = range(9)
"""``cursor``: next packet of those found, their number, where the walk goes on, its status, packets found,
time of the latest and of the first one, bytes of all on the wire, packets that the capture holds in part."""


class Scan(NamedTuple):
    """All that a pass works on. The last ones are room for a batch."""

    table: Table
    names: NameStore
    messages: Messages
    desks: Desks
    spoken: Spoken
    words: Wanted
    records: Ints
    fields: Ints
    keys: npt.NDArray[np.uint64]
    cursor: Ints
    handshake: Bytes
    found_names: Ints


class Source(NamedTuple):
    """A window of a capture as ``minewatch.sources.captures.packet_stream`` has it."""

    data: Bytes
    span: Ints
    form: r.Form
    joints: Joints


@njit(cache=True, nogil=True, _nrt=False)
def scan_window(source: Source, scan: Scan) -> int:
    """Take packets until the walk ends or something else is due; return what.

    ``cursor`` then says where the walk goes on and how many packets it found; a pass that ended early goes on
    with the next call.
    """
    cursor = scan.cursor
    while True:
        if cursor[NEXT] == cursor[COUNT]:
            if cursor[STATUS] != r.FULL:
                return DONE
            found, cursor[POSITION], cursor[STATUS] = r.walk(
                source.data, source.span, source.form, scan.records
            )
            source.span[0] = cursor[POSITION]
            cursor[NEXT], cursor[COUNT] = 0, found
            cursor[FOUND] += found
            _count(scan.records[:found], cursor)
        reason = _obstacle(scan)
        if reason != DONE:
            return reason
        _take_batch(source, scan)


@njit(cache=True, nogil=True, _nrt=False)
def _count(records: Ints, cursor: Ints) -> None:
    for n in range(len(records)):
        cursor[WIRE_BYTES] += records[n, r.ORIGINAL]
        cursor[CUT] += records[n, r.CAPTURED] < records[n, r.ORIGINAL]
        cursor[LAST_NS] = max(cursor[LAST_NS], records[n, r.TIME_NS])
    if cursor[FIRST_NS] == 0 and len(records):
        cursor[FIRST_NS] = records[0, r.TIME_NS]


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def _obstacle(scan: Scan) -> int:
    """Return what must be done before another batch fits; DONE where it fits."""
    if not has_room(scan.spoken, BATCH):
        return SPOKEN
    if table.rows_left(scan.table) < BATCH:
        return FULL
    return CROWDED if table.is_crowded(scan.table, BATCH) else DONE


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def _take_batch(source: Source, scan: Scan) -> None:
    """Take at most ``BATCH`` of the packets found."""
    cursor, fields, keys = scan.cursor, scan.fields, scan.keys
    first = cursor[NEXT]
    number = min(BATCH, cursor[COUNT] - first)
    source.joints.used[0] = 0
    slots, mask = scan.table.slots, np.uint64(len(scan.table.slots) - 1)
    taken = 0
    while taken < number:
        status = decode_whole(source.data, scan.records[first + taken], fields[taken], source.joints)
        if status == NO_ROOM:
            break
        if status == p.TRANSPORT:
            keys[taken] = table.hash_of(fields[taken])
            prefetch(slots, np.int64(keys[taken] & mask))
        taken += 1
    for n in range(taken):
        if fields[n, p.STATUS] == p.TRANSPORT:
            row = slots[keys[n] & mask] & 0xFFFFFFFF
            if row:
                prefetch(scan.table.flows, np.int64(row - 1))
    for n in range(taken):
        if fields[n, p.STATUS] == p.TRANSPORT:
            _track(source.data, fields[n], keys[n], scan.records[first + n, r.TIME_NS], scan)
    cursor[NEXT] += taken


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def _track(data: Bytes, row: Ints, key: np.uint64, instant_ns: int, scan: Scan) -> None:
    """Enter one packet into its flow."""
    flows = scan.table.flows
    number, reverse, is_new = table.find_or_open(row, key, instant_ns, scan.table)
    flow = flows[number]
    if is_new:
        _add_told_name(flow, scan.names)
    table.count_packet(flow, row, instant_ns, reverse)
    if row[p.PAYLOAD_LENGTH] <= 0:
        return
    table.note_size(flow, row[p.PAYLOAD_LENGTH], reverse)
    if row[p.PROTOCOL] == p.UDP:
        if row[p.SRC_PORT] == DNS_PORT:
            note_answers(data, row, instant_ns, scan.names)
        return
    if flow.follow != table.HEARD:
        note_message(flow, row[p.PAYLOAD_LENGTH], reverse, instant_ns, scan.messages)
    if flow.follow != table.IGNORED and row[p.PAYLOAD_CAPTURED] > 0:
        _follow(data, (row, reverse, instant_ns), number, scan)


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def _add_told_name(flow: Row, names: NameStore) -> None:
    name = told_name((flow.src_high, flow.src_low, flow.dst_high, flow.dst_low), names)
    if name:
        add_name(flow, name, DNS, names)


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def _follow(data: Bytes, packet: tuple[Ints, int, int], number: int, scan: Scan) -> None:
    """Judge the payload of a TCP packet by what its flow has shown so far."""
    row, reverse, _ = packet
    flow = scan.table.flows[number]
    if flow.follow == table.UNDECIDED:
        flow.looked += 1
        _judge_opening(data, packet, number, scan)
    elif flow.follow == table.TEXT:
        _search_words(data, packet, number, scan)
    elif flow.follow == table.HEARD:
        at = row[p.PAYLOAD_AT]
        hand_out(data[at : at + row[p.PAYLOAD_CAPTURED]], number, packet, scan.spoken)
    else:
        at_desk = (scan.table.flows, number, scan.desks, scan.spoken)
        go_on(data, (row, reverse), at_desk, scan.names, (scan.handshake, scan.found_names))


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def _judge_opening(data: Bytes, packet: tuple[Ints, int, int], number: int, scan: Scan) -> None:
    row, reverse, _ = packet
    flow = scan.table.flows[number]
    at, size = row[p.PAYLOAD_AT], row[p.PAYLOAD_CAPTURED]
    kind, name_at, name_size = opening_of(data, at, size)
    if flow.looked == 1 and table.is_early(flow, row, reverse):
        kind = TEXT  # what it is shows when its beginning comes
    if name_size > 0:
        name = intern(data, name_at, name_size, scan.names)
        add_name(flow, name, SNI if kind == HELLO else HOST, scan.names)
    if kind in (TEXT, OPAQUE) and flow.looked == 1:
        flow.seen |= table.FROM_START
    if kind == TEXT:
        flow.follow = table.TEXT
        take_desk(scan.table.flows, number, scan.desks, scan.spoken)
        _search_words(data, packet, number, scan)
    elif kind == OPAQUE:
        _begin_hearing(flow, scan)
        hand_out(data[at : at + size], number, packet, scan.spoken)
    elif kind == HELLO:
        begin_hello(data, row, reverse, (scan.table.flows, number, scan.desks, scan.spoken))
        if name_size > 0:
            leave_desk(flow, scan.desks)
            flow.follow = table.FLIGHT
    elif flow.looked >= (LOOKS if kind == NOTHING else PATIENCE):
        flow.follow = table.IGNORED


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def _search_words(data: Bytes, packet: tuple[Ints, int, int], number: int, scan: Scan) -> None:
    flow = scan.table.flows[number]
    if hear_text(data, packet, scan.table.flows, number, scan.desks, (scan.words, scan.spoken)):
        _begin_hearing(flow, scan)
    elif flow.looked < PATIENCE:
        flow.looked += 1
    else:
        leave_desk(flow, scan.desks)
        flow.follow = table.IGNORED


@njit(cache=True, nogil=True, _nrt=False, forceinline=True)
def _begin_hearing(flow: Row, scan: Scan) -> None:
    flow.follow = table.HEARD
    forget(flow, scan.messages)


@njit(cache=True, nogil=True, _nrt=False)
def let_go(scan: Scan, numbers: npt.NDArray[np.int32]) -> None:
    """Give back the rows ``numbers`` with their desks, messages and names."""
    for number in numbers:
        flow = scan.table.flows[number]
        leave_desk(flow, scan.desks)
        forget(flow, scan.messages)
        forget_names(flow, scan.names)
    table.release(scan.table, numbers)


@njit(cache=True, nogil=True, _nrt=False)
def begin_anew(scan: Scan, numbers: npt.NDArray[np.int32]) -> None:
    """Count the flows in rows ``numbers`` from zero; what is known of them stays."""
    for number in numbers:
        flow = scan.table.flows[number]
        was_quiet = flow.kept >= 0
        forget(flow, scan.messages)
        flow.kept = 0 if was_quiet else -1
        table.begin_anew(flow)


@njit(cache=True, nogil=True, _nrt=False)
def shows_sign(
    scan: Scan, numbers: npt.NDArray[np.int32], ranges: Ints, signed: npt.NDArray[np.bool_]
) -> None:
    """Write into ``signed`` which of the flows may show a sign of mining without words.

    A name under a pool's domain, an address in ``ranges`` (as ``kernels.traffic.addresses`` takes them), or
    the first sizes of a handshake of Stratum V2.
    """
    for n in range(len(numbers)):
        flow = scan.table.flows[numbers[n]]
        signed[n] = (
            knows_pool(flow, scan.names)
            or (flow.sized > 1 and flow.sizes[0] in (NOISE_CALL, -NOISE_CALL))
            or in_ranges(ranges, flow.dst_high, flow.dst_low)
            or in_ranges(ranges, flow.src_high, flow.src_low)
        )


@njit(cache=True, nogil=True, _nrt=False)
def names_of(scan: Scan, numbers: npt.NDArray[np.int32], names: Ints, ends: Ints) -> None:
    """Write (row of entries, kind) of the names of flows ``numbers`` one after another into ``names``.

    ``ends`` gets where each flow's names end; ``names`` has room for eight a flow.
    """
    at = 0
    for n in range(len(numbers)):
        at += names_of_flow(scan.table.flows[numbers[n]], scan.names, names[at:])
        ends[n] = at


@njit(cache=True, nogil=True, _nrt=False)
def messages_of_flow(scan: Scan, number: int, out: Ints) -> int:
    """Write the messages of the flow in row ``number`` into ``out`` (4,096); return how many."""
    return messages_of(scan.table.flows[number], scan.messages, out)
