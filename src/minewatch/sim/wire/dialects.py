"""What miners and pools say to each other, by dialect.

Sources: Stratum v1 as in https://en.bitcoin.it/wiki/Stratum_mining_protocol with BIP 310 (version
rolling); getwork as in https://en.bitcoin.it/wiki/Getwork; Ethereum work over TCP and HTTP as geth and
ethminer speak it; Monero as in XMRig's doc/STRATUM.md; Stratum V2 as in https://stratumprotocol.org
(Noise NX: 64 bytes, 234 bytes, then frames of a 22-byte encrypted header and a body with a 16-byte tag).
"""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from minewatch.schema.shares import hashes_of_unit
from minewatch.sim.loads.shapes import Rng
from minewatch.sim.wire.jobs import JobTime, Pool, hexadecimal
from minewatch.sim.wire.packets import Message


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


class Spoken(NamedTuple):
    """Messages in order of time, and how many shares were submitted."""

    messages: list[Message]
    shares: int


class _Share(NamedTuple):
    at_us: int
    worker: Worker
    accepted: bool


def speak(rng: Rng, session: Session) -> Spoken:
    """Return what both sides say; shares are Poisson with the workers' hash rate over the difficulty."""
    levels = _levels(rng, session)
    shares = _shares(rng, session, levels)
    voice = _VOICES[session.dialect](rng, session, levels[0].difficulty)
    messages = list(voice.opening()) if session.login else []
    free_from = max((message.at_us for message in messages), default=session.start_us) + 1000
    for job in session.jobs:
        if job.at_us > free_from or not session.login:
            messages += voice.job(job.at_us, job.clean)
    for level in levels[1:]:
        messages += voice.retarget(level.at_us, level.difficulty)
    for share in shares:
        messages += voice.share(share.at_us + 1, share.worker, share.accepted)
    return Spoken(sorted(messages, key=lambda message: message.at_us), len(shares))


def difficulty_of(session: Session) -> float:
    """Return the difficulty that the pool sets: a power of two near one share in ``share_s``."""
    total = sum(worker.hash_rate for worker in session.workers)
    return float(2.0 ** np.round(np.log2(max(total * session.share_s / _unit(session), 2.0**-10))))


class _Level(NamedTuple):
    """From ``at_us`` on the pool wants this difficulty."""

    at_us: int
    difficulty: float


def _levels(rng: Rng, session: Session) -> list[_Level]:
    """Half of the Stratum v1 pools change the difficulty once on the way."""
    begin = session.start_us + (20 * session.rtt_us if session.login else 0)
    levels = [_Level(begin, difficulty_of(session))]
    if session.dialect == "stratum_v1" and rng.random() < 0.5:
        at = begin + int(rng.uniform(0.2, 0.6) * (session.end_us - begin))
        levels.append(_Level(at, levels[0].difficulty * float(rng.choice((0.5, 2.0)))))
    return levels


def _shares(rng: Rng, session: Session, levels: Sequence[_Level]) -> list[_Share]:
    drawn = []
    for level, end_us in zip(levels, [*(later.at_us for later in levels[1:]), session.end_us], strict=True):
        span_us = max(end_us - level.at_us, 0)
        for worker in session.workers:
            expected = worker.hash_rate * span_us / 1e6 / (level.difficulty * _unit(session))
            times = level.at_us + rng.random(rng.poisson(expected)) * span_us
            accepted = rng.random(times.size) > 0.006
            drawn += [_Share(int(at), worker, bool(fine)) for at, fine in zip(times, accepted, strict=True)]
    return sorted(drawn, key=lambda share: share.at_us)


def _unit(session: Session) -> float:
    if session.dialect == "stratum_v2":
        return 2.0**32
    return hashes_of_unit(session.dialect, session.algorithm)


