"""Work by HTTP on one kept connection: getwork, Ethereum's work, and getblocktemplate of one who mines alone.

Sources: https://en.bitcoin.it/wiki/Getwork, BIP 22, the JSON-RPC of Ethereum nodes.
"""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from minewatch.sim.wire.jobs import hexadecimal
from minewatch.sim.wire.packets import Message
from minewatch.sim.wire.voices.voice import Said, Verdict, Voice, Worker


class _Getwork(Voice):
    """Bitcoin's getwork, or Ethereum's where Ethash is mined."""

    work_digits = 64

    def greeting(self) -> Iterator[Said]:
        yield self.ask_work()

    def job(self, at_us: int, clean: bool) -> list[Message]:
        _ = clean
        ask, answers = self.ask_work()
        later = self.session.rtt_us + int(self.rng.integers(500, 9000))
        return [Message(at_us, True, ask), Message(at_us + later, False, answers[0])]

    def submission(self, worker: Worker, verdict: Verdict) -> tuple[bytes, bytes]:
        if self.session.algorithm == "Ethash":
            params = ["0x" + hexadecimal(self.rng, 16), "0x" + self.work, "0x" + hexadecimal(self.rng, 64)]
            ask = self.post(worker, "eth_submitWork", params)
        else:
            ask = self.post(worker, "getwork", [self._header()])
        return ask, self.reply(verdict == "accepted")

    def ask_work(self) -> Said:
        """Return the request for work and its answer."""
        worker = self.session.workers[0]
        if self.session.algorithm == "Ethash":
            self.work = hexadecimal(self.rng, 64)
            target = "0x" + self.target(self.difficulty)
            result: Any = ["0x" + self.work, "0x" + hexadecimal(self.rng, 64), target]
            return self.post(worker, "eth_getWork", []), [self.reply(result)]
        target = self.target(self.difficulty, order="little")
        result = {"midstate": hexadecimal(self.rng, 64), "data": self._header(), "target": target}
        result["hash1"] = hexadecimal(self.rng, 128)
        return self.post(worker, "getwork", []), [self.reply(result)]

    def _header(self) -> str:
        rng, bits = self.rng, self.session.pool.coin.bits
        padding = "00000080" + "0" * 80 + "80020000"
        return "00000020" + hexadecimal(rng, 136) + bits + hexadecimal(rng, 8) + padding

    def post(self, worker: Worker, method: str, params: Sequence[Any]) -> bytes:
        """Return a request as a POST."""
        body = json.dumps({"jsonrpc": "2.0", "id": self.next_number(), "method": method, "params": params})
        path = f"/{self.session.account}/{worker.name}" if self.session.algorithm == "Ethash" else "/"
        head = f"POST {path} HTTP/1.1\r\nHost: {self.session.pool.name}:{self.session.pool.port}\r\n"
        head += f"User-Agent: {self.session.agent}\r\nContent-Type: application/json\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()

    def reply(self, result: Any) -> bytes:
        """Return the answer to the last request."""
        body = json.dumps({"result": result, "error": None, "id": self.number})
        head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nConnection: keep-alive\r\n"
        return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


class _BlockTemplate(_Getwork):
    """A miner at a node of its own, on a chain easy enough to find blocks on."""

    def ask_work(self) -> Said:
        coin = self.session.pool.coin
        rules = [{"rules": ["segwit"]}]
        result = {
            "version": 0x20000000,
            "previousblockhash": hexadecimal(self.rng, 64),
            "transactions": [],
            "coinbasevalue": 312_500_000,
            "target": self.target(self.difficulty),
            "bits": coin.bits,
            "height": int(self.rng.integers(850_000, 950_000)),
        }
        return self.post(self.session.workers[0], "getblocktemplate", rules), [self.reply(result)]

    def submission(self, worker: Worker, verdict: Verdict) -> tuple[bytes, bytes]:
        ask = self.post(worker, "submitblock", ["00000020" + hexadecimal(self.rng, 600)])
        return ask, self.reply({"accepted": None, "stale": "stale-prevblk", "low": "high-hash"}[verdict])


VOICES = (("http_getwork", _Getwork), ("http_getblocktemplate", _BlockTemplate))
