"""The hash rate that is read off lies in its 95 % interval, in each way of mining, of connection and worker.

Conversations are heard without packets. The seeds from ``FIRST_SEED`` on were not looked at when the readers
were written; those below 1,000 were.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from scipy.stats import binom

from minewatch.detect.pools.hash_rate import hash_rate_of, share_count, worker_rates
from minewatch.schema.evidence import Estimate
from minewatch.sim.streams import stream
from minewatch.sim.wire.dialects import TONGUES, Session, Tongue, Worker, speak
from minewatch.sim.wire.jobs import account_of, draw_pool, job_times
from minewatch.sim.wire.packets import Message
from minewatch.sources.captures.mining_columns import mining_columns
from minewatch.sources.talk.dialogue import Dialogue

START_US = 1_780_000_000_000_000
END_US = START_US + 900_000_000
FIRST_SEED = 70_000
SEEDS = range(FIRST_SEED, FIRST_SEED + 40)
RATED = [tongue for tongue in TONGUES if tongue.tells_rate]
NAMES = [f"{tongue.name}-{tongue.algorithm}" for tongue in RATED]
BY_TARGET_IN_WORK = {"kawpow", "conflux", "ergo", "beam", "coinhive", "webminer"}
"""Besides Monero's, Ethereum's and HTTP's: each job tells the target, joined in the middle or not.
Stratum V2's answers tell it."""


def session(tongue: Tongue, seed: int, login: bool) -> Session:
    rng = stream(seed, "hash rates", tongue.name, tongue.algorithm)
    pool, account = draw_pool(rng, tongue.algorithm), account_of(rng, tongue.algorithm, tongue.name)
    rates = tongue.hash_rate * rng.uniform(0.5, 2.0, 1 + seed % 4)
    workers = [Worker(f"m{n}", float(rate)) for n, rate in enumerate(rates)]
    span, jobs = (START_US, END_US), job_times(seed, pool, START_US, END_US)
    return Session(
        pool, tongue.name, tongue.algorithm, account, "sim/1", workers, 3.0, *span, login, 40_000, jobs
    )  # fmt: skip


def row_of(messages: Sequence[Message]) -> dict[str, Any]:
    dialogue, seqs = Dialogue(0, 0, messages[0].at_us), [1, 1]
    for message in messages:
        reverse, size = int(not message.from_client), len(message.data)
        dialogue.take(reverse, seqs[reverse], message.data, size, message.at_us)
        seqs[reverse] += size
    dialogue.finish()
    row = mining_columns(dialogue.talk.facts, (messages[0].at_us, messages[-1].at_us))
    for name in ("shares_first_at", "shares_last_at"):
        row[name] = datetime.fromtimestamp(row[name] / 1e6, UTC)
    for change in row["difficulty"]:
        change["at"] = datetime.fromtimestamp(change["at"] / 1e6, UTC)
    return row


def rate_of(row: dict[str, Any]) -> Estimate | None:
    count = share_count(row)
    return hash_rate_of(count) if count else None


def most_misses(number: int) -> int:
    """Misses of a 95 % interval that happen less than once in 10,000 runs."""
    return int(binom.isf(1e-4, number, 0.05))


@pytest.mark.parametrize("login", [True, False])
@pytest.mark.parametrize("tongue", RATED, ids=NAMES)
def test_the_rate_of_a_connection(tongue: Tongue, login: bool) -> None:
    known = missed = 0
    for seed in SEEDS:
        one = session(tongue, seed, login)
        rate = rate_of(
            row_of(speak(stream(seed, "words", tongue.name, tongue.algorithm, login), one).messages)
        )
        if rate is not None:
            known += 1
            missed += not rate.low <= one.hash_rate <= rate.high
    tells_in_work = tongue.read_as not in ("stratum_v1", "ethereum_nicehash")
    if login or tells_in_work or tongue.name in BY_TARGET_IN_WORK:
        assert known == len(SEEDS)
    assert missed <= most_misses(known)


NAMED = {"stratum_v1", "equihash", "ergo", "ethereum_stratum", "monero_proxy", "stratum_v2_clear"}
WITH_WORKERS = [tongue for tongue in RATED if tongue.name in NAMED]


@pytest.mark.parametrize("tongue", WITH_WORKERS, ids=lambda tongue: f"{tongue.name}-{tongue.algorithm}")
def test_the_rate_of_each_worker(tongue: Tongue) -> None:
    """Shares of a worker are Poisson too: its hash rate lies in the interval of its own shares."""
    number = missed = 0
    for seed in SEEDS:
        one = session(tongue, seed, True)
        row = row_of(speak(stream(seed, "workers", tongue.name, tongue.algorithm), one).messages)
        rates = {each.worker: each.rate for each in worker_rates(row)}
        assert rates.keys() == {worker.name for worker in one.workers}
        for worker in one.workers:
            rate = rates[worker.name]
            assert rate is not None
            number += 1
            missed += not rate.low <= worker.hash_rate <= rate.high
    assert missed <= most_misses(number)