class _Voice(ABC):
    """Words of a dialect. Subclasses give the opening, a job, and a share with its answer."""

    def __init__(self, rng: Rng, session: Session, difficulty: float) -> None:
        self.rng, self.session, self.difficulty = rng, session, difficulty
        self.number = 0
        self.work = hexadecimal(rng, 8)
        self._separators = (",", ":") if rng.random() < 0.6 else (", ", ": ")

    def next_number(self) -> int:
        """Return the number of the next request."""
        self.number += 1
        return self.number

    def line(self, value: dict[str, Any]) -> bytes:
        """Return ``value`` as a line of JSON, with or without blanks as the software has it."""
        return json.dumps(value, separators=self._separators).encode() + b"\n"

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
    def greeting(self) -> Iterator[tuple[bytes, list[bytes]]]:
        """Yield pairs of what the miner says and the pool's answers."""

    @abstractmethod
    def job(self, at_us: int, clean: bool) -> list[Message]:
        """Return the pool's new work."""

    def share(self, at_us: int, worker: Worker, accepted: bool) -> list[Message]:
        """Return a share and its answer."""
        ask, answer = self.submission(worker, accepted)
        later = self.session.rtt_us + int(self.rng.integers(100, 4000))
        return [Message(at_us, True, ask), Message(at_us + later, False, answer)]

    def retarget(self, at_us: int, difficulty: float) -> list[Message]:
        """Return what the pool says when it changes the difficulty. Raises ValueError where it never does."""
        told = f"difficulty {difficulty:g} at {at_us} µs"
        raise ValueError(f"pools that speak {self.session.dialect} keep theirs here: no {told}")

    @abstractmethod
    def submission(self, worker: Worker, accepted: bool) -> tuple[bytes, bytes]:
        """Return the bytes of a share and of its answer."""


class _StratumV1(_Voice):
    def greeting(self) -> Iterator[tuple[bytes, list[bytes]]]:
        mask = {"version-rolling": True, "version-rolling.mask": "1fffe000"}
        if self.session.algorithm == "SHA-256":
            wanted = [["version-rolling"], {"version-rolling.mask": "ffffffff"}]
            yield self._ask("mining.configure", wanted), [self._answer(mask)]
        ask = self._ask("mining.subscribe", [self.session.agent])
        keys = [["mining.set_difficulty", self.work], ["mining.notify", self.work]]
        yield ask, [self._answer([keys, hexadecimal(self.rng, 8), 8])]
        for n, worker in enumerate(self.session.workers):
            ask = self._ask("mining.authorize", [f"{self.session.account}.{worker.name}", "x"])
            answers = [self._answer(True)]
            if n == 0:
                answers += [self._tell("mining.set_difficulty", [self.difficulty]), self._notify(True)]
            yield ask, answers

    def job(self, at_us: int, clean: bool) -> list[Message]:
        return [Message(at_us, False, self._notify(clean))]

    def retarget(self, at_us: int, difficulty: float) -> list[Message]:
        said = self._tell("mining.set_difficulty", [difficulty]) + self._notify(True)
        return [Message(at_us, False, said)]

    def submission(self, worker: Worker, accepted: bool) -> tuple[bytes, bytes]:
        rng = self.rng
        params = [f"{self.session.account}.{worker.name}", self.work, hexadecimal(rng, 16)]
        params += [hexadecimal(rng, 8), hexadecimal(rng, 8)]
        if self.session.algorithm == "SHA-256":
            params.append(f"{int(rng.integers(1, 1 << 16)) << 13:08x}")
        ask = self._ask("mining.submit", params)
        return ask, self._answer(True) if accepted else self._answer(None, [21, "Job not found", None])

    def _notify(self, clean: bool) -> bytes:
        rng, coin = self.rng, self.session.pool.coin
        self.work = hexadecimal(rng, 8)
        if coin.ticker == "KAS":
            words = [int(n) for n in rng.integers(0, 1 << 63, 4)]
            return self._tell("mining.notify", [self.work, words, int(rng.integers(1 << 40))])
        branches = [hexadecimal(rng, 64) for _ in range(coin.branches)]
        params = [self.work, hexadecimal(rng, 64), hexadecimal(rng, 118), hexadecimal(rng, 240), branches]
        return self._tell("mining.notify", [*params, "20000000", coin.bits, hexadecimal(rng, 8), clean])

    def _ask(self, method: str, params: Sequence[Any]) -> bytes:
        return self.line({"id": self.next_number(), "method": method, "params": params})

    def _tell(self, method: str, params: Sequence[Any]) -> bytes:
        return self.line({"id": None, "method": method, "params": params})

    def _answer(self, result: Any, error: Any = None) -> bytes:
        return self.line({"id": self.number, "result": result, "error": error})


