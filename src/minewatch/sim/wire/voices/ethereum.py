"""Ethereum's work over a TCP line (eth-proxy) and Nervos' in the same form.

Sources: the messages of ethminer and of Ethereum nodes; Nervos' docs/stratum_v1.md.
"""

from collections.abc import Iterator
from typing import Any

from minewatch.sim.wire.jobs import hexadecimal
from minewatch.sim.wire.packets import Message
from minewatch.sim.wire.voices.voice import Said, Session, Verdict, Voice, Worker


class _EthereumStratum(Voice):
    """``eth_submitLogin``, ``eth_getWork``, ``eth_submitWork`` on one line each."""

    retargets = True
    work_digits = 64

    def greeting(self) -> Iterator[Said]:
        worker = self.session.workers[0].name
        login = {"id": 1, "method": "eth_submitLogin", "params": [self.session.account], "worker": worker}
        yield self.line({**login, "jsonrpc": "2.0"}), [self.line({"id": 1, "jsonrpc": "2.0", "result": True})]
        ask = self.line({"id": 5, "method": "eth_getWork", "params": [], "worker": worker, "jsonrpc": "2.0"})
        yield ask, [self._work(5)]

    def job(self, at_us: int, clean: bool) -> list[Message]:
        _ = clean
        return [Message(at_us, False, self._work(0))]

    def retarget(self, at_us: int, difficulty: float) -> list[Message]:
        self.difficulties = dict.fromkeys(self.difficulties, difficulty)
        return self.job(at_us, True)

    def submission(self, worker: Worker, verdict: Verdict) -> tuple[bytes, bytes]:
        rng = self.rng
        params = ["0x" + hexadecimal(rng, 16), "0x" + self.work, "0x" + hexadecimal(rng, 64)]
        ask = {"id": 4, "jsonrpc": "2.0", "method": "eth_submitWork", "params": params, "worker": worker.name}
        answer: dict[str, Any] = {"id": 4, "jsonrpc": "2.0", "result": verdict == "accepted"}
        if verdict == "stale":
            answer["error"] = {"code": 21, "message": "Stale share"}
        return self.line(ask), self.line(answer)

    def _work(self, number: int) -> bytes:
        self.work = hexadecimal(self.rng, 64)
        target = "0x" + self.target(self.difficulty)
        result = ["0x" + self.work, "0x" + hexadecimal(self.rng, 64), target]
        return self.line({"id": number, "jsonrpc": "2.0", "result": result})


class _NervosLogin(Voice):
    """``ckb_submitLogin`` and its kin: objects in place of lists."""

    work_digits = 64

    def greeting(self) -> Iterator[Said]:
        session: Session = self.session
        login = {"login": session.account, "agent": session.agent, "worker": session.workers[0].name}
        yield self._ask("ckb_submitLogin", login), [self._answer(1, True)]
        yield self._ask("ckb_getWork", None), [self._work(2)]

    def job(self, at_us: int, clean: bool) -> list[Message]:
        _ = clean
        return [Message(at_us, False, self._work(0))]

    def submission(self, worker: Worker, verdict: Verdict) -> tuple[bytes, bytes]:
        _ = worker
        share = {"pow_hash": "0x" + self.work, "nonce": "0x" + hexadecimal(self.rng, 16)}
        ask = self._ask("ckb_submitWork", share)
        if verdict == "accepted":
            return ask, self._answer(self.number, True)
        error = {"code": "102", "message": {"stale": "stale job", "low": "low difficulty"}[verdict]}
        return ask, self.line({"id": self.number, "error": error})

    def _work(self, number: int) -> bytes:
        self.work = hexadecimal(self.rng, 64)
        return self._answer(
            number, {"pow_hash": "0x" + self.work, "target": "0x" + self.target(self.difficulty)}
        )

    def _ask(self, method: str, params: Any) -> bytes:
        return self.line({"id": self.next_number(), "method": method, "params": params})

    def _answer(self, number: int, result: Any) -> bytes:
        return self.line({"id": number, "result": result})


VOICES = (("ethereum_stratum", _EthereumStratum), ("nervos_login", _NervosLogin))
