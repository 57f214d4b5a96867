"""What evidence pages draw of connections that nobody can read: the server's messages around each block."""

from collections.abc import Iterator, Mapping
from datetime import datetime

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.detect.encrypted.blocks import Chain, match
from minewatch.detect.encrypted.connections import Connection, connections_of
from minewatch.detect.encrypted.encrypted_flows import DETECTOR, chains_of
from minewatch.detect.encrypted.talk import talk_of
from minewatch.runs.report.data import Timing

AROUND_S = {"seen": (-30.0, 30.0), "header": (-30.0, 90.0)}
"""How far around a block messages are drawn, by the clock of its time."""

Key = tuple[str, datetime]
"""Endpoint and onset of the evidence."""


def timings(evidence: pa.Table, flows: pa.Table, block_times: pa.Table) -> dict[Key, Timing]:
    """Return the pictures of the evidence that names a coin by its blocks; ``flows`` with their messages."""
    mine = evidence.filter(pc.equal(evidence["detector"], DETECTOR.name)).to_pylist()
    coins = {(row["subject_id"], row["onset_at"]): row["coin"] for row in mine if row["coin"]}
    chains = {chain.coin: chain for chain in chains_of(block_times)} if coins else {}
    found = {}
    for key, connection in _connections(flows, coins) if chains else ():
        if (chain := chains.get(coins[key])) and (drawn := _timing(connection, chain)):
            found[key] = drawn
    return found


def _connections(flows: pa.Table, wanted: Mapping[Key, str]) -> Iterator[tuple[Key, Connection]]:
    for name in pc.unique(flows["capture"]).to_pylist():
        for connection in connections_of(flows.filter(pc.equal(flows["capture"], name))):
            key = (f"{connection.src_ip}:{connection.src_port}", connection.first_at)
            if key in wanted:
                yield key, connection


def _timing(connection: Connection, chain: Chain) -> Timing | None:
    talk = talk_of(connection.at_us, connection.size, connection.from_server)
    found = match(talk.push_us, talk.span_us, chain)
    if found is None:
        return None
    blocks = chain.within(talk.span_us, 0)
    low_s, high_s = AROUND_S[chain.clock]
    begin = np.searchsorted(talk.push_us, blocks + int(low_s * 1e6))
    end = np.searchsorted(talk.push_us, blocks + int(high_s * 1e6), side="right")
    number = np.repeat(np.arange(blocks.size), end - begin)
    pushes = np.concatenate(
        [talk.push_us[a:b] for a, b in zip(begin, end, strict=True)] or [talk.push_us[:0]]
    )
    return Timing(
        coin=chain.coin,
        clock=chain.clock,
        around_s=(low_s, high_s),
        blocks=int(blocks.size),
        block=number,
        after_s=(pushes - blocks[number]) / 1e6,
        hits=found.hits,
        by_chance=found.by_chance,
        offset_s=found.offset_s,
    )
