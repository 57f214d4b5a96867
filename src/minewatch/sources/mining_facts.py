"""What a mining conversation tells: names, difficulty, work and shares, gathered message by message."""

from collections import OrderedDict, deque
from dataclasses import dataclass, field

from minewatch.sources.coins import ALGORITHM_OF_COIN, coin_of_account, coin_of_name

_MOST_LINES = 12
_MOST_LINES_OF_A_KIND = 2
_LINE_LENGTH = 320
_MOST_NAMES = 10_000
_MOST_TIMES = 100_000
_MOST_JOBS = 128


@dataclass
class MiningFacts:
    """Facts in the order they come in; times are microseconds since 1970.

    ``client_is_reverse``: the miner is the side that the flow table calls destination. ``unit``: difficulty
    now in force, in the dialect's own count; None until the pool said it.
    """

    dialect: str | None = None
    coin: str | None = None
    algorithm: str | None = None
    agent: str | None = None
    pool_name: str | None = None
    client_is_reverse: bool | None = None
    accounts: list[str] = field(default_factory=list)
    workers: dict[str, int] = field(default_factory=dict)
    difficulty: list[tuple[int, float]] = field(default_factory=list)
    job_times: list[int] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    reported_hash_rate: float | None = None
    submitted: int = 0
    accepted: int = 0
    rejected: int = 0
    accepted_units: float = 0.0
    submitted_units: float = 0.0
    identified: bool = False
    refused: bool = False
    counted_from: int | None = None
    unit: float | None = None
    _jobs: OrderedDict[str, float | None] = field(default_factory=OrderedDict)
    _kinds: dict[str, int] = field(default_factory=dict)
    _last_work: str | None = None

    @property
    def is_mining(self) -> bool:
        """Tell whether the two sides mine: work was given, shares were sent, or a miner was let in."""
        has_client = self.identified and not self.refused
        return self.dialect is not None and (bool(self.job_times) or self.submitted > 0 or has_client)

    def note_line(self, kind: str, text: str) -> None:
        """Keep the first lines of each kind as evidence, shortened."""
        number = self._kinds.get(kind, 0)
        if number < _MOST_LINES_OF_A_KIND and len(self.lines) < _MOST_LINES:
            self._kinds[kind] = number + 1
            line = " ".join(text.split())
            self.lines.append(line if len(line) <= _LINE_LENGTH else line[:_LINE_LENGTH] + "…")

    def note_user(self, account: str, worker: str | None) -> None:
        """Take an account (wallet or user name) and the worker named with it."""
        if account and account not in self.accounts and len(self.accounts) < _MOST_NAMES:
            self.accounts.append(account)
        if worker and len(self.workers) < _MOST_NAMES:
            self.workers.setdefault(worker, 0)
        self.note_coin(coin_of_account(account))

    def note_pool(self, name: str | None) -> None:
        """Take the pool's host name, where the protocol carries it."""
        if name and self.pool_name is None:
            self.pool_name = name
            self.note_coin(coin_of_name(name))

    def note_coin(self, coin: str | None, algorithm: str | None = None) -> None:
        """Take coin and algorithm; what was known before stays."""
        self.coin = self.coin or coin
        self.algorithm = self.algorithm or algorithm or (ALGORITHM_OF_COIN.get(coin) if coin else None)

    def note_difficulty(self, at: int, unit: float) -> None:
        """Take the difficulty in force from now."""
        if unit > 0 and unit != self.unit and len(self.difficulty) < _MOST_TIMES:
            self.difficulty.append((at, unit))
        if unit > 0:
            self.unit = unit
            if self.counted_from is None:
                self.counted_from = at

    def note_job(self, at: int, job: str, work: str | None = None) -> None:
        """Take a piece of work; the same ``work`` given again (polling) is none."""
        if work is not None and work == self._last_work:
            return
        self._last_work = work
        if len(self.job_times) < _MOST_TIMES:
            self.job_times.append(at)
        self._jobs[job] = self.unit
        while len(self._jobs) > _MOST_JOBS:
            self._jobs.popitem(last=False)

    def note_share(self, worker: str | None, job: str) -> float | None:
        """Count a share and return its difficulty: that of its job, else the one in force."""
        self.submitted += 1
        if worker and (worker in self.workers or len(self.workers) < _MOST_NAMES):
            self.workers[worker] = self.workers.get(worker, 0) + 1
        unit = self._jobs.get(job) or self.unit
        self.submitted_units += unit or 0.0
        return unit

    def note_answer(self, accepted: bool, unit: float | None) -> None:
        """Count the pool's answer to a share."""
        if accepted:
            self.accepted += 1
            self.accepted_units += unit or 0.0
        else:
            self.rejected += 1


@dataclass
class Pending:
    """Requests that wait for their answer: by direction and id, first come first answered."""

    _waiting: dict[tuple[bool, str], deque[tuple[str, float | None]]] = field(default_factory=dict)
    _size: int = 0

    def add(self, reverse: bool, number: object, kind: str, unit: float | None = None) -> None:
        """Note a request of ``kind``; beyond 4,096 unanswered ones the notes start anew."""
        if self._size >= 4096:
            self._waiting.clear()
            self._size = 0
        self._waiting.setdefault((reverse, repr(number)), deque()).append((kind, unit))
        self._size += 1

    def take(self, reverse: bool, number: object) -> tuple[str, float | None] | None:
        """Return (kind, difficulty) of the request that an answer sent by ``reverse`` belongs to."""
        queue = self._waiting.get((not reverse, repr(number)))
        if not queue:
            return None
        self._size -= 1
        return queue.popleft()
