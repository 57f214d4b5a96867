"""What a mining conversation tells: names, difficulty, work and shares, gathered message by message."""

import re
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import NamedTuple

from minewatch.sources.talk.coins import ALGORITHM_OF_COIN, coin_of_account, coin_of_name

_MOST_LINES = 12
_MOST_LINES_OF_A_KIND = 2
_LINE_LENGTH = 320
_MOST_NAMES = 4_096
_MOST_JOB_TIMES = 100_000
_MOST_CHANGES = 20_000
_MOST_JOBS = 64
_MOST_SESSIONS = 1_024
_MOST_UNIT = 1e100
_NAME_LENGTH = 200
"""Bounds of what a connection may make us keep: a hostile one some 25 MB, any other some kB."""

_PROXY = re.compile(r"(?i)proxy|bridge|aggregat|translator")


@dataclass(slots=True)
class Tally:
    """Shares of a worker, or of all: how many, and the difficulty they add up to (dialect's own count)."""

    submitted: int = 0
    accepted: int = 0
    rejected: int = 0
    stale: int = 0
    submitted_units: float = 0.0
    refused_units: float = 0.0

    def submit(self, unit: float | None) -> None:
        """Count a share that was sent."""
        self.submitted += 1
        self.submitted_units += unit or 0.0

    def answer(self, accepted: bool, stale: bool, unit: float | None) -> None:
        """Count the pool's answer."""
        self.accepted += accepted
        self.rejected += not accepted
        self.stale += stale and not accepted
        self.refused_units += 0.0 if accepted or stale else (unit or 0.0)

    @property
    def good_units(self) -> float:
        """Difficulty that the shares add up to, but those refused for another reason than being late.

        A stale share took as much work as any other; an answer may come late or never.
        """
        return self.submitted_units - self.refused_units


class Share(NamedTuple):
    """A share that was sent: whose, its difficulty (None: not known), and in which row it was counted."""

    worker: str | None
    unit: float | None
    row: int = 0


@dataclass(slots=True)
class Session:
    """A login or channel: its difficulty now, the one its next job brings, and that of its jobs."""

    unit: float | None = None
    coming: float | None = None
    worker: str | None = None
    jobs: OrderedDict[str, float | None] = field(default_factory=OrderedDict)


