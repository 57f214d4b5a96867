"""What ``look`` tells of a connection with evidence, as a JSON object."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from minewatch.detect.pools.weighing import Row
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


def flow_records(file: str, found: Iterable[tuple[Row, Evidence]], language: str) -> Iterator[dict[str, Any]]:
    """Yield a record for each connection that was judged; what could not be judged is left out.

    ``worker`` is the one with most shares, ``account`` the first, ``hash_rate`` in H/s.
    """
    for flow, evidence in found:
        if not evidence.refused:
            yield dict(zip(FLOW_KEYS, _values(file, flow, evidence, language), strict=True))


def reason_records(reasons: Sequence[Reason], language: str) -> list[dict[str, Any]]:
    """Return reasons as JSON objects: code, values and the sentence in ``language``."""
    return [{"code": each.code, "text": each.text(language), "values": dict(each.values)} for each in reasons]


def _values(file: str, flow: Row, evidence: Evidence, language: str) -> tuple[Any, ...]:
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
