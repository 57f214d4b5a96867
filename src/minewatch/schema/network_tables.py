"""Tables of network flows and of who held which address."""

import pyarrow as pa

from minewatch.schema.columns import DataClass, column
from minewatch.schema.types import INSTANT

_PERSONAL = DataClass.PERSONAL

NAME_SEEN = pa.struct(
    [
        pa.field("kind", pa.string(), nullable=False),  # sni, host, dns, certificate
        pa.field("name", pa.string(), nullable=False),
    ]
)

DIFFICULTY_CHANGE = pa.struct(
    [
        pa.field("at", INSTANT, nullable=False),
        pa.field("difficulty", pa.float64(), nullable=False),
    ]
)

WORKER_SHARES = pa.struct(
    [
        pa.field("worker", pa.string(), nullable=False),
        pa.field("submitted", pa.int64(), nullable=False),
        pa.field("accepted", pa.int64()),
        pa.field("rejected", pa.int64()),
        pa.field("stale", pa.int64()),
        pa.field("expected_hashes", pa.float64()),
    ]
)

MESSAGE_SEEN = pa.struct(
    [
        pa.field("at", INSTANT, nullable=False),
        pa.field("size", pa.int32(), nullable=False),
        pa.field("from_dst", pa.bool_(), nullable=False),
    ]
)

FLOWS = pa.schema(
    [
        column("flow_id", pa.string(), "hash of capture, five-tuple and start", required=True),
        column("capture", pa.string(), "name of the file or sensor", required=True),
        column("src_ip", pa.string(), "side that opened the flow", data_class=_PERSONAL, required=True),
        column("src_port", pa.int32(), "port", required=True),
        column("dst_ip", pa.string(), "other side", data_class=_PERSONAL, required=True),
        column("dst_port", pa.int32(), "port", required=True),
        column("protocol", pa.int16(), "IANA number: 6 TCP, 17 UDP", required=True),
        column("vlan", pa.int32(), "outermost VLAN, where tagged"),
        column("opening_seen", pa.bool_(), "the handshake is in the capture; false: joined in the middle"),
        column("first_at", INSTANT, "first packet", required=True),
        column("last_at", INSTANT, "last packet", required=True),
        column("src_packets", pa.int64(), "packets from src", unit="1"),
        column("dst_packets", pa.int64(), "packets from dst", unit="1"),
        column("src_bytes", pa.int64(), "IP bytes from src", unit="By"),
        column("dst_bytes", pa.int64(), "IP bytes from dst", unit="By"),
        column("names", pa.list_(NAME_SEEN), "server names seen in or for the flow", data_class=_PERSONAL),
        column(
            "first_payloads",
            pa.list_(pa.int32()),
            "sizes of the first payload packets, at most 8; negative from dst",
            unit="By",
        ),
        column(
            "messages",
            pa.list_(MESSAGE_SEEN),
            "payload packets of a quiet, long connection without readable text, at most 4,096",
        ),
        column("dialect", pa.string(), "mining protocol spoken, null where none was seen"),
        column("coin", pa.string(), "ticker, where the protocol or pool tells"),
        column("algorithm", pa.string(), "proof-of-work function"),
        column("agent", pa.string(), "miner software and version"),
        column("pool", pa.string(), "pool by name, or its address"),
        column("accounts", pa.list_(pa.string()), "wallets or pool accounts", data_class=_PERSONAL),
        column(
            "workers", pa.list_(WORKER_SHARES), "worker names with shares submitted", data_class=_PERSONAL
        ),
        column("difficulty", pa.list_(DIFFICULTY_CHANGE), "difficulty set by the pool over time", unit="1"),
        column(
            "expected_hashes",
            pa.float64(),
            "hashes that the shares stand for on average; those refused, but not as stale, left out",
            unit="1",
        ),
        column("shares_submitted", pa.int64(), "shares sent; null: the miner's side is not seen", unit="1"),
        column("shares_accepted", pa.int64(), "shares the pool accepted", unit="1"),
        column("shares_rejected", pa.int64(), "shares rejected, stale or doubled", unit="1"),
        column("shares_stale", pa.int64(), "of the rejected: shares for work that was over", unit="1"),
        column("machines", pa.int64(), "machines told apart on the connection", unit="1"),
        column(
            "reported_hash_rate", pa.float64(), "largest hash rate that the miner itself reports", unit="H/s"
        ),
        column("shares_first_at", INSTANT, "start of the time in which shares were counted"),
        column("shares_last_at", INSTANT, "end of the time in which shares were counted"),
        column("job_times", pa.list_(INSTANT), "times at which the pool sent work"),
        column(
            "evidence_lines", pa.list_(pa.string()), "the protocol lines that show it", data_class=_PERSONAL
        ),
    ]
)

