"""The mining columns of a row of ``flows`` from the facts of its conversation."""

from typing import Any

from minewatch.schema.shares import has_convention, hashes_of_unit
from minewatch.sources.captures.names import NameSeen
from minewatch.sources.talk.mining_facts import MiningFacts, Tally

_DEFAULT_ALGORITHM = {
    "monero_login": "RandomX",
    "browser_miner": "RandomX",
    "stratum_v2": "SHA-256",
    "ethereum_nicehash": "Ethash",
    "ethereum_stratum": "Ethash",
    "ethereum_getwork": "Ethash",
}

MINED_COLUMNS = (
    "dialect",
    "coin",
    "algorithm",
    "agent",
    "pool",
    "accounts",
    "workers",
    "difficulty",
    "expected_hashes",
    "shares_submitted",
    "shares_accepted",
    "shares_rejected",
    "shares_stale",
    "machines",
    "reported_hash_rate",
    "shares_first_at",
    "shares_last_at",
    "job_times",
    "evidence_lines",
)
"""Columns of ``flows`` that hold values only where a flow mines."""


def mining_columns(facts: MiningFacts, span_us: tuple[int, int]) -> dict[str, Any]:
    """Return the mining columns, but the pool, of a flow; its payload was heard in ``span_us`` (first, last).

    Shares are counted from the first difficulty that was seen to the last packet. The hashes are those of all
    shares but the ones refused as bad: stale ones took the same work, an answer may be outside the capture
    or in a later batch. Where the miner's side is not in the capture, nothing is known of shares.
    """
    dialect = str(facts.dialect)
    algorithm = facts.algorithm or _DEFAULT_ALGORITHM.get(dialect)
    answered = facts.shares.accepted + facts.shares.rejected > 0
    knows = answered or (facts.hears_miner and not facts.shares.submitted)
    hashes_each = _hashes_each(facts, dialect, algorithm)
    return {
        "dialect": dialect,
        "coin": facts.coin,
        "algorithm": algorithm,
        "agent": facts.agent,
        "accounts": facts.accounts,
        "workers": [_worker(name, tally, answered, hashes_each) for name, tally in facts.workers.items()],
        "difficulty": [{"at": at, "difficulty": unit} for at, unit in facts.difficulty],
        "expected_hashes": _expected(facts.shares, hashes_each),
        "shares_submitted": facts.shares.submitted if facts.hears_miner else None,
        "shares_accepted": facts.shares.accepted if knows else None,
        "shares_rejected": facts.shares.rejected if knows else None,
        "shares_stale": facts.shares.stale if knows else None,
        "machines": facts.machines,
        "reported_hash_rate": facts.reported_hash_rate,
        "shares_first_at": span_us[0] if facts.counted_from is None else facts.counted_from,
        "shares_last_at": span_us[1],
        "job_times": facts.job_times,
        "evidence_lines": facts.lines,
    }


def pool_name(facts: MiningFacts, seen: list[NameSeen]) -> str | None:
    """Return the pool by the name in the protocol, else by SNI, Host, certificate or DNS."""
    by_kind = dict(reversed(seen))
    named = (by_kind[kind] for kind in ("sni", "host", "certificate", "dns") if kind in by_kind)
    return facts.pool_name or next(named, None)


def _hashes_each(facts: MiningFacts, dialect: str, algorithm: str | None) -> float | None:
    """Return the hashes of a share of difficulty 1, None where they or the shares are not known."""
    if facts.counted_from is None or not facts.hears_miner:
        return None
    if not has_convention(dialect, algorithm, facts.by_target):
        return None
    return hashes_of_unit(dialect, algorithm)


def _expected(tally: Tally, hashes_each: float | None) -> float | None:
    return None if hashes_each is None else hashes_each * tally.good_units


def _worker(name: str, tally: Tally, answered: bool, hashes_each: float | None) -> dict[str, Any]:
    knows = answered or not tally.submitted
    return {
        "worker": name,
        "submitted": tally.submitted,
        "accepted": tally.accepted if knows else None,
        "rejected": tally.rejected if knows else None,
        "stale": tally.stale if knows else None,
        "expected_hashes": _expected(tally, hashes_each),
    }
