"""Detector: mining on connections that nobody can read, by when who sends how much.

See ``docs/explanation/encrypted-flows.md`` for the method.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.detect.encrypted.blocks import Blocks, Chain, chain_of, usable, weigh_blocks
from minewatch.detect.encrypted.connections import (
    COLUMNS,
    Connection,
    Unnoted,
    connections_of,
    unnoted_of,
)
from minewatch.detect.encrypted.evenness import Evenness, evenness_of
from minewatch.detect.encrypted.model import Seen, Verdict, shipped_model, shipped_version
from minewatch.detect.encrypted.needs import talk_refusal
from minewatch.detect.encrypted.reasons import Judged, talk_reasons
from minewatch.detect.encrypted.talk import Floats, Talk, features_of, joined, talk_of
from minewatch.schema.evidence import Detector, Evidence, SubjectKind, evidence_table, inputs_of
from minewatch.schema.periods import Period
from minewatch.schema.reasons import Reason, reason
from minewatch.schema.steps import Step, asked

Ints = npt.NDArray[np.int64]

DETECTOR = Detector("encrypted_flow", f"1-{shipped_version()}")
"""Name and version: of the method, then of the reference of simulated connections."""

_PEERS = 16
"""Connections to the same server that one is held against."""

HOPELESS = -4.0
"""log10 of the ratio by shape below which blocks and neighbours are not asked."""

_NAMED_COIN = 2.0


def encrypted_evidence(tables: Mapping[str, pa.Table], parameters: Mapping[str, Any]) -> pa.Table:
    """Return the evidence of ``tables["flows"]``: a row for each connection that looks like mining.

    A host with connections to a server of which none does, but some could not be judged, has one refusal for
    that server. ``tables["block_times"]`` are those of all coins. ``parameters``: see
    ``minewatch.schema.steps.asked``.
    """
    _, zone, versions = asked(parameters)
    chains = chains_of(tables["block_times"])
    parts = _by_server(tables["flows"])
    return evidence_table(item for part in parts for item in judge(part, chains, zone, versions))


def _by_server(flows: pa.Table) -> Iterator[pa.Table]:
    """Yield the flows of each capture to each server, by address, then capture."""
    if flows.num_rows:
        rows = flows.sort_by([("dst_ip", "ascending"), ("capture", "ascending")])
        pairs = list(zip(rows["dst_ip"].to_pylist(), rows["capture"].to_pylist(), strict=True))
        edges = [n for n in range(1, len(pairs)) if pairs[n] != pairs[n - 1]]
        for begin, end in pairwise([0, *edges, len(pairs)]):
            yield rows.slice(begin, end - begin)


def chains_of(block_times: pa.Table) -> list[Chain]:
    """Return for each coin the chain by the better of its clocks, without chains that tell nothing."""
    seen = pc.fill_null(pc.equal(block_times["clock"], "seen"), False)
    found: dict[str, Chain] = {}
    for clock, rows in (("header", block_times.filter(pc.invert(seen))), ("seen", block_times.filter(seen))):
        for coin in sorted(pc.unique(rows["coin"]).to_pylist()):
            own = rows.filter(pc.equal(rows["coin"], coin)).select(["height", "at"])
            first = own.group_by("height", use_threads=False).aggregate([("at", "min")])["at_min"]
            chain = chain_of(coin, clock, first.cast(pa.int64()).to_numpy())
            if usable(chain):
                found[coin] = chain
    return [found[coin] for coin in sorted(found)]


def judge(
    flows: pa.Table, chains: Sequence[Chain], zone: ZoneInfo, versions: Mapping[str, int] | None = None
) -> Iterator[Evidence]:
    """Yield the evidence in the flows of one capture to one server."""
    case = _Case(connections_of(flows), chains, zone, versions or {})
    refused: dict[str, Evidence] = {}
    shown = set()
    for connection, found in case.every():
        if isinstance(found, Reason):
            refused.setdefault(connection.src_ip, case.refusal(connection, found))
        else:
            shown.add(connection.src_ip)
            yield found
    for host, unnoted in unnoted_of(flows).items():
        refused.setdefault(host, case.unnoted(unnoted))
    yield from (refused[host] for host in sorted(refused.keys() - shown))


def signs(flows: pa.Table, chains: Sequence[Chain], zone: ZoneInfo) -> Iterator[tuple[Connection, Evidence]]:
    """Yield the connections of one capture that look like mining, with the evidence."""
    for connection, found in _Case(connections_of(flows), chains, zone, {}).every():
        if isinstance(found, Evidence):
            yield connection, found


class Weighed(NamedTuple):
    """A talk with its features, what blocks say and what comes of both."""

    features: Floats
    blocks: Blocks
    verdict: Verdict


def weigh(
    talk: Talk, others: Sequence[Ints], chains: Sequence[Chain], even: Evenness | None = None
) -> Weighed:
    """Weigh a talk; ``others``: pushes on each other connection to the same server."""
    is_even = even.is_even if even else None
    alone = features_of(talk)
    verdict = shipped_model().verdict(Seen(alone, 0.0, is_even))
    if verdict.log10_lr < HOPELESS:
        return Weighed(alone, Blocks(0.0, None), verdict)
    features = features_of(talk, joined(others)) if others else alone
    blocks = weigh_blocks(talk.push_us, talk.span_us, chains)
    return Weighed(features, blocks, shipped_model().verdict(Seen(features, blocks.log10_b, is_even)))


class _Case:
    """What all evidence of one capture and server shares."""

    def __init__(
        self,
        connections: Sequence[Connection],
        chains: Sequence[Chain],
        zone: ZoneInfo,
        versions: Mapping[str, int],
    ) -> None:
        self.connections, self._chains, self._zone, self._versions = connections, chains, zone, versions
        self._talks: dict[int, Talk] = {}
        self._at: dict[tuple[str, int], list[int]] = {}
        for place, connection in enumerate(connections):
            self._at.setdefault(connection.server, []).append(place)

    def every(self) -> Iterator[tuple[Connection, Evidence | Reason]]:
        """Yield each connection that looks like mining with its evidence, or with why it cannot be judged."""
        for place, connection in enumerate(self.connections):
            found = self._judged(place)
            if found is not None:
                yield connection, found

    def _judged(self, place: int) -> Evidence | Reason | None:
        """Return the evidence on a connection, why it cannot be judged, or None where it shows no sign."""
        connection, talk = self.connections[place], self._talk(place)
        if refusal := talk_refusal(talk):
            return refusal
        others = [self._talk(other).push_us for other in self._neighbours(place)]
        even = evenness_of(talk.at_us, talk.span_us, self._zone)
        weighed = weigh(talk, others, self._chains, even)
        if not weighed.verdict.log10_lr > 0:
            return None
        best = weighed.blocks.best
        named = best is not None and best.log10_b >= _NAMED_COIN
        return Evidence(
            **self._subject(connection, len(others)),
            log10_lr=weighed.verdict.log10_lr,
            best_alternative=weighed.verdict.best,
            alternatives=weighed.verdict.alternatives,
            onset_at=connection.first_at,
            ended_at=connection.last_at,
            coin=best.coin if best and named else None,
            reasons=talk_reasons(Judged(talk, len(others), even, *weighed)),
        )

    def refusal(self, connection: Connection, why: Reason) -> Evidence:
        """Return that a connection cannot be judged."""
        return Evidence(**self._subject(connection, 0), log10_lr=None, reasons=[why])

    def unnoted(self, unnoted: Unnoted) -> Evidence:
        """Return that nobody noted the messages of a host's connections."""
        row = unnoted.longest
        minutes = (row["last_at"] - row["first_at"]).total_seconds() / 60
        return Evidence(
            detector=DETECTOR,
            subject_kind=SubjectKind.ENDPOINT,
            subject_id=f"{row['src_ip']}:{row['src_port']}",
            period=_period(row["first_at"], row["last_at"]),
            log10_lr=None,
            reasons=[reason("encrypted_unnoted", connections=unnoted.connections, minutes=minutes)],
            inputs=inputs_of(self._versions, {"flows": unnoted.connections}),
        )

    def _subject(self, connection: Connection, others: int) -> dict[str, Any]:
        rows = {"flows": connection.rows + others, "block_times": sum(c.at_us.size for c in self._chains)}
        return {
            "detector": DETECTOR,
            "subject_kind": SubjectKind.ENDPOINT,
            "subject_id": f"{connection.src_ip}:{connection.src_port}",
            "period": _period(connection.first_at, connection.last_at),
            "inputs": inputs_of(self._versions, rows),
        }

    def _talk(self, place: int) -> Talk:
        if place not in self._talks:
            one = self.connections[place]
            self._talks[place] = talk_of(one.at_us, one.size, one.from_server)
        return self._talks[place]

    def _neighbours(self, place: int) -> list[int]:
        """Return the connections to the same server at the same time, at most the next sixteen."""
        one, same = self.connections[place], self._at[self.connections[place].server]
        begin = same.index(place) + 1
        after = [*same[begin:], *same[: begin - 1]]
        return [other for other in after[:_PEERS] if _overlap(one, self.connections[other])]


def _overlap(one: Connection, other: Connection) -> bool:
    return one.first_at <= other.last_at and other.first_at <= one.last_at


def _period(first_at: datetime, last_at: datetime) -> Period:
    return Period(first_at, last_at + timedelta(microseconds=1))


ENCRYPTED_FLOW_STEP = Step(
    name=DETECTOR.name,
    version=DETECTOR.version,
    inputs=("flows",),
    group_by="dst_ip",
    output="evidence",
    function=encrypted_evidence,
    whole=("block_times",),
    columns={"flows": COLUMNS, "block_times": ("coin", "height", "at", "clock")},
)
"""Evidence of the connections of a set of captures that cannot be read."""
