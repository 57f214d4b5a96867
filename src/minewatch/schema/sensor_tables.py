"""When a sensor looked, and what passed it by meanwhile."""

import pyarrow as pa

from minewatch.schema.columns import column
from minewatch.schema.types import INSTANT

SENSOR_INTERVALS = pa.schema(
    [
        column("sensor", pa.string(), "name of the sensor, the capture of its flows", required=True),
        column("started_at", INSTANT, "start of the interval", required=True),
        column(
            "ended_at", INSTANT, "end, excluded; no interval follows at once: nobody looked", required=True
        ),
        column("interface", pa.string(), "interface or file listened to"),
        column("filter", pa.string(), "which packets were wanted, in tcpdump's language; null: all"),
        column("snaplen", pa.int64(), "most bytes of a packet that were kept", unit="By"),
        column("packets", pa.int64(), "packets seen", unit="1", required=True),
        column("bytes", pa.int64(), "their bytes on the wire", unit="By", required=True),
        column("packets_cut", pa.int64(), "packets of which only a part was kept", unit="1", required=True),
        column("kernel_drops", pa.int64(), "packets for which the ring had no room", unit="1", required=True),
        column("ring_freezes", pa.int64(), "times the ring was full", unit="1", required=True),
        column("nic_drops", pa.int64(), "packets that the card or driver lost", unit="1", required=True),
        column(
            "flows_forced",
            pa.int64(),
            "flows written before their end because the table was full",
            unit="1",
            required=True,
        ),
        column(
            "texts_lost",
            pa.int64(),
            "flows whose text was forgotten, for want of room, before it showed what they are",
            unit="1",
            required=True,
        ),
        column(
            "timings_lost",
            pa.int64(),
            "quiet flows of which no messages were kept for want of room",
            unit="1",
            required=True,
        ),
        column("names_lost", pa.int64(), "server names for which there was no room", unit="1", required=True),
        column("rows_written", pa.int64(), "rows of flows written", unit="1", required=True),
        column("rows_lost", pa.int64(), "rows for which the disk had no room", unit="1", required=True),
        column("ended_by", pa.string(), "roll, stop, or broken_off (taken up after a crash)", required=True),
    ]
)
