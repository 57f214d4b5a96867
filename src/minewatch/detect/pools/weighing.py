"""Evidence of connections to mining pools, one connection at a time.

Rows of ``flows`` are plain dictionaries here: a capture is looked at without Arrow.
"""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any

from minewatch.detect.pools.pieces import joined
from minewatch.detect.pools.pool_list import PoolList
from minewatch.detect.pools.quantities import Quantities, quantities_of
from minewatch.detect.pools.signs import Sign, Told, known_server, never_answered, signs_of, together
from minewatch.schema.evidence import Detector, Evidence, SubjectKind
from minewatch.schema.periods import Period
from minewatch.schema.reasons import Reason, reason

DETECTOR = Detector("pool_flow", "2")

Row = dict[str, Any]
Inputs = tuple[Mapping[str, str | int], ...]


def weighed(rows: Iterable[Row], pools: PoolList, inputs: Inputs = ()) -> list[tuple[Row, Evidence]]:
    """Return (row, evidence) for each connection in rows of ``flows`` that shows a sign, in their order.

    Of a connection that lies in several rows the first stands for all; see ``pieces``.
    """
    found = [(row, _weigh(row, pools, inputs)) for row in joined(rows)]
    return [(row, evidence) for row, evidence in found if evidence is not None]


def _weigh(flow: Row, pools: PoolList, inputs: Inputs) -> Evidence | None:
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


def _evidence(flow: Row, inputs: Inputs, log10_lr: float | None = None, **more: Any) -> Evidence:
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


def _reasons(flow: Row, signs: Iterable[Sign], without_payload: bool) -> list[Reason]:
    reasons = [each for sign in signs for each in sign.reasons]
    if without_payload:
        reasons.append(reason("wire_no_payload"))
    if flow["pieces"] > 1:
        reasons.append(reason("wire_pieces", pieces=flow["pieces"]))
    return reasons


def _unanswered(flow: Row, pools: PoolList) -> Reason:
    server = known_server(flow, pools)
    pool = server and (server[1].entry.pool or server[1].entry.endpoint)
    where = f"{flow['dst_ip']}:{flow['dst_port']}"
    return reason("wire_unanswered", packets=flow["src_packets"], server=where, pool=pool or "?")
