"""The first flights of TLS: the client's hello over several segments, the server's certificate; numba.

Both are gathered on a desk (4 KiB) in order; a segment that comes early is not waited for. Of a certificate
chain the server's own comes first, so that a longer one costs nothing. In TLS 1.3 certificates are encrypted.

Sources: RFC 8446 §4.1.3 and §4.2.1, RFC 5246 §7.4.2.
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from minewatch.kernels.traffic import flow_table as table
from minewatch.kernels.traffic import packets as p
from minewatch.kernels.traffic.certificates import NAME_AT, NAME_SIZE, certificate_names
from minewatch.kernels.traffic.desks import (
    DESK_BYTES,
    Desks,
    Spoken,
    leave_desk,
    sequence_distance,
    take_desk,
)
from minewatch.kernels.traffic.flow_table import Row, Rows
from minewatch.kernels.traffic.loads import be16, copy_bytes
from minewatch.kernels.traffic.name_store import CERTIFICATE, SNI, NameStore, add_name, intern
from minewatch.kernels.traffic.openings import find_sni

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

_SUPPORTED_VERSIONS = 43


@njit(cache=True, nogil=True, _nrt=False)
def begin_hello(data: Bytes, row: Ints, reverse: int, at_desk: tuple[Rows, int, Desks, Spoken]) -> None:
    """Take a client hello without a server name so far: wait for its rest, or for the server's answer."""
    flows, number, desks, spoken = at_desk
    flow = flows[number]
    if reverse:
        flow.seen |= table.HELLO_BACK
    if _is_whole(data, row[p.PAYLOAD_AT], row[p.PAYLOAD_CAPTURED]):
        flow.follow = table.FLIGHT
        return
    flow.follow = table.HELLO
    take_desk(flows, number, desks, spoken)
    desks.states[flow.desk].src_next = row[p.TCP_SEQ]
    _append(data, row, flow, desks)


@njit(cache=True, nogil=True, _nrt=False)
def go_on(
    data: Bytes,
    packet: tuple[Ints, int],
    at_desk: tuple[Rows, int, Desks, Spoken],
    names: NameStore,
    scratch: tuple[Bytes, Ints],
) -> None:
    """Take a segment of a flow in the state HELLO or FLIGHT; ``scratch`` is for ``certificate_names``."""
    row, reverse = packet
    flows, number, desks, _ = at_desk
    flow = flows[number]
    from_client = (reverse == 1) == (flow.seen & table.HELLO_BACK > 0)
    if flow.follow == table.HELLO:
        _take_hello(data, row, from_client, flow, (desks, names))
    elif from_client:
        if flow.desk:  # the client answers the whole flight
            _read_flight(flow, desks, names, scratch)
    elif flow.desk:
        _append(data, row, flow, desks)
        if desks.states[flow.desk].used == DESK_BYTES:
            _read_flight(flow, desks, names, scratch)
    elif _is_plain_server_hello(data, row[p.PAYLOAD_AT], row[p.PAYLOAD_CAPTURED]):
        desk = take_desk(flows, number, desks, at_desk[3])
        desks.states[desk].src_next = row[p.TCP_SEQ]
        _append(data, row, flow, desks)
    else:
        flow.follow = table.IGNORED


@njit(cache=True, nogil=True, _nrt=False)
def _is_whole(data: Bytes, at: int, size: int) -> bool:
    return size >= 5 + be16(data, at + 3)


@njit(cache=True, nogil=True, _nrt=False)
def _append(data: Bytes, row: Ints, flow: Row, desks: Desks) -> None:
    """Put what continues the gathered bytes behind them, as far as there is room."""
    state, text = desks.states[flow.desk], desks.text[flow.desk]
    known = -sequence_distance(row[p.TCP_SEQ], np.int64(state.src_next))
    size = min(row[p.PAYLOAD_CAPTURED] - known, DESK_BYTES - state.used)
    if known < 0 or size <= 0:
        return
    at = row[p.PAYLOAD_AT] + known
    copy_bytes((data, at), size, (text, state.used))
    state.used += size
    state.src_next = (np.int64(state.src_next) + size) & 0xFFFFFFFF


@njit(cache=True, nogil=True, _nrt=False)
def _take_hello(
    data: Bytes, row: Ints, from_client: bool, flow: Row, stores: tuple[Desks, NameStore]
) -> None:
    desks, names = stores
    if flow.desk == 0:
        flow.follow = table.IGNORED  # another flow has the desk
        return
    if from_client:
        _append(data, row, flow, desks)
    state, text = desks.states[flow.desk], desks.text[flow.desk]
    at, size = find_sni(text, 0, state.used)
    if size:
        add_name(flow, intern(text, at, size, names), SNI, names)
    if size or not from_client or state.used == DESK_BYTES or _is_whole(text, 0, state.used):
        leave_desk(flow, desks)
        flow.follow = table.FLIGHT if from_client else table.IGNORED


@njit(cache=True, nogil=True, _nrt=False)
def _read_flight(flow: Row, desks: Desks, names: NameStore, scratch: tuple[Bytes, Ints]) -> None:
    handshake, found = scratch
    state, text = desks.states[flow.desk], desks.text[flow.desk]
    for n in range(certificate_names(text, 0, state.used, handshake, found)):
        name = intern(handshake, found[n, NAME_AT], found[n, NAME_SIZE], names)
        add_name(flow, name, CERTIFICATE, names)
    leave_desk(flow, desks)
    flow.follow = table.IGNORED


@njit(cache=True, nogil=True, _nrt=False)
def _is_plain_server_hello(data: Bytes, at: int, size: int) -> bool:
    """Tell a server hello of a version before 1.3, which has no extension supported_versions."""
    end = at + min(size, 5 + be16(data, at + 3)) if size >= 48 else at
    if end - at < 48 or be16(data, at) != 0x1603 or data[at + 5] != 2 or be16(data, at + 3) > 1 << 14:
        return False
    hello_end = min(at + 9 + be16(data, at + 7), end)
    position = at + 44 + data[at + 43] + 5  # session id, cipher suite, compression, length of extensions
    while position + 4 <= hello_end:
        if be16(data, position) == _SUPPORTED_VERSIONS:
            return False
        position += 4 + be16(data, position + 2)
    return True
