"""Detector: connections to mining pools, by what was said, by whose server it is, by their handshake.

Each connection with a sign gives one piece of evidence; see ``signs`` for what counts how much. To whose
server it goes is known from the list that is shipped and from the table ``pool_endpoints``.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from minewatch.detect.pools.noise import may_be_noise
from minewatch.detect.pools.pieces import joined
from minewatch.detect.pools.pool_list import PoolList, shipped, with_rows
from minewatch.detect.pools.quantities import Quantities, quantities_of
from minewatch.detect.pools.signs import Sign, Told, known_server, never_answered, signs_of, together
from minewatch.schema.evidence import Detector, Evidence, SubjectKind, evidence_table
from minewatch.schema.periods import Period
from minewatch.schema.reasons import Reason, reason
from minewatch.schema.steps import Step

DETECTOR = Detector("pool_flow", "2")

Inputs = tuple[Mapping[str, str | int], ...]

_TABLES = ("flows", "pool_endpoints")


def pool_flow_evidence(tables: Mapping[str, pa.Table], parameters: Mapping[str, Any]) -> pa.Table:
    """Return a row of ``evidence`` for each connection in ``tables["flows"]`` that shows a sign of mining.

    ``parameters``: where the flows come from a lake, ``inputs`` (table → [version, rows]).
    """
    inputs = tuple(
        {"table": name, "version": int(item[0]), "rows": int(item[1])}
        for name, item in sorted(parameters.get("inputs", {}).items())
        if name in _TABLES
    )
    pools = with_rows(tables["pool_endpoints"].to_pylist())
    return evidence_table(judge(tables["flows"], inputs, pools))


def judge(flows: pa.Table, inputs: Inputs = (), pools: PoolList | None = None) -> list[Evidence]:
    """Return the evidence in ``flows`` (rows of the table ``flows``), in their order."""
    return [found for _, found in judged_rows(flows, inputs, pools)]


def judged_rows(
    flows: pa.Table, inputs: Inputs = (), pools: PoolList | None = None
) -> list[tuple[dict[str, Any], Evidence]]:
    """Return (row of ``flows``, evidence) for each connection with a sign of mining or to a pool's server.

    ``pools``: None for the list that is shipped. Of a connection that lies in several rows the first stands
    for all.
    """
    known = shipped() if pools is None else pools
    rows = joined(flows.filter(_may_show(flows, known)).to_pylist())
    found = [(row, _weigh(row, known, inputs)) for row in rows]
    return [(row, evidence) for row, evidence in found if evidence is not None]


def _may_show(flows: pa.Table, pools: PoolList) -> pa.ChunkedArray | pa.Array:
    """Return a mask of the flows that speak a dialect, go to a known server or open like Stratum V2."""
    shown = pc.or_(pc.is_valid(flows["dialect"]), may_be_noise(flows["first_payloads"]))
    flat = pc.list_flatten(flows["names"])
    names = pc.struct_field(flat, "name")
    listed = [name for name in pc.unique(names).to_pylist() if pools.of_certificate(name)]
    if listed:
        parents = pc.list_parent_indices(flows["names"]).filter(pc.is_in(names, pa.array(listed)))
        shown = pc.or_(shown, pc.is_in(pa.array(range(len(flows)), pa.int64()), pc.unique(parents)))
    if len(pools.ranges):
        servers = [ip for ip in pc.unique(flows["dst_ip"]).to_pylist() if pools.of_address(ip)]
        shown = pc.or_(shown, pc.is_in(flows["dst_ip"], pa.array(servers, pa.string())))
    return shown


def _weigh(flow: dict[str, Any], pools: PoolList, inputs: Inputs) -> Evidence | None:
    signs = signs_of(flow, pools)
    if not signs:
        return None
    without_payload = signs[0].told in (Told.SERVER, Told.SHAPE)
    if without_payload and never_answered(flow):
        return _evidence(flow, inputs, reasons=[_unanswered(flow, pools)])
    heard = any(sign.told is Told.PAYLOAD for sign in signs)
    quantities = quantities_of(flow) if heard else Quantities(None, None, [])
    strength, alternatives = together(signs)
    server = known_server(flow, pools)
    return _evidence(
        flow,
        inputs,
        reasons=[*_reasons(flow, signs, without_payload), *quantities.reasons],
        log10_lr=strength,
        best_alternative=max(alternatives, key=lambda name: alternatives[name]),
        alternatives=alternatives,
        power_kw=quantities.power_kw,
        hash_rate=quantities.hash_rate,
        algorithm=flow["algorithm"],
        coin=flow["coin"] or (server and server[1].entry.coin),
    )


def _evidence(flow: dict[str, Any], inputs: Inputs, log10_lr: float | None = None, **more: Any) -> Evidence:
    return Evidence(
        detector=DETECTOR,
        subject_kind=SubjectKind.ENDPOINT,
        subject_id=f"{flow['src_ip']}:{flow['src_port']}",
        period=Period(flow["first_at"], flow["last_at"] + timedelta(microseconds=1)),
        log10_lr=log10_lr,
        onset_at=flow["first_at"],
        ended_at=flow["last_at"],
        inputs=inputs,
        **more,
    )


def _reasons(flow: dict[str, Any], signs: Iterable[Sign], without_payload: bool) -> list[Reason]:
    reasons = [each for sign in signs for each in sign.reasons]
    if without_payload:
        reasons.append(reason("wire_no_payload"))
    if flow["pieces"] > 1:
        reasons.append(reason("wire_pieces", pieces=flow["pieces"]))
    return reasons


def _unanswered(flow: dict[str, Any], pools: PoolList) -> Reason:
    server = known_server(flow, pools)
    pool = server and (server[1].entry.pool or server[1].entry.endpoint)
    where = f"{flow['dst_ip']}:{flow['dst_port']}"
    return reason("wire_unanswered", packets=flow["src_packets"], server=where, pool=pool or "?")


POOL_FLOW_STEP = Step(
    name=DETECTOR.name,
    version=DETECTOR.version,
    inputs=("flows",),
    group_by="capture",
    output="evidence",
    function=pool_flow_evidence,
    whole=("pool_endpoints",),
)
"""Evidence of the flows of a set of captures."""