IP_LEASES = pa.schema(
    [
        column("prefix", pa.string(), "address or CIDR prefix", data_class=_PERSONAL, required=True),
        column("port_low", pa.int32(), "first port of the range", required=True),
        column("port_high", pa.int32(), "last port of the range", required=True),
        column("valid_from", INSTANT, "start of validity, included", required=True),
        column("valid_to", INSTANT, "end of validity, excluded; null: still valid"),
        column("kind", pa.string(), "static, dhcp, nat (next_prefix is the inner side), transit"),
        column("next_prefix", pa.string(), "inner address behind this NAT layer", data_class=_PERSONAL),
        column("holder_name", pa.string(), "subscriber", data_class=_PERSONAL),
        column("uscc", pa.string(), "统一社会信用代码 of the subscriber"),
        column("address", pa.string(), "installation address as written", data_class=_PERSONAL),
        column("region_code", pa.string(), "GB/T 2260 code"),
        column("carrier", pa.string(), "carrier that leases it"),
    ]
)

LINE_TRAFFIC = pa.schema(
    [
        column("prefix", pa.string(), "address or CIDR prefix counted", data_class=_PERSONAL, required=True),
        column("port_low", pa.int32(), "first port of the range", required=True),
        column("port_high", pa.int32(), "last port of the range", required=True),
        column("hour", INSTANT, "start of the hour, or of a shorter time within it", required=True),
        column(
            "inbound_bytes",
            pa.float64(),
            "IP bytes towards the holder (ifHCOutOctets at the carrier's port)",
            unit="By",
            required=True,
        ),
        column(
            "outbound_bytes",
            pa.float64(),
            "IP bytes from the holder (ifHCInOctets at the carrier's port)",
            unit="By",
            required=True,
        ),
        column("peers", pa.int64(), "distinct remote addresses in the hour", unit="1"),
        column("local_addresses", pa.int64(), "distinct addresses of the prefix that took part", unit="1"),
        column("carrier", pa.string(), "carrier that counted"),
    ]
)

POOL_ENDPOINTS = pa.schema(
    [
        column("kind", pa.string(), "domain, address (or CIDR prefix), certificate", required=True),
        column(
            "endpoint", pa.string(), "the domain, address, prefix or name in a certificate", required=True
        ),
        column("port", pa.int32(), "port at which the pool gives out work; 0: any", required=True),
        column("pool", pa.string(), "name of the pool"),
        column("coin", pa.string(), "ticker, where only one is mined there"),
        column("source", pa.string(), "who says so", required=True),
        column("as_of", pa.date32(), "day of the list", required=True),
    ]
)

BLOCK_TIMES = pa.schema(
    [
        column("coin", pa.string(), "ticker of the chain", data_class=DataClass.PUBLIC, required=True),
        column(
            "height", pa.int64(), "number of the block", unit="1", data_class=DataClass.PUBLIC, required=True
        ),
        column("at", INSTANT, "when it came", data_class=DataClass.PUBLIC, required=True),
        column(
            "clock",
            pa.string(),
            "seen: by the clock of a node that heard of it; header (or null): as its miner wrote into it",
            data_class=DataClass.PUBLIC,
        ),
        column("source", pa.string(), "who says so", data_class=DataClass.PUBLIC),
    ]
)
