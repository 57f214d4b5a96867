"""Miners in a browser: Coinhive's words, and webminerpool's. Each message is one of WebSocket."""

from collections.abc import Iterator
from typing import Any

from minewatch.sim.wire.jobs import hexadecimal
from minewatch.sim.wire.packets import Message
from minewatch.sim.wire.voices.voice import Said, Verdict, Voice, Worker


class _Coinhive(Voice):
    """``{"type": …, "params": …}``; the account is the site's key."""

    def greeting(self) -> Iterator[Said]:
        user = {"version": 7, "site_key": self.session.account, "type": "anonymous", "user": None, "goal": 0}
        yield self._say("auth", user), [self._say("authed", {"token": "", "hashes": 0}), self._push()]

    def job(self, at_us: int, clean: bool) -> list[Message]:
        _ = clean
        return [Message(at_us, False, self._push())]

    def submission(self, worker: Worker, verdict: Verdict) -> tuple[bytes, bytes]:
        _ = worker
        ask = self._say("submit", self.share_fields() | {"version": 7})
        if verdict == "accepted":
            self.number += 1
            return ask, self._say("hash_accepted", {"hashes": self.number})
        return ask, self._say("error", {"error": {"stale": "expired job", "low": "low_difficulty"}[verdict]})

    def work_fields(self) -> dict[str, Any]:
        """Return new work."""
        self.work = hexadecimal(self.rng, 24)
        target = self.target(self.difficulty, 4, "little")
        return {"job_id": self.work, "blob": "1010" + hexadecimal(self.rng, 148), "target": target}

    def share_fields(self) -> dict[str, Any]:
        """Return a share."""
        nonce, result = hexadecimal(self.rng, 8), hexadecimal(self.rng, 64)
        return {"job_id": self.work, "nonce": nonce, "result": result}

    def _push(self) -> bytes:
        return self._say("job", self.work_fields())

    def _say(self, kind: str, params: dict[str, Any]) -> bytes:
        return self.line({"type": kind, "params": params}).rstrip(b"\n")


class _Handshake(_Coinhive):
    """``{"identifier": …}`` with the fields beside it; refused shares are passed over in silence."""

    def greeting(self) -> Iterator[Said]:
        login = {"pool": self.session.pool.name, "login": self.session.account, "password": "x"}
        yield self._flat("handshake", login | {"userid": "", "version": 7}), [self._push()]

    def submission(self, worker: Worker, verdict: Verdict) -> tuple[bytes, bytes]:
        _ = worker, verdict
        return self._flat("solved", self.share_fields()), self._flat("hashsolved", {})

    def _push(self) -> bytes:
        more = {"algo": "rx/0", "variant": 0, "height": int(self.rng.integers(3_500_000, 3_600_000))}
        return self._flat("job", self.work_fields() | more)

    def _flat(self, kind: str, fields: dict[str, Any]) -> bytes:
        return self.line({"identifier": kind, **fields}).rstrip(b"\n")


VOICES = (("coinhive", _Coinhive), ("webminer", _Handshake))
