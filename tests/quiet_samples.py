"""Rows of ``flows`` and ``block_times`` with quiet connections of the simulator."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pyarrow as pa

from minewatch.schema.tables import TABLES
from minewatch.sim.streams import stream
from minewatch.sim.wire.chains import BLOCK_S, as_headed, as_seen, found
from minewatch.sim.wire.quiet_innocents import common_times, innocent
from minewatch.sim.wire.quiet_miners import SPEECHES, Pool, miner, work_times
from minewatch.sim.wire.quiet_talk import Link, Talk

START = datetime(2026, 5, 4, 2, tzinfo=UTC)
SPAN_S = 3600.0
LINK = Link(0.06, 0.1, 22)
POOL = Pool(0.2, 30.0, "regular")
Row = dict[str, Any]


def mining(name: str, seed: int, machines: int = 1, span_s: float = SPAN_S) -> tuple[list[Talk], list[Row]]:
    """Return connections of machines to one pool, and the block times that a node noted."""
    rng = stream(seed, "sample", name)
    coin = SPEECHES[name].coin
    blocks = {each: found(rng, each, span_s) for each in BLOCK_S}
    work = work_times(rng, POOL, blocks[coin], span_s)
    talks = [miner(rng, name, LINK, work, span_s) for _ in range(machines)]
    return talks, list(block_rows(rng, blocks))


def block_rows(rng: np.random.Generator, blocks: dict[str, Any], clock: str = "seen") -> Iterator[Row]:
    """Yield rows of ``block_times``."""
    times = {"seen": as_seen, "header": as_headed}[clock]
    for coin, each in blocks.items():
        for height, at_s in enumerate(times(rng, each, 0.0).tolist()):
            yield {"coin": coin, "height": height, "at": START + timedelta(seconds=at_s), "clock": clock}


def service(kind: str, seed: int, span_s: float = SPAN_S) -> Talk:
    """Return an innocent connection."""
    rng = stream(seed, "sample", kind)
    return innocent(rng, kind, LINK, common_times(rng, kind, span_s), span_s)


def flow_row(talk: Talk, number: int, server: str = "198.51.100.7", **more: Any) -> Row:
    """Return a row of ``flows`` with the messages of a talk."""
    at = [START + timedelta(microseconds=round(at_s * 1e6)) for at_s in talk.at_s.tolist()]
    columns = zip(at, talk.size.tolist(), talk.from_server.tolist(), strict=True)
    row = {
        "flow_id": f"flow-{number:03d}", "capture": "tap", "src_ip": f"192.0.2.{number}", "src_port": 40_000,
        "dst_ip": server, "dst_port": 443, "protocol": 6, "first_at": at[0], "last_at": at[-1],
        "src_bytes": 90_000, "dst_bytes": 90_000,
        "messages": [{"at": when, "size": size, "from_dst": side} for when, size, side in columns],
    }  # fmt: skip
    return row | more


def flows_table(rows: Sequence[Row]) -> pa.Table:
    """Return rows as a table ``flows``."""
    return pa.Table.from_pylist(list(rows), schema=TABLES["flows"].schema)


def blocks_table(rows: Sequence[Row]) -> pa.Table:
    """Return rows as a table ``block_times``."""
    return pa.Table.from_pylist(list(rows), schema=TABLES["block_times"].schema)
