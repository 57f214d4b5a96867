"""What a flow shows of mining, sign by sign, how strong each is, and what several of one flow are worth.

How the numbers come about is told in ``docs/explanation/pool-flows.md``.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from minewatch.detect.pools.noise import noise_sign
from minewatch.detect.pools.pool_list import Match, PoolList
from minewatch.schema.reasons import Reason, reason

Row = Mapping[str, Any]

TCP = 6
WITHOUT_PAYLOAD = 3.8
"""Most that signs without payload are worth together: less than work that was read."""


class Told(StrEnum):
    """By what a sign tells. Signs of one kind say the same thing; the strongest counts."""

    PAYLOAD = "payload"
    ALERT = "alert"
    SERVER = "server"
    SHAPE = "shape"


class Sign(NamedTuple):
    """A sign with its ``log10_lr`` against the innocents, given as shares of the ``alternatives``."""

    told: Told
    log10_lr: float
    alternatives: Mapping[str, float]
    reasons: Sequence[Reason]


class Strength(NamedTuple):
    """Strength of a sign that has always the same; see ``Sign``."""

    log10_lr: float
    alternatives: Mapping[str, float]


STRENGTHS: Mapping[str, Strength] = {
    "shares": Strength(5.0, {"protocol_test": 0.9, "json_rpc_service": 0.1}),
    "shares_sent": Strength(4.5, {"protocol_test": 0.8, "json_rpc_service": 0.2}),
    "work": Strength(4.0, {"protocol_test": 0.9, "json_rpc_service": 0.1}),
    "admitted": Strength(2.5, {"protocol_test": 0.7, "json_rpc_service": 0.3}),
    "alert": Strength(2.5, {"protocol_test": 0.5, "json_rpc_service": 0.5}),
    "template": Strength(1.5, {"node_operator": 0.9, "json_rpc_service": 0.1}),
    "noise_channel": Strength(3.0, {"protocol_test": 0.9, "node_operator": 0.1}),
    "noise_setup": Strength(2.0, {"protocol_test": 0.4, "node_operator": 0.6}),
    "noise_opening": Strength(1.2, {"protocol_test": 0.2, "node_operator": 0.8}),
}
"""By sign: what was said, an intrusion detector's alert, the sizes of the handshake of Stratum V2."""

PLACES: Mapping[str, Strength] = {
    "port_stays": Strength(3.0, {"pool_website": 0.3, "protocol_test": 0.7}),
    "port": Strength(2.0, {"pool_website": 0.5, "protocol_test": 0.5}),
    "listed_web_port_stays": Strength(2.5, {"pool_website": 0.6, "protocol_test": 0.4}),
    "listed_web_port": Strength(1.0, {"pool_website": 0.9, "protocol_test": 0.1}),
    "web_port_stays": Strength(1.3, {"pool_website": 0.95, "protocol_test": 0.05}),
    "web_port": Strength(0.3, {"pool_website": 0.98, "protocol_test": 0.02}),
}
"""A connection to a pool's server by where and for how long, were it certain whose server it is."""

DOUBTS: Mapping[str, float] = {"sni": 0.0, "host": 0.0, "certificate": 0.2, "dns": 0.4, "address": 0.7}
"""Taken off for how the server is known: the caller named it, it named itself, the DNS or a list did."""

_AGE_DOUBT, _MOST_AGE_DOUBT = 0.3, 1.2
"""Taken off for each year that an address has been on the list, and at most: addresses change hands."""

_SHARED = 0.5
"""Share of innocents at a listed address that use another service there (assumed)."""

_WEB_PORTS = frozenset({80, 443, 8080, 8443})
_SERVICE_PORTS = 1024
_STAY = timedelta(minutes=10)
_QUIET_BYTES_PER_S = 2000.0
"""Stratum moves 20 to 500 bytes/s for one connection; pages and downloads far more."""


def signs_of(flow: Row, pools: PoolList) -> list[Sign]:
    """Return the signs of a row of ``flows``, the strongest first."""
    found = [*_spoken(flow), *_shape(flow), *_server(flow, pools)]
    return sorted(found, key=lambda sign: -sign.log10_lr)


def together(signs: Sequence[Sign]) -> tuple[float, dict[str, float]]:
    """Return strength and innocent alternatives of several signs of one flow, the strongest first.

    Whose server it is and what the handshake looks like are two things: an innocent that explains both is
    rarer than one of them, up to ``WITHOUT_PAYLOAD``. All others tell of the same thing again.
    """
    first = signs[0]
    others = [sign for sign in signs if {sign.told, first.told} == {Told.SERVER, Told.SHAPE}]
    if not others or first.log10_lr >= WITHOUT_PAYLOAD:
        return first.log10_lr, dict(first.alternatives)
    shares = {
        name: share * others[0].alternatives.get(name, 0.01) for name, share in first.alternatives.items()
    }
    whole = sum(shares.values())
    strength = min(WITHOUT_PAYLOAD, first.log10_lr + max(0.0, others[0].log10_lr))
    return strength, {name: share / whole for name, share in shares.items()}


def never_answered(flow: Row) -> bool:
    """Tell whether the other side is known to have sent nothing."""
    return flow["dst_packets"] == 0 and bool(flow["src_packets"])


