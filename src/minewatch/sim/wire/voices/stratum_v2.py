"""Stratum V2: in cleartext with a channel for each worker, and encrypted by its shape.

Source: https://stratumprotocol.org (§3 framing, §4 Noise, §5 mining, §8 types). Noise NX: 64 bytes, 234
bytes, then frames of a 22-byte encrypted header and a body with a 16-byte tag.
"""

import struct
from collections.abc import Iterator
from typing import Any

from minewatch.sim.wire.packets import Message
from minewatch.sim.wire.voices.voice import Said, Verdict, Voice, Worker

_BATCH = 4
_CHANNEL = 0x8000


class _Noise(Voice):
    """What can be seen of an encrypted connection: sizes."""

    def greeting(self) -> Iterator[Said]:
        yield self.rng.bytes(64), [self.rng.bytes(234)]
        yield self._frame(120), [self._frame(6)]
        yield self._frame(60), [self._frame(90), self._frame(40), self._frame(45)]

    def job(self, at_us: int, clean: bool) -> list[Message]:
        return [Message(at_us, False, self._frame(45) + (self._frame(44) if clean else b""))]

    def submission(self, worker: Worker, verdict: Verdict) -> tuple[bytes, bytes]:
        _ = worker
        return self._frame(24), self._frame(20 if verdict == "accepted" else 32)

    def _frame(self, body: int) -> bytes:
        return self.rng.bytes(22 + body + 16)


class _Cleartext(Voice):
    """A farm's proxy: a standard channel for each worker with its own target, shares accepted in fours."""

    each_worker = True

    def __init__(self, *parts: Any) -> None:
        super().__init__(*parts)
        names = [worker.name for worker in self.session.workers]
        self._channels = {name: n + 1 for n, name in enumerate(names)}
        self._numbers = dict.fromkeys(names, 0)
        self._open = dict.fromkeys(names, 0)
        self._job = 0

    def greeting(self) -> Iterator[Said]:
        pool, agent = self.session.pool, self.session.agent
        setup = struct.pack("<BHHI", 0, 2, 2, 0) + _string(pool.name) + struct.pack("<H", pool.port)
        setup += _string(agent.partition("/")[0]) + _string(agent) + _string("") + _string("")
        yield _frame(0x00, setup), [_frame(0x01, struct.pack("<HI", 2, 0))]
        for worker in self.session.workers:
            yield self._open_channel(worker)

    def job(self, at_us: int, clean: bool) -> list[Message]:
        self._job += 1
        seconds = at_us // 1_000_000
        said = b"".join(self._jobs_of(channel, clean, seconds) for channel in self._channels.values())
        return [Message(at_us, False, said)]

    def submission(self, worker: Worker, verdict: Verdict) -> tuple[bytes, bytes]:
        name, channel = worker.name, self._channels[worker.name]
        self._numbers[name] += 1
        number, nonce = self._numbers[name], int(self.rng.integers(1 << 32))
        share = struct.pack("<IIIIII", channel, number, self._job, nonce, 1_780_000_000, 0x20000000)
        ask = _frame(0x1A, share, _CHANNEL)
        if verdict != "accepted":
            why = {"stale": "stale-share", "low": "difficulty-too-low"}[verdict]
            return ask, _frame(0x1D, struct.pack("<II", channel, number) + _string(why), _CHANNEL)
        self._open[name] += 1
        if self._open[name] < _BATCH:
            return ask, b""
        total = round(self._open[name] * self.difficulties[name] / 2.0**32)
        done = struct.pack("<IIIQ", channel, number, self._open[name], total)
        self._open[name] = 0
        return ask, _frame(0x1C, done, _CHANNEL)

    def _open_channel(self, worker: Worker) -> Said:
        channel, user = self._channels[worker.name], f"{self.session.account}.{worker.name}"
        ask = struct.pack("<I", channel) + _string(user) + struct.pack("<f", worker.hash_rate) + b"\xff" * 32
        target = bytes.fromhex(self.target(self.difficulties[worker.name], order="little"))
        opened = struct.pack("<II", channel, channel) + target + b"\x04" + self.rng.bytes(4)
        jobs = self._jobs_of(channel, True, self.session.start_us // 1_000_000)
        return _frame(0x10, ask), [_frame(0x11, opened + struct.pack("<I", 0)), jobs]

    def _jobs_of(self, channel: int, clean: bool, seconds: int) -> bytes:
        future = b"\0" if clean else b"\1" + struct.pack("<I", seconds)
        job = struct.pack("<II", channel, self._job) + future + struct.pack("<I", 0x20000000)
        said = _frame(0x15, job + self.rng.bytes(32), _CHANNEL)
        if not clean:
            return said
        bits = int(self.session.pool.coin.bits, 16)
        block = (
            struct.pack("<II", channel, self._job) + self.rng.bytes(32) + struct.pack("<II", seconds, bits)
        )
        return said + _frame(0x20, block, _CHANNEL)


def _frame(kind: int, body: bytes, extension: int = 0) -> bytes:
    return struct.pack("<HBHB", extension, kind, len(body) & 0xFFFF, len(body) >> 16) + body


def _string(text: str) -> bytes:
    raw = text.encode()[:255]
    return bytes([len(raw)]) + raw


VOICES = (("stratum_v2", _Noise), ("stratum_v2_clear", _Cleartext))
