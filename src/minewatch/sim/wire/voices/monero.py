"""Monero's ``login``, ``job``, ``submit``: of a miner, without ``jsonrpc``, and of a proxy with many logins.

Source: https://github.com/xmrig/xmrig-proxy/blob/master/doc/STRATUM.md.
"""

from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Any

from minewatch.sim.loads.shapes import Rng
from minewatch.sim.wire.jobs import hexadecimal
from minewatch.sim.wire.packets import Message
from minewatch.sim.wire.voices.voice import Said, Session, Verdict, Voice, Worker

_REFUSALS = {"stale": "Block expired", "low": "Low difficulty share"}


class _Monero(Voice):
    """XMRig with one login."""

    retargets = True
    version: Mapping[str, Any] = MappingProxyType({"jsonrpc": "2.0"})

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self.key = hexadecimal(self.rng, 16)

    def greeting(self) -> Iterator[Said]:
        yield self.login(self.session.workers[0], self.key)

    def login(self, worker: Worker, key: str) -> Said:
        """Return the login of ``worker`` and its answer with the session's ``key``."""
        session = self.session
        login: dict[str, Any] = {"login": session.account, "pass": "x", "agent": session.agent}
        login["algo"] = ["rx/0", "cn/r"]
        if worker.name:
            login["rigid"] = worker.name
        extensions = ["algo", "keepalive"]
        result = {"id": key, "job": self.work_for(worker), "extensions": extensions, "status": "OK"}
        return self.ask("login", login), [self.answer(result, None)]

    def job(self, at_us: int, clean: bool) -> list[Message]:
        _ = clean
        job = self.work_for(self.session.workers[0])
        return [Message(at_us, False, self.line({**self.version, "method": "job", "params": job}))]

    def retarget(self, at_us: int, difficulty: float) -> list[Message]:
        self.difficulties = dict.fromkeys(self.difficulties, difficulty)
        return self.job(at_us, True)

    def submission(self, worker: Worker, verdict: Verdict) -> tuple[bytes, bytes]:
        params = {
            "id": self.key_of(worker),
            "job_id": self.work_of(worker),
            "nonce": self.nonce(worker),
        }
        ask = self.ask("submit", params | {"result": hexadecimal(self.rng, 64)})
        if verdict == "accepted":
            return ask, self.answer({"status": "OK"}, None)
        return ask, self.answer(None, {"code": -1, "message": _REFUSALS[verdict]})

    def nonce(self, worker: Worker) -> str:
        """Return the nonce of a share."""
        _ = worker
        return hexadecimal(self.rng, 8)

    def key_of(self, worker: Worker) -> str:
        """Return the key of the worker's login."""
        _ = worker
        return self.key

    def work_of(self, worker: Worker) -> str:
        """Return the job that the worker works on."""
        _ = worker
        return self.work

    def work_for(self, worker: Worker) -> dict[str, Any]:
        """Return new work."""
        rng = self.rng
        self.work = hexadecimal(rng, 24)
        size = 4 if self.difficulties[worker.name] < 2**24 else 8
        target = self.target(self.difficulties[worker.name], size, "little")
        job = {"blob": "1010" + hexadecimal(rng, 148), "job_id": self.work, "target": target, "algo": "rx/0"}
        return job | {"height": int(rng.integers(3_500_000, 3_600_000)), "seed_hash": hexadecimal(rng, 64)}

    def ask(self, method: str, params: Any) -> bytes:
        """Return a request."""
        return self.line({"id": self.next_number(), **self.version, "method": method, "params": params})

    def answer(self, result: Any, error: Any) -> bytes:
        """Return the answer to the last request."""
        return self.line({"id": self.number, **self.version, "error": error, "result": result})


class _PlainMonero(_Monero):
    """Without ``jsonrpc``, as old pools and some trojans speak."""

    version: Mapping[str, Any] = MappingProxyType({})


class _MoneroProxy(_Monero):
    """A proxy that logs in for each machine behind it; each has a key, work and difficulty of its own."""

    each_worker = True
    retargets = False

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        self._keys = {worker.name: hexadecimal(self.rng, 16) for worker in self.session.workers}
        self._works = {worker.name: self.work for worker in self.session.workers}

    def greeting(self) -> Iterator[Said]:
        for worker in self.session.workers:
            yield self.login(worker, self._keys[worker.name])

    def job(self, at_us: int, clean: bool) -> list[Message]:
        _ = clean
        return [
            Message(at_us + n * 300, False, self._push(worker))
            for n, worker in enumerate(self.session.workers)
        ]

    def key_of(self, worker: Worker) -> str:
        return self._keys[worker.name]

    def work_of(self, worker: Worker) -> str:
        return self._works[worker.name]

    def work_for(self, worker: Worker) -> dict[str, Any]:
        job = super().work_for(worker)
        self._works[worker.name] = self.work
        return job

    def _push(self, worker: Worker) -> bytes:
        job = self.work_for(worker) | {"id": self._keys[worker.name]}
        return self.line({**self.version, "method": "job", "params": job})


class _XmrigProxy(_Monero):
    """One login for all; each machine behind it has a last byte of the nonce of its own."""

    def __init__(self, rng: Rng, session: Session, difficulty: Mapping[str, float]) -> None:
        super().__init__(rng, session._replace(agent="xmrig-proxy/6.21.0 libuv/1.44.2"), difficulty)

    def nonce(self, worker: Worker) -> str:
        return hexadecimal(self.rng, 6) + f"{self.session.workers.index(worker):02x}"


VOICES = (
    ("monero_login", _Monero),
    ("monero_plain", _PlainMonero),
    ("monero_proxy", _MoneroProxy),
    ("xmrig_proxy", _XmrigProxy),
)