def known_server(flow: Row, pools: PoolList) -> tuple[str, Match] | None:
    """Return by what a flow's other side is known as a pool's, and the entry; None where it is not.

    Of several the one with the least doubt, of these one that gives out work.
    """
    port = flow["dst_port"]
    found = []
    for item in flow["names"] or ():
        asked = pools.of_certificate if item["kind"] == "certificate" else pools.of_name
        if match := asked(item["name"], port):
            found.append((item["kind"], match))
    if not found and (match := pools.of_address(flow["dst_ip"], port)):
        found.append(("address", match))
    return max(found, key=lambda each: (each[1].serves_work, -DOUBTS.get(each[0], 0.0)), default=None)


def lasts(flow: Row) -> timedelta:
    """Return how long a flow was seen."""
    span: timedelta = flow["last_at"] - flow["first_at"]
    return span


def _spoken(flow: Row) -> Iterator[Sign]:
    if flow["dialect"] == "ids_alert":
        reasons = [reason("wire_alert", signature=line) for line in flow["evidence_lines"] or ()]
        yield _fixed(Told.ALERT, "alert", reasons)
    elif flow["dialect"] is not None:
        said = {key: flow[key] or "?" for key in ("dialect", "pool", "coin", "algorithm", "agent")}
        reasons = [reason("wire_dialect", **said)]
        if flow["opening_seen"] is False:
            reasons.append(reason("wire_joined"))
        name, why = _deed(flow)
        yield _fixed(Told.PAYLOAD, name, [*reasons, why])


def _deed(flow: Row) -> tuple[str, Reason]:
    sent, jobs = flow["shares_submitted"] or 0, len(flow["job_times"] or ())
    if sent and flow["shares_accepted"] is not None:
        counts = {"submitted": sent, "accepted": flow["shares_accepted"]}
        why = reason("wire_shares", minutes=lasts(flow).total_seconds() / 60, **counts)
        return ("shares" if flow["shares_accepted"] else "shares_sent"), why
    if sent:
        return "shares_sent", reason("wire_shares_unanswered", submitted=sent)
    if flow["dialect"] == "http_getblocktemplate":
        return "template", reason("wire_template", jobs=jobs)
    return ("work", reason("wire_work", jobs=jobs)) if jobs else ("admitted", reason("wire_admitted"))


def _shape(flow: Row) -> Iterator[Sign]:
    sizes = flow["first_payloads"] or ()
    if flow["protocol"] == TCP and (name := noise_sign(sizes)):
        yield _fixed(Told.SHAPE, name, [reason(f"wire_{name}", sizes=", ".join(map(str, sizes)))])


def _server(flow: Row, pools: PoolList) -> Iterator[Sign]:
    known = known_server(flow, pools) if flow["protocol"] == TCP else None
    place = known and _place(flow, *known)
    if known is None or place is None:
        return
    kind, match = known
    strength = PLACES[place]
    alternatives = dict(strength.alternatives)
    if kind == "address":
        alternatives = {name: share * (1 - _SHARED) for name, share in alternatives.items()}
        alternatives["shared_address"] = _SHARED
    log10_lr = max(0.1, strength.log10_lr - DOUBTS.get(kind, 0.0) - _age_doubt(kind, match, flow))
    reasons = [_server_reason(kind, match), _stay_reason(flow)]
    yield Sign(Told.SERVER, round(log10_lr, 3), alternatives, reasons)


def _place(flow: Row, kind: str, match: Match) -> str | None:
    """Return the key of ``PLACES``; None where the pool's pages or another service are as likely."""
    stays = "_stays" if _stays(flow) else ""
    port = flow["dst_port"]
    if port not in _WEB_PORTS:
        is_service = kind == "address" and port < _SERVICE_PORTS and not match.on_listed_port
        return None if is_service else f"port{stays}"
    if match.on_listed_port:
        return f"listed_web_port{stays}"
    if kind == "address":
        return "web_port_stays" if stays else None
    return f"web_port{stays}" if match.serves_work else None


def _age_doubt(kind: str, match: Match, flow: Row) -> float:
    if kind != "address":
        return 0.0
    seen: date = flow["first_at"].date()
    years = max(0, (seen - match.entry.as_of).days) / 365.25
    return min(_MOST_AGE_DOUBT, _AGE_DOUBT * years)


def _stays(flow: Row) -> bool:
    return lasts(flow) >= _STAY and _bytes_per_s(flow) < _QUIET_BYTES_PER_S


def _bytes_per_s(flow: Row) -> float:
    moved: int = (flow["src_bytes"] or 0) + (flow["dst_bytes"] or 0)
    return moved / max(lasts(flow).total_seconds(), 1.0)


def _server_reason(kind: str, match: Match) -> Reason:
    entry = match.entry
    listed = {"source": entry.source, "as_of": str(entry.as_of)}
    if kind == "address":
        return reason("wire_pool_address", address=match.name, pool=entry.pool or entry.endpoint, **listed)
    return reason("wire_pool_name", kind=kind, name=match.name, pool=entry.pool or entry.endpoint, **listed)


def _stay_reason(flow: Row) -> Reason:
    minutes = lasts(flow).total_seconds() / 60
    return reason("wire_stays", minutes=minutes, rate=_bytes_per_s(flow), port=flow["dst_port"])


def _fixed(told: Told, name: str, reasons: Sequence[Reason]) -> Sign:
    strength = STRENGTHS[name]
    return Sign(told, strength.log10_lr, strength.alternatives, reasons)
