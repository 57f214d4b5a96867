"""UDP datagrams with NetFlow or IPFIX export packets, out of a capture of them."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from minewatch.kernels.traffic import packets
from minewatch.sources.captures.packet_stream import ByteStream, PacketStream
from minewatch.sources.network_signatures import EXPORT_PORTS, EXPORT_VERSIONS


def datagrams_in_capture(file: ByteStream, path: Path) -> Iterator[tuple[bytes, int]]:
    """Yield (payload, offset in the file) of the datagrams to a collector's port."""
    stream = PacketStream(file, path)
    for chunk in stream.chunks():
        fields = chunk.fields
        is_export = (fields[:, packets.STATUS] == packets.TRANSPORT) & (
            fields[:, packets.PROTOCOL] == packets.UDP
        )
        is_export &= np.isin(fields[:, packets.DST_PORT], list(EXPORT_PORTS))
        for row in fields[is_export].tolist():
            at, size = row[packets.PAYLOAD_AT], row[packets.PAYLOAD_CAPTURED]
            payload = bytes(chunk.store[at : at + size])
            if len(payload) >= 20 and int.from_bytes(payload[:2], "big") in EXPORT_VERSIONS:
                yield payload, chunk.bytes_done
