"""Detector: connections to mining pools, by what was said or by the name of the server.

Each flow with a sign gives one piece of evidence. Its strength is that of the strongest sign, in the table
``STRENGTHS``; how these numbers come about is told in ``docs/explanation/pool-flows.md``.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from minewatch.detect.pools.hash_rate import hash_rate_of, power_of, share_count
from minewatch.detect.pools.pool_list import Match, shipped
from minewatch.schema.evidence import Detector, Estimate, Evidence, SubjectKind, evidence_table
from minewatch.schema.machines import efficiency
from minewatch.schema.periods import Period
from minewatch.schema.reasons import Reason, reason
from minewatch.schema.steps import Step

DETECTOR = Detector("pool_flow", "1")


class Strength(NamedTuple):
    """Strength of a sign: ``log10_lr`` against the innocent classes, given as shares of the innocent."""

    log10_lr: float
    alternatives: Mapping[str, float]


STRENGTHS: Mapping[str, Strength] = {
    "shares": Strength(5.0, {"protocol_test": 0.9, "json_rpc_service": 0.1}),
    "shares_sent": Strength(4.5, {"protocol_test": 0.8, "json_rpc_service": 0.2}),
    "work": Strength(4.0, {"protocol_test": 0.9, "json_rpc_service": 0.1}),
    "admitted": Strength(2.5, {"protocol_test": 0.7, "json_rpc_service": 0.3}),
    "alert": Strength(2.5, {"protocol_test": 0.5, "json_rpc_service": 0.5}),
    "template": Strength(1.5, {"node_operator": 0.9, "json_rpc_service": 0.1}),
    "name_port_stays": Strength(3.0, {"pool_website": 0.3, "protocol_test": 0.7}),
    "name_port": Strength(2.0, {"pool_website": 0.5, "protocol_test": 0.5}),
    "name_stays": Strength(1.3, {"pool_website": 0.95, "protocol_test": 0.05}),
    "name": Strength(0.3, {"pool_website": 0.98, "protocol_test": 0.02}),
}
"""By sign. The first six come from the payload, the others from a pool's name alone."""

_WEB_PORTS = frozenset({80, 443, 8080, 8443})
_STAY = timedelta(minutes=10)
_QUIET_BYTES_PER_S = 2000.0
"""Stratum moves 20 to 500 bytes/s for one connection; pages and downloads far more."""


def pool_flow_evidence(tables: Mapping[str, pa.Table], parameters: Mapping[str, Any]) -> pa.Table:
    """Return a row of ``evidence`` for each flow in ``tables["flows"]`` that shows a sign of mining.

    ``parameters``: where the flows come from a lake, ``inputs`` (table → [version, rows]).
    """
    inputs = [
        {"table": name, "version": int(item[0]), "rows": int(item[1])}
        for name, item in parameters.get("inputs", {}).items()
        if name == "flows"
    ]
    return evidence_table(judge(tables["flows"], inputs))


def judge(flows: pa.Table, inputs: Iterable[Mapping[str, str | int]] = ()) -> list[Evidence]:
    """Return the evidence in ``flows`` (rows of the table ``flows``), in their order."""
    taken = tuple(inputs)
    return [found for _, found in judged_rows(flows, taken)]


def judged_rows(
    flows: pa.Table, inputs: tuple[Mapping[str, str | int], ...] = ()
) -> list[tuple[dict[str, Any], Evidence]]:
    """Return (row of ``flows``, evidence) for each flow with a sign of mining."""
    rows = flows.filter(_may_show(flows)).to_pylist()
    found = [(row, _weigh(row, inputs)) for row in rows]
    return [(row, evidence) for row, evidence in found if evidence is not None]


def _may_show(flows: pa.Table) -> pa.ChunkedArray | pa.Array:
    """Return a mask of the flows that speak a dialect or carry a known pool's name."""
    speaks = pc.is_valid(flows["dialect"])
    flat = pc.list_flatten(flows["names"])
    names = pc.struct_field(flat, "name")
    pools = [name for name in pc.unique(names).to_pylist() if shipped().of_name(name)]
    if not pools:
        return speaks
    parents = pc.list_parent_indices(flows["names"]).filter(pc.is_in(names, pa.array(pools)))
    return pc.or_(speaks, pc.is_in(pa.array(range(len(flows)), pa.int64()), pc.unique(parents)))


def _weigh(flow: dict[str, Any], inputs: tuple[Mapping[str, str | int], ...]) -> Evidence | None:
    sign, reasons = _spoken(flow) if flow["dialect"] else _named(flow)
    if sign is None:
        return None
    strength = STRENGTHS[sign]
    heard = flow["dialect"] and sign != "alert"
    rate, power, quantities = _quantities(flow) if heard else (None, None, [])
    return Evidence(
        detector=DETECTOR,
        subject_kind=SubjectKind.ENDPOINT,
        subject_id=f"{flow['src_ip']}:{flow['src_port']}",
        period=Period(flow["first_at"], flow["last_at"] + timedelta(microseconds=1)),
        log10_lr=strength.log10_lr,
        reasons=[*reasons, *quantities],
        best_alternative=max(strength.alternatives, key=lambda name: strength.alternatives[name]),
        alternatives=strength.alternatives,
        power_kw=power,
        onset_at=flow["first_at"],
        ended_at=flow["last_at"],
        hash_rate=rate,
        algorithm=flow["algorithm"],
        coin=flow["coin"],
        inputs=inputs,
    )