class _EthereumStratum(_Voice):
    def greeting(self) -> Iterator[tuple[bytes, list[bytes]]]:
        worker = self.session.workers[0].name
        login = {"id": 1, "method": "eth_submitLogin", "params": [self.session.account], "worker": worker}
        yield self.line({**login, "jsonrpc": "2.0"}), [self.line({"id": 1, "jsonrpc": "2.0", "result": True})]
        ask = self.line({"id": 5, "method": "eth_getWork", "params": [], "worker": worker, "jsonrpc": "2.0"})
        yield ask, [self._work(5)]

    def job(self, at_us: int, clean: bool) -> list[Message]:
        _ = clean
        return [Message(at_us, False, self._work(0))]

    def submission(self, worker: Worker, accepted: bool) -> tuple[bytes, bytes]:
        rng = self.rng
        params = ["0x" + hexadecimal(rng, 16), "0x" + self.work, "0x" + hexadecimal(rng, 64)]
        ask = {"id": 4, "jsonrpc": "2.0", "method": "eth_submitWork", "params": params, "worker": worker.name}
        return self.line(ask), self.line({"id": 4, "jsonrpc": "2.0", "result": accepted})

    def _work(self, number: int) -> bytes:
        self.work = hexadecimal(self.rng, 64)
        target = f"0x{int(2**256 // int(self.difficulty)):064x}"
        result = ["0x" + self.work, "0x" + hexadecimal(self.rng, 64), target]
        return self.line({"id": number, "jsonrpc": "2.0", "result": result})


