"""Beam and Grin. Sources: Beam's wiki "Beam mining protocol API (Stratum)", Grin's doc/stratum.md."""

import math
from collections.abc import Iterator
from typing import Any

from minewatch.sim.wire.jobs import hexadecimal
from minewatch.sim.wire.packets import Message
from minewatch.sim.wire.voices.voice import Said, Verdict, Voice, Worker


class _Beam(Voice):
    """A share has the number of its job, and so has its answer."""

    def greeting(self) -> Iterator[Said]:
        key = f"{self.session.account}.{self.session.workers[0].name}"
        ask = self._say("login", "login", api_key=key)
        yield ask, [self._say("result", "login", code=0, description="Login successful"), self._job()]

    def job(self, at_us: int, clean: bool) -> list[Message]:
        _ = clean
        return [Message(at_us, False, self._job())]

    def submission(self, worker: Worker, verdict: Verdict) -> tuple[bytes, bytes]:
        _ = worker
        nonce, output = hexadecimal(self.rng, 16), hexadecimal(self.rng, 208)
        code, text = {"accepted": (1, "accepted"), "stale": (4, "stale"), "low": (3, "rejected")}[verdict]
        ask = self._say("solution", self.work, nonce=nonce, output=output)
        return ask, self._say("result", self.work, code=code, description=text)

    def _job(self) -> bytes:
        self.work = hexadecimal(self.rng, 10)
        order = int(math.log2(self.difficulty))
        packed = order << 24 | int((self.difficulty / 2.0**order - 1) * 2**24)
        height = int(self.rng.integers(3_000_000, 3_100_000))
        return self._say("job", self.work, input=hexadecimal(self.rng, 64), difficulty=packed, height=height)

    def _say(self, method: str, number: str, **fields: Any) -> bytes:
        return self.line({"id": number, "jsonrpc": "2.0", "method": method, **fields})


class _Grin(Voice):
    """Answers repeat the method."""

    def greeting(self) -> Iterator[Said]:
        user = {"login": self.session.account, "pass": "x", "agent": self.session.agent}
        yield self._ask("login", user), [self._answer("login", "ok")]
        yield self._ask("getjobtemplate", None), [self._answer("getjobtemplate", self._job())]

    def job(self, at_us: int, clean: bool) -> list[Message]:
        _ = clean
        job = {"id": "Stratum", "jsonrpc": "2.0", "method": "job", "params": self._job()}
        return [Message(at_us, False, self.line(job))]

    def submission(self, worker: Worker, verdict: Verdict) -> tuple[bytes, bytes]:
        _ = worker
        edges = sorted(int(n) for n in self.rng.integers(1 << 32, size=42))
        share = {"edge_bits": 32, "height": 3_000_000, "job_id": int(self.work, 16), "nonce": 7, "pow": edges}
        ask = self._ask("submit", share)
        if verdict == "accepted":
            return ask, self._answer("submit", "ok")
        text = {"stale": "Solution submitted too late (stale)", "low": "Share rejected due to low difficulty"}
        error = {"code": -32503, "message": text[verdict]}
        return ask, self.line({"id": str(self.number), "jsonrpc": "2.0", "method": "submit", "error": error})

    def _job(self) -> dict[str, Any]:
        self.work = hexadecimal(self.rng, 5)
        pre_pow = hexadecimal(self.rng, 476)
        return {"difficulty": 32, "height": 3_000_000, "job_id": int(self.work, 16), "pre_pow": pre_pow}

    def _ask(self, method: str, params: Any) -> bytes:
        number = str(self.next_number())
        return self.line({"id": number, "jsonrpc": "2.0", "method": method, "params": params})

    def _answer(self, method: str, result: Any) -> bytes:
        answer = {"id": str(self.number), "jsonrpc": "2.0", "method": method, "result": result}
        return self.line(answer | {"error": None})


VOICES = (("beam", _Beam), ("grin", _Grin))
