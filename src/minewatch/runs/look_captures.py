"""What a capture or flow log shows, one record per flow with evidence, without a lake."""

from collections.abc import Iterator
from typing import Any

import pyarrow as pa

from minewatch.detect.pools.pool_flows import judged_rows
from minewatch.detect.pools.pool_list import PoolList
from minewatch.schema.evidence import Evidence
from minewatch.schema.reasons import Reason

FLOW_KEYS = (
    "file",
    "src",
    "sport",
    "dst",
    "dport",
    "proto",
    "log10_lr",
    "dialect",
    "coin",
    "algorithm",
    "agent",
    "worker",
    "account",
    "pool",
    "hash_rate",
    "reasons",
)
"""Keys of a record, in order; a key without a value is None, never left out."""

_PROTOCOLS = {6: "tcp", 17: "udp"}


def flow_records(file: str, flows: pa.Table, language: str, pools: PoolList) -> Iterator[dict[str, Any]]:
    """Yield a record for each of ``flows`` (rows of the table ``flows``) that shows a sign of mining.

    What could not be judged is left out.
    ``worker`` is the one with most shares, ``account`` the first, ``hash_rate`` in H/s.
    """
    for flow, evidence in judged_rows(flows, pools=pools):
        if not evidence.refused:
            yield dict(zip(FLOW_KEYS, _values(file, flow, evidence, language), strict=True))


def reason_records(reasons: list[Reason], language: str) -> list[dict[str, Any]]:
    """Return reasons as JSON objects: code, values and the sentence in ``language``."""
    return [{"code": each.code, "text": each.text(language), "values": dict(each.values)} for each in reasons]


def _values(file: str, flow: dict[str, Any], evidence: Evidence, language: str) -> tuple[Any, ...]:
    workers = flow["workers"] or [{"worker": None, "submitted": 0}]
    return (
        file,
        flow["src_ip"],
        flow["src_port"],
        flow["dst_ip"],
        flow["dst_port"],
        _PROTOCOLS.get(flow["protocol"], str(flow["protocol"])),
        evidence.log10_lr,
        flow["dialect"],
        flow["coin"],
        flow["algorithm"],
        flow["agent"],
        max(workers, key=lambda each: each["submitted"])["worker"],
        (flow["accounts"] or [None])[0],
        flow["pool"],
        evidence.hash_rate.value if evidence.hash_rate else None,
        reason_records(list(evidence.reasons), language),
    )