class _Monero(_Voice):
    def greeting(self) -> Iterator[tuple[bytes, list[bytes]]]:
        session = self.session
        login = {"login": session.account, "pass": "x", "agent": session.agent, "algo": ["rx/0", "cn/r"]}
        if session.workers[0].name:
            login["rigid"] = session.workers[0].name
        self.key = hexadecimal(self.rng, 16)
        result = {"id": self.key, "job": self._job(), "extensions": ["algo", "keepalive"], "status": "OK"}
        ask = self.line({"id": 1, "jsonrpc": "2.0", "method": "login", "params": login})
        yield ask, [self.line({"id": 1, "jsonrpc": "2.0", "error": None, "result": result})]

    def job(self, at_us: int, clean: bool) -> list[Message]:
        _ = clean
        return [Message(at_us, False, self.line({"jsonrpc": "2.0", "method": "job", "params": self._job()}))]

    def submission(self, worker: Worker, accepted: bool) -> tuple[bytes, bytes]:
        _ = worker
        number = self.next_number() + 1
        params = {
            "id": getattr(self, "key", self.work),
            "job_id": self.work,
            "nonce": hexadecimal(self.rng, 8),
        }
        params["result"] = hexadecimal(self.rng, 64)
        ask = self.line({"id": number, "jsonrpc": "2.0", "method": "submit", "params": params})
        answer: dict[str, Any] = {"id": number, "jsonrpc": "2.0", "error": None, "result": {"status": "OK"}}
        if not accepted:
            answer |= {"error": {"code": -1, "message": "Low difficulty share"}, "result": None}
        return ask, self.line(answer)

    def _job(self) -> dict[str, Any]:
        rng = self.rng
        self.work = hexadecimal(rng, 24)
        target = int(2**32 // int(self.difficulty)).to_bytes(4, "little").hex()
        blob = "1010" + hexadecimal(rng, 148)
        job = {"blob": blob, "job_id": self.work, "target": target, "algo": "rx/0"}
        return job | {"height": int(rng.integers(3_500_000, 3_600_000)), "seed_hash": hexadecimal(rng, 64)}


class _Getwork(_Voice):
    """JSON-RPC over one kept HTTP connection: Bitcoin's getwork, or Ethereum's work where that is mined."""

    def greeting(self) -> Iterator[tuple[bytes, list[bytes]]]:
        yield self._ask_work()

    def job(self, at_us: int, clean: bool) -> list[Message]:
        _ = clean
        ask, answers = self._ask_work()
        later = self.session.rtt_us + int(self.rng.integers(500, 9000))
        return [Message(at_us, True, ask), Message(at_us + later, False, answers[0])]

    def submission(self, worker: Worker, accepted: bool) -> tuple[bytes, bytes]:
        if self.session.algorithm == "Ethash":
            params = ["0x" + hexadecimal(self.rng, 16), "0x" + self.work, "0x" + hexadecimal(self.rng, 64)]
            ask = self._post(worker, "eth_submitWork", params)
        else:
            ask = self._post(worker, "getwork", [self._header()])
        return ask, self._reply(accepted)

    def _ask_work(self) -> tuple[bytes, list[bytes]]:
        worker = self.session.workers[0]
        if self.session.algorithm == "Ethash":
            self.work = hexadecimal(self.rng, 64)
            target = f"0x{int(2**256 // int(self.difficulty)):064x}"
            result: Any = ["0x" + self.work, "0x" + hexadecimal(self.rng, 64), target]
            return self._post(worker, "eth_getWork", []), [self._reply(result)]
        target = int(2**256 // int(self.difficulty)).to_bytes(32, "little").hex()
        result = {"midstate": hexadecimal(self.rng, 64), "data": self._header(), "target": target}
        return self._post(worker, "getwork", []), [
            self._reply(result | {"hash1": hexadecimal(self.rng, 128)})
        ]

    def _header(self) -> str:
        rng, bits = self.rng, self.session.pool.coin.bits
        padding = "00000080" + "0" * 80 + "80020000"
        return "00000020" + hexadecimal(rng, 136) + bits + hexadecimal(rng, 8) + padding

    def _post(self, worker: Worker, method: str, params: Sequence[Any]) -> bytes:
        body = json.dumps({"jsonrpc": "2.0", "id": self.next_number(), "method": method, "params": params})
        path = f"/{self.session.account}/{worker.name}" if self.session.algorithm == "Ethash" else "/"
        head = f"POST {path} HTTP/1.1\r\nHost: {self.session.pool.name}:{self.session.pool.port}\r\n"
        head += f"User-Agent: {self.session.agent}\r\nContent-Type: application/json\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()

    def _reply(self, result: Any) -> bytes:
        body = json.dumps({"result": result, "error": None, "id": self.number})
        head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: keep-alive\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


class _StratumV2(_Voice):
    def greeting(self) -> Iterator[tuple[bytes, list[bytes]]]:
        yield self.rng.bytes(64), [self.rng.bytes(234)]
        yield self._frame(120), [self._frame(6)]
        yield self._frame(60), [self._frame(90), self._frame(40), self._frame(45)]

    def job(self, at_us: int, clean: bool) -> list[Message]:
        return [Message(at_us, False, self._frame(45) + (self._frame(44) if clean else b""))]

    def submission(self, worker: Worker, accepted: bool) -> tuple[bytes, bytes]:
        _ = worker
        return self._frame(24), self._frame(20 if accepted else 32)

    def _frame(self, body: int) -> bytes:
        return self.rng.bytes(22 + body + 16)


_VOICES: dict[str, Callable[[Rng, Session, float], _Voice]] = {
    "stratum_v1": _StratumV1,
    "ethereum_stratum": _EthereumStratum,
    "monero_login": _Monero,
    "http_getwork": _Getwork,
    "stratum_v2": _StratumV2,
}