@dataclass
class MiningFacts:
    """Facts in the order they come in; times are microseconds since 1970.

    ``client_is_reverse``: the miner is the side that the flow table calls destination. ``by_target``: the
    difficulty came as a target, so that it counts hashes. ``counted_from``: when one was first known.
    ``heard``: the sides that said anything, by ``reverse``.
    """

    dialect: str | None = None
    coin: str | None = None
    algorithm: str | None = None
    agent: str | None = None
    pool_name: str | None = None
    client_is_reverse: bool | None = None
    accounts: list[str] = field(default_factory=list)
    workers: dict[str, Tally] = field(default_factory=dict)
    shares: Tally = field(default_factory=Tally)
    difficulty: list[tuple[int, float]] = field(default_factory=list)
    job_times: list[int] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    reported_hash_rate: float | None = None
    identified: bool = False
    refused: bool = False
    by_target: bool = False
    counted_from: int | None = None
    subscriptions: int = 0
    heard: set[bool] = field(default_factory=set)
    _known: set[str] = field(default_factory=set)
    _sessions: dict[str, Session] = field(default_factory=dict)
    _most_open: int = 0
    _marks: set[str] = field(default_factory=set)
    _reported: dict[str, float] = field(default_factory=dict)
    _rate_now: float = 0.0
    _units: list[float] = field(default_factory=lambda: [0.0, 0.0])
    _kinds: dict[str, int] = field(default_factory=dict)
    _last_work: str | None = None
    _has_mined: bool = False
    _row: int = 0

    @property
    def is_mining(self) -> bool:
        """Tell whether the two sides mine: work was given, shares were sent, or a miner was let in."""
        has_client = self.identified and not self.refused
        has_work = self._has_mined or bool(self.job_times) or self.shares.submitted > 0
        return self.dialect is not None and (has_work or has_client)

    @property
    def machines(self) -> int | None:
        """Machines told apart: by worker, channel, report, subscription or mark; None: not known."""
        counts = len(self.workers), self._most_open, len(self._reported), self.subscriptions, len(self._marks)
        told = max(counts)
        is_proxy = bool(self.agent) and _PROXY.search(self.agent or "") is not None
        return None if told == 0 or (told == 1 and is_proxy) else told

    def begin_anew(self, at: int) -> None:
        """Count from ``at`` on, for the next row of a connection that goes on; what is known stays."""
        self._has_mined = self.is_mining
        self._row += 1
        self.workers = {name: Tally() for name in self.workers}
        self.shares = Tally()
        self.job_times = []
        self.reported_hash_rate = self._rate_now or None
        if self.counted_from is not None:
            self.counted_from = at
            self.difficulty = [(at, self.difficulty[-1][1])]

    @property
    def hears_miner(self) -> bool:
        """Tell whether the capture holds the miner's side."""
        return self.shares.submitted > 0 or bool(self.client_is_reverse) in self.heard

    def note_line(self, kind: str, text: str) -> None:
        """Keep the first lines of each kind as evidence, shortened."""
        number = self._kinds.get(kind, 0)
        if number < _MOST_LINES_OF_A_KIND and len(self.lines) < _MOST_LINES:
            self._kinds[kind] = number + 1
            line = " ".join(text.split())
            self.lines.append(line if len(line) <= _LINE_LENGTH else line[:_LINE_LENGTH] + "…")

    def note_user(self, account: str, worker: str | None) -> None:
        """Take an account (wallet or user name) and the worker named with it."""
        account = account[:_NAME_LENGTH]
        if account and account not in self._known and len(self.accounts) < _MOST_NAMES:
            self._known.add(account)
            self.accounts.append(account)
            self.note_coin(coin_of_account(account))
        if worker and len(self.workers) < _MOST_NAMES:
            self.workers.setdefault(worker[:_NAME_LENGTH], Tally())

    def note_agent(self, agent: str | None) -> None:
        """Take the miner's software; the first name stays."""
        self.agent = self.agent or (agent.strip()[:_NAME_LENGTH] if agent else None) or None

    def note_pool(self, name: str | None) -> None:
        """Take the pool's host name, where the protocol carries it."""
        if name and self.pool_name is None:
            self.pool_name = name[:_NAME_LENGTH]
            self.note_coin(coin_of_name(name))

    def note_coin(self, coin: str | None, algorithm: str | None = None) -> None:
        """Take coin and algorithm; what was known before stays."""
        self.coin = self.coin or coin
        self.algorithm = self.algorithm or algorithm or (ALGORITHM_OF_COIN.get(coin) if coin else None)

    def note_hash_rate(self, reporter: str, rate: float) -> None:
        """Take the rate (H/s) that a machine reports; the largest sum over all reporters is kept."""
        if 0 < rate < 1e21 and (reporter in self._reported or len(self._reported) < _MOST_NAMES):
            self._rate_now += rate - self._reported.get(reporter, 0.0)
            self._reported[reporter] = rate
            self.reported_hash_rate = max(self._rate_now, self.reported_hash_rate or 0.0)

    def note_mark(self, mark: str) -> None:
        """Take what sets a machine apart from the others behind a proxy, in its shares."""
        if len(self._marks) < _MOST_NAMES:
            self._marks.add(mark[:_NAME_LENGTH])

    def session(self, name: str = "") -> Session:
        """Return the session of that name; where there are too many, the connection's own."""
        if name not in self._sessions and len(self._sessions) >= _MOST_SESSIONS:
            name = ""
        session = self._sessions.setdefault(name, Session())
        self._most_open = max(self._most_open, len(self._sessions) - ("" in self._sessions))
        return session

    def session_of_job(self, name: str | None) -> Session:
        """Return the session of a job: the known one it names, else the only one, else the connection's."""
        if name in self._sessions:
            return self._sessions[name]
        names = [known for known in list(self._sessions)[:3] if known]
        return self.session(names[0] if len(names) == 1 else "")

    def end_session(self, name: str) -> None:
        """Forget a session that was closed."""
        session = self._sessions.pop(name, None)
        if session is not None and session.unit:
            self._units[0] -= session.unit
            self._units[1] -= session.unit**2

    def note_difficulty(self, at: int, unit: float, session: Session | None = None) -> None:
        """Take the difficulty in force from now on in ``session`` (the connection's own by default)."""
        session = session or self.session()
        session.coming = None
        if not 0 < unit < _MOST_UNIT or unit == session.unit:
            return
        before, session.unit = session.unit or 0.0, unit
        self.counted_from = at if self.counted_from is None else self.counted_from
        self._units[0] += unit - before
        self._units[1] += unit**2 - before**2
        if len(self.difficulty) < _MOST_CHANGES:
            self.difficulty.append((at, self._mean_unit(unit)))

    def note_coming_difficulty(self, at: int, unit: float) -> None:
        """Take a difficulty that holds from the next job on (at once where none was known)."""
        session = self.session()
        if session.unit is None:
            self.note_difficulty(at, unit, session)
        elif 0 < unit < _MOST_UNIT:
            session.coming = unit

    def _mean_unit(self, latest: float) -> float:
        """Mean over the sessions, each weighted by its difficulty, as a pool sets it by hash rate."""
        total, squares = self._units
        return latest if len(self._sessions) < 2 or total <= 0 else squares / total

    def note_job(self, at: int, job: str, work: str | None = None, session: Session | None = None) -> None:
        """Take a piece of work; the same ``work`` given again (polling) is none."""
        session = session or self.session()
        if session.coming is not None:
            self.note_difficulty(at, session.coming, session)
        if work is not None and work == self._last_work:
            return
        self._last_work = work
        if len(self.job_times) < _MOST_JOB_TIMES:
            self.job_times.append(at)
        session.jobs[job[:_NAME_LENGTH]] = session.unit
        while len(session.jobs) > _MOST_JOBS:
            session.jobs.popitem(last=False)

    def note_share(self, worker: str | None, job: str, session: Session | None = None) -> Share:
        """Count a share; its difficulty is that of its job, else the one in force."""
        session = session or self.session()
        worker = (worker or session.worker or self._only_worker() or "")[:_NAME_LENGTH] or None
        own, job = self.session(), job[:_NAME_LENGTH]
        unit = session.jobs.get(job) or session.unit or own.jobs.get(job) or own.unit
        self.shares.submit(unit)
        if worker and (worker in self.workers or len(self.workers) < _MOST_NAMES):
            self.workers.setdefault(worker, Tally()).submit(unit)
        return Share(worker, unit, self._row)

    def note_answer(self, share: Share, accepted: bool, stale: bool = False) -> None:
        """Count the pool's answer to a share; one that an earlier row counts stays there as it was sent."""
        if share.row != self._row:
            return
        self.shares.answer(accepted, stale, share.unit)
        if share.worker in self.workers:
            self.workers[share.worker].answer(accepted, stale, share.unit)

    def _only_worker(self) -> str | None:
        names = self.workers or self.accounts
        return next(iter(names)) if len(names) == 1 else None