def _spoken(flow: dict[str, Any]) -> tuple[str, list[Reason]]:
    if flow["dialect"] == "ids_alert":
        return "alert", [reason("wire_alert", signature=line) for line in flow["evidence_lines"]]
    said = {key: flow[key] or "?" for key in ("dialect", "pool", "coin", "algorithm", "agent")}
    reasons = [reason("wire_dialect", **said)]
    if flow["opening_seen"] is False:
        reasons.append(reason("wire_joined"))
    sent, jobs = flow["shares_submitted"] or 0, len(flow["job_times"] or ())
    if sent:
        answered = flow["shares_accepted"] is not None
        code = "wire_shares" if answered else "wire_shares_unanswered"
        minutes = _lasts(flow).total_seconds() / 60
        values = {"accepted": flow["shares_accepted"], "minutes": minutes} if answered else {}
        sign = "shares" if flow["shares_accepted"] else "shares_sent"
        return sign, [*reasons, reason(code, submitted=sent, **values)]
    if flow["dialect"] == "http_getblocktemplate":
        return "template", [*reasons, reason("wire_template", jobs=jobs)]
    if jobs:
        return "work", [*reasons, reason("wire_work", jobs=jobs)]
    return "admitted", [*reasons, reason("wire_admitted")]


def _named(flow: dict[str, Any]) -> tuple[str | None, list[Reason]]:
    known = [(item["kind"], pool) for item in flow["names"] if (pool := shipped().of_name(item["name"]))]
    kind, pool = max(known, key=lambda each: each[1].serves_work)
    on_web_port = flow["dst_port"] in _WEB_PORTS
    if on_web_port and not pool.serves_work:
        return None, []  # a visit to the pool's web site
    seconds = _lasts(flow).total_seconds()
    rate = ((flow["src_bytes"] or 0) + (flow["dst_bytes"] or 0)) / max(seconds, 1.0)
    stays = _lasts(flow) >= _STAY and rate < _QUIET_BYTES_PER_S
    sign = ("name" if on_web_port else "name_port") + ("_stays" if stays else "")
    return sign, [_name_reason(kind, pool), _stay_reason(flow, seconds, rate)]


def _name_reason(kind: str, pool: Match) -> Reason:
    return reason(
        "wire_pool_name", kind=kind, name=pool.name, domain=pool.entry.endpoint, as_of=str(pool.entry.as_of)
    )


def _stay_reason(flow: dict[str, Any], seconds: float, rate: float) -> Reason:
    return reason("wire_stays", minutes=seconds / 60, rate=rate, port=flow["dst_port"])


def _lasts(flow: dict[str, Any]) -> timedelta:
    first_at: datetime = flow["first_at"]
    return flow["last_at"] - first_at


def _quantities(flow: dict[str, Any]) -> tuple[Estimate | None, Estimate | None, list[Reason]]:
    """Return hash rate, power and the reasons that tell of them, also of their lack."""
    reasons = []
    if flow["reported_hash_rate"]:
        reasons.append(reason("wire_reported", rate=hash_rate_text(flow["reported_hash_rate"])))
    count = share_count(flow)
    if count is None:
        return None, None, [*reasons, reason("wire_no_hash_rate")]
    rate = hash_rate_of(count)
    if rate is None:
        return None, None, [*reasons, reason("wire_short", seconds=count.seconds)]
    texts = {name: hash_rate_text(getattr(rate, key)) for name, key in _RATE_TEXTS.items()}
    reasons.append(reason("wire_hash_rate", **texts))
    power, why = _power(flow, rate)
    return rate, power, [*reasons, why]


_RATE_UNITS = (("EH/s", 1e18), ("PH/s", 1e15), ("TH/s", 1e12), ("GH/s", 1e9), ("MH/s", 1e6), ("kH/s", 1e3))
_ENERGY_UNITS = (("J/H", 1.0), ("J/kH", 1e3), ("J/MH", 1e6), ("J/GH", 1e9), ("J/TH", 1e12))
_RATE_TEXTS = {"rate": "value", "low": "low", "high": "high"}


def _power(flow: dict[str, Any], rate: Estimate) -> tuple[Estimate | None, Reason]:
    algorithm = flow["algorithm"] or "?"
    energy = efficiency(algorithm, flow["agent"])
    if energy is None:
        return None, reason("wire_no_power", algorithm=algorithm)
    power = power_of(rate, energy)
    energies = {"best": energy_text(energy.best), "worst": energy_text(energy.worst)}
    return power, reason("wire_power", algorithm=algorithm, low=power.low, high=power.high, **energies)


def hash_rate_text(rate: float) -> str:
    """Return a hash rate (H/s) with three digits and the unit that fits, as ``30.5 MH/s``."""
    for unit, size in _RATE_UNITS:
        if rate >= size:
            return f"{rate / size:.3g} {unit}"
    return f"{rate:.3g} H/s"


def energy_text(joule_per_hash: float) -> str:
    """Return the energy for one hash in the unit that fits, as ``21.6 J/TH``."""
    for unit, size in _ENERGY_UNITS:
        if joule_per_hash * size >= 1:
            return f"{joule_per_hash * size:.3g} {unit}"
    return f"{joule_per_hash * 1e12:.3g} J/TH"


POOL_FLOW_STEP = Step(
    name=DETECTOR.name,
    version=DETECTOR.version,
    inputs=("flows",),
    group_by="capture",
    output="evidence",
    function=pool_flow_evidence,
)
"""Evidence of the flows of a set of captures."""
