"""A connection to a pool and the voice that speaks for both sides of it."""

import json
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple

from minewatch.sim.loads.shapes import Rng
from minewatch.sim.wire.jobs import JobTime, Pool, hexadecimal
from minewatch.sim.wire.packets import Message

Verdict = Literal["accepted", "stale", "low"]
"""What the pool says of a share: good, for work that was over, below the difficulty."""

Said = tuple[bytes, list[bytes]]
"""What the miner says and the pool's answers."""


class Worker(NamedTuple):
    """A machine that logs in: its name and hash rate, H/s."""

    name: str
    hash_rate: float


class Session(NamedTuple):
    """One connection to a pool between ``start_us`` and ``end_us``.

    ``share_s`` is the mean time between shares of the whole connection; ``login`` says whether it begins
    here or was up before. ``jobs`` are the pool's in that time.
    """

    pool: Pool
    dialect: str
    algorithm: str
    account: str
    agent: str
    workers: Sequence[Worker]
    share_s: float
    start_us: int
    end_us: int
    login: bool
    rtt_us: int
    jobs: Sequence[JobTime]

    @property
    def hash_rate(self) -> float:
        """Hash rate of all workers, H/s."""
        return sum(worker.hash_rate for worker in self.workers)


class Voice(ABC):
    """Words of a dialect. Subclasses give the opening, a job, and a share with its answer.

    ``difficulty`` is the first one by worker; only where ``each_worker`` do they differ.
    """

    each_worker = False
    retargets = False
    work_digits = 8

    def __init__(self, rng: Rng, session: Session, difficulty: Mapping[str, float]) -> None:
        self.rng, self.session, self.difficulties = rng, session, dict(difficulty)
        self.number = 0
        self.work = hexadecimal(rng, self.work_digits)
        self._separators = (",", ":") if rng.random() < 0.6 else (", ", ": ")

    @property
    def difficulty(self) -> float:
        """The difficulty of the first worker, which is everybody's where it is not set for each."""
        return self.difficulties[self.session.workers[0].name]

    def next_number(self) -> int:
        """Return the number of the next request."""
        self.number += 1
        return self.number

    def line(self, value: Any) -> bytes:
        """Return ``value`` as a line of JSON, with or without blanks as the software has it."""
        return json.dumps(value, separators=self._separators).encode() + b"\n"

    def target(self, difficulty: float, size: int = 32, order: Literal["big", "little"] = "big") -> str:
        """Return the target of ``size`` bytes that a share meets once in ``difficulty`` hashes, as digits."""
        return int(2.0 ** (8 * size) / max(difficulty, 1.0) - 1).to_bytes(size, order).hex()

    def opening(self) -> Iterator[Message]:
        """Yield the login, one round trip after the other."""
        at = self.session.start_us
        for ask, answers in self.greeting():
            yield Message(at, True, ask)
            at += self.session.rtt_us + int(self.rng.integers(200, 3000))
            for answer in answers:
                yield Message(at, False, answer)
                at += int(self.rng.integers(20, 400))
            at += int(self.rng.integers(500, 9000))

    @abstractmethod
    def greeting(self) -> Iterator[Said]:
        """Yield pairs of what the miner says and the pool's answers."""

    @abstractmethod
    def job(self, at_us: int, clean: bool) -> list[Message]:
        """Return the pool's new work."""

    def share(self, at_us: int, worker: Worker, verdict: Verdict) -> list[Message]:
        """Return a share and its answer."""
        ask, answer = self.submission(worker, verdict)
        later = self.session.rtt_us + int(self.rng.integers(100, 4000))
        said = [Message(at_us, True, ask)]
        return [*said, Message(at_us + later, False, answer)] if answer else said

    def retarget(self, at_us: int, difficulty: float) -> list[Message]:
        """Return what the pool says when it changes the difficulty. Raises ValueError where it never does."""
        told = f"difficulty {difficulty:g} at {at_us} µs"
        raise ValueError(f"pools that speak {self.session.dialect} keep theirs here: no {told}")

    @abstractmethod
    def submission(self, worker: Worker, verdict: Verdict) -> tuple[bytes, bytes]:
        """Return the bytes of a share and of its answer; empty where the pool is silent for now."""
