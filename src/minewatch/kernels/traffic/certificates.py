"""Names in the certificate of a TLS server, out of the first bytes that it sends; numba.

Up to TLS 1.2 the certificate goes in clear after the server hello; in TLS 1.3 it is encrypted and nothing is
found. Of the chain only the server's own certificate counts.

Sources: RFC 5246 §6.2.1 (records) and §7.4.2 (Certificate), RFC 5280 §4.1 and §4.2.1.6 (subject, subject
alternative name), X.690 §8.1 (length octets).
"""

import numpy as np
import numpy.typing as npt
from numba import njit

from minewatch.kernels.traffic.loads import copy_bytes

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

NAME_AT, NAME_SIZE = range(2)
"""Columns of ``found``: position and length of a name in ``scratch``."""

_HANDSHAKE, _CERTIFICATE = 22, 11
_SEQUENCE, _SET, _OID, _OCTETS, _BOOLEAN = 0x30, 0x31, 0x06, 0x04, 0x01
_VERSION, _EXTENSIONS, _DNS_NAME = 0xA0, 0xA3, 0x82
_UTF8, _PRINTABLE, _TELETEX, _IA5 = 0x0C, 0x13, 0x14, 0x16
_ATTRIBUTE, _EXTENSION = 0x5504, 0x551D
_COMMON_NAME, _ALTERNATIVE_NAME = 0x03, 0x11
_SUBJECT, _PUBLIC_KEY = 4, 5
_MOST_NAME = 253


@njit(cache=True, nogil=True, _nrt=False)
def certificate_names(data: Bytes, at: int, end: int, scratch: Bytes, found: Ints) -> int:
    """Find the common names and DNS names of the certificate in ``data[at:end]`` and return their number.

    ``data[at:end]`` is what the server sent from its first byte on, without gaps; where it is cut, what
    precedes the cut counts. The handshake is copied into ``scratch`` (as much as it holds) and the names in
    it are brought to lower case; ``found``, (n, 2), gets position and length of at most n of them.
    """
    size = _join_handshake(data, at, end, scratch)
    first, last = _own_certificate(scratch, size)
    for _ in range(2):  # the certificate, and in it the signed part
        tag, first, after = _element(scratch, first, last)
        last = min(after, last)
        if tag != _SEQUENCE:
            return 0
    return _names_of(scratch, first, last, found)


@njit(cache=True, nogil=True, _nrt=False)
def _join_handshake(data: Bytes, at: int, end: int, scratch: Bytes) -> int:
    """Copy the handshake out of its records and return its size."""
    size = 0
    while at + 5 <= end and data[at] == _HANDSHAKE and data[at + 1] == 3 and size < len(scratch):
        length = (np.int64(data[at + 3]) << 8) | data[at + 4]
        at += 5
        here = min(length, end - at, len(scratch) - size)
        copy_bytes((data, at), here, (scratch, size))
        size += here
        at += length
    return size


@njit(cache=True, nogil=True, _nrt=False)
def _own_certificate(data: Bytes, size: int) -> tuple[int, int]:
    """Return where the first certificate of the chain begins and ends; twice 0 without one."""
    at = 0
    while at + 10 <= size:
        if data[at] == _CERTIFICATE:
            return at + 10, min(at + 10 + _u24(data, at + 7), size)
        at += 4 + _u24(data, at + 1)
    return 0, 0


@njit(cache=True, nogil=True, _nrt=False)
def _u24(data: Bytes, at: int) -> int:
    return (np.int64(data[at]) << 16) | (np.int64(data[at + 1]) << 8) | data[at + 2]


@njit(cache=True, nogil=True, _nrt=False)
def _element(data: Bytes, at: int, end: int) -> tuple[int, int, int]:
    """Return tag, begin and end of the content at ``at``; the end may lie beyond the data; tag -1: none."""
    if at + 2 > end:
        return -1, end, end
    tag, length = int(data[at]), int(data[at + 1])
    at += 2
    if length >= 0x80:
        octets = length - 0x80
        if octets == 0 or octets > 3 or at + octets > end:
            return -1, end, end
        length = 0
        for n in range(octets):
            length = (length << 8) | int(data[at + n])
        at += octets
    return tag, at, at + length


@njit(cache=True, nogil=True, _nrt=False)
def _names_of(data: Bytes, at: int, end: int, found: Ints) -> int:
    """Pass the fields of a certificate: version, serial, algorithm, issuer, validity, subject, key, more."""
    count = field = 0
    while True:
        tag, first, last = _element(data, at, end)
        if tag < 0:
            return count
        if tag == _SEQUENCE and field == _SUBJECT:
            count = _common_names(data, (first, min(last, end)), found, count)
        elif tag == _EXTENSIONS and field > _PUBLIC_KEY:
            return _alternative_names(data, (first, min(last, end)), found, count)
        field += tag != _VERSION
        at = last


@njit(cache=True, nogil=True, _nrt=False)
def _common_names(data: Bytes, span: tuple[int, int], found: Ints, count: int) -> int:
    at, end = span
    while True:
        tag, first, last = _element(data, at, end)
        if tag < 0:
            return count
        at = last
        if tag == _SET:
            bound = min(last, end)
            tag, first, last = _element(data, first, bound)
            bound = min(last, bound)
            value = _value_of(data, (first, bound), _ATTRIBUTE, _COMMON_NAME)
            if tag == _SEQUENCE and value >= 0:
                tag, first, last = _element(data, value, bound)
                if tag in (_UTF8, _PRINTABLE, _TELETEX, _IA5) and last <= bound:
                    count = _note(data, (first, last), found, count)


@njit(cache=True, nogil=True, _nrt=False)
def _alternative_names(data: Bytes, span: tuple[int, int], found: Ints, count: int) -> int:
    tag, at, end = _element(data, span[0], span[1])
    end = min(end, span[1])
    while tag == _SEQUENCE:
        kind, first, last = _element(data, at, end)
        if kind < 0:
            return count
        at = last
        value = _value_of(data, (first, min(last, end)), _EXTENSION, _ALTERNATIVE_NAME)
        if kind == _SEQUENCE and value >= 0:
            return _dns_names(data, (value, min(last, end)), found, count)
    return count


@njit(cache=True, nogil=True, _nrt=False)
def _value_of(data: Bytes, span: tuple[int, int], family: int, member: int) -> int:
    """Return where the value behind an object identifier of three octets begins; -1 where it is another."""
    at, end = span
    if at + 5 > end or data[at] != _OID or data[at + 1] != 3:
        return -1
    same = (np.int64(data[at + 2]) << 8 | data[at + 3]) == family and data[at + 4] == member
    return at + 5 if same else -1


@njit(cache=True, nogil=True, _nrt=False)
def _dns_names(data: Bytes, span: tuple[int, int], found: Ints, count: int) -> int:
    at, end = span
    tag, first, last = _element(data, at, end)
    if tag == _BOOLEAN:  # critical
        tag, first, last = _element(data, last, end)
    if tag != _OCTETS:
        return count
    end = min(last, end)
    tag, at, last = _element(data, first, end)
    end = min(last, end)
    while tag == _SEQUENCE:
        kind, first, last = _element(data, at, end)
        if kind < 0 or last > end:
            return count
        if kind == _DNS_NAME:
            count = _note(data, (first, last), found, count)
        at = last
    return count


@njit(cache=True, nogil=True, _nrt=False)
def _note(data: Bytes, span: tuple[int, int], found: Ints, count: int) -> int:
    """Enter a name in lower case; one that is too long or holds other than printable ASCII is left out."""
    at, end = span
    if count >= len(found) or not 0 < end - at <= _MOST_NAME:
        return count
    for n in range(at, end):
        if not 0x20 <= data[n] < 0x7F:
            return count
    for n in range(at, end):
        if 0x41 <= data[n] <= 0x5A:
            data[n] |= 0x20
    found[count, NAME_AT], found[count, NAME_SIZE] = at, end - at
    return count + 1
