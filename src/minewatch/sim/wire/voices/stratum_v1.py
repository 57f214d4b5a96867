"""Stratum v1 as it is spoken for Bitcoin and for the coins that changed its work.

Sources: https://en.bitcoin.it/wiki/Stratum_mining_protocol, BIP 310 (version rolling), ZIP 301, NiceHash
EthereumStratum/1.0.0, the messages of kawpowminer, of Nervos', Conflux' and Ergo's pools, the Kaspa stratum
bridge, https://docs.alephium.org/mining/alephium-stratum, and of Iron Fish's pool.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from minewatch.sim.wire.jobs import hexadecimal
from minewatch.sim.wire.packets import Message
from minewatch.sim.wire.voices.voice import Said, Verdict, Voice, Worker

_REFUSALS = {"stale": [21, "Job not found", None], "low": [23, "Low difficulty share", None]}


class _StratumV1(Voice):
    """Bitcoin, Litecoin, and Kaspa with its work as four numbers; subclasses change work and share."""

    retargets = True

    def greeting(self) -> Iterator[Said]:
        mask = {"version-rolling": True, "version-rolling.mask": "1fffe000"}
        if self.session.algorithm == "SHA-256":
            wanted = [["version-rolling"], {"version-rolling.mask": "ffffffff"}]
            yield self.ask("mining.configure", wanted), [self.answer(mask)]
        yield self.ask("mining.subscribe", self.subscription()), [self.answer(self.subscribed())]
        for n, worker in enumerate(self.session.workers):
            ask = self.ask("mining.authorize", [self.user(worker), "x"])
            first = [self.set_difficulty(self.difficulty), self.notify(True)] if n == 0 else []
            yield ask, [self.answer(True), *first]

    def subscription(self) -> list[Any]:
        """Return what a miner subscribes with."""
        return [self.session.agent]

    def subscribed(self) -> list[Any]:
        """Return the pool's answer."""
        keys = [["mining.set_difficulty", self.work], ["mining.notify", self.work]]
        return [keys, hexadecimal(self.rng, 8), 8]

    def user(self, worker: Worker) -> str:
        """Return who hands in a share."""
        return f"{self.session.account}.{worker.name}"

    def job(self, at_us: int, clean: bool) -> list[Message]:
        return [Message(at_us, False, self.notify(clean))]

    def retarget(self, at_us: int, difficulty: float) -> list[Message]:
        """Half of the pools set the difficulty alone, some time before the work that it holds for."""
        self.difficulties = dict.fromkeys(self.difficulties, difficulty)
        if self.rng.random() < 0.5:
            return [Message(at_us, False, self.set_difficulty(difficulty) + self.notify(True))]
        early = int(self.rng.uniform(1e6, 8e6))
        told = Message(at_us - early, False, self.set_difficulty(difficulty))
        return [told, Message(at_us, False, self.notify(True))]

    def submission(self, worker: Worker, verdict: Verdict) -> tuple[bytes, bytes]:
        ask = self.ask("mining.submit", self.share_params(worker))
        return ask, self.answer(True) if verdict == "accepted" else self.answer(None, _REFUSALS[verdict])

    def share_params(self, worker: Worker) -> Any:
        """Return the parameters of a share."""
        rng = self.rng
        params = [
            self.user(worker),
            self.work,
            hexadecimal(rng, 16),
            hexadecimal(rng, 8),
            hexadecimal(rng, 8),
        ]
        if self.session.algorithm == "SHA-256":
            params.append(f"{int(rng.integers(1, 1 << 16)) << 13:08x}")
        return params

    def set_difficulty(self, difficulty: float) -> bytes:
        """Return what sets the difficulty."""
        return self.tell("mining.set_difficulty", [difficulty])

    def notify(self, clean: bool) -> bytes:
        """Return new work."""
        self.work = hexadecimal(self.rng, 8)
        return self.tell("mining.notify", self.work_params(clean))

    def work_params(self, clean: bool) -> Any:
        """Return the parameters of the work."""
        rng, coin = self.rng, self.session.pool.coin
        if coin.ticker == "KAS":
            return [self.work, [int(n) for n in rng.integers(0, 1 << 63, 4)], int(rng.integers(1 << 40))]
        branches = [hexadecimal(rng, 64) for _ in range(coin.branches)]
        params = [self.work, hexadecimal(rng, 64), hexadecimal(rng, 118), hexadecimal(rng, 240), branches]
        return [*params, "20000000", coin.bits, hexadecimal(rng, 8), clean]

    def ask(self, method: str, params: Any) -> bytes:
        """Return a request."""
        return self.line({"id": self.next_number(), "method": method, "params": params})

    def tell(self, method: str, params: Any) -> bytes:
        """Return a notification."""
        return self.line({"id": None, "method": method, "params": params})

    def answer(self, result: Any, error: Any = None) -> bytes:
        """Return the answer to the last request."""
        return self.line({"id": self.number, "result": result, "error": error})


class _KaspaHeader(_StratumV1):
    """Kaspa with its work as 80 digits: hash of the header and time."""

    def subscription(self) -> list[Any]:
        return [self.session.agent, "EthereumStratum/1.0.0"]

    def subscribed(self) -> list[Any]:
        return [True, "EthereumStratum/1.0.0"]

    def work_params(self, clean: bool) -> Any:
        _ = clean
        return [self.work, hexadecimal(self.rng, 80)]

    def share_params(self, worker: Worker) -> Any:
        return [self.user(worker), self.work, "0x" + hexadecimal(self.rng, 16)]


class _NiceHash(_StratumV1):
    """Ethereum Classic as EthereumStratum/1.0.0."""

    def subscription(self) -> list[Any]:
        return [self.session.agent, "EthereumStratum/1.0.0"]

    def subscribed(self) -> list[Any]:
        return [["mining.notify", self.work, "EthereumStratum/1.0.0"], hexadecimal(self.rng, 6)]

    def work_params(self, clean: bool) -> Any:
        return [self.work, hexadecimal(self.rng, 64), hexadecimal(self.rng, 64), clean]

    def share_params(self, worker: Worker) -> Any:
        return [self.user(worker), self.work, hexadecimal(self.rng, 10)]


class _Targets(_StratumV1):
    """The difficulty is set as a target."""

    def set_difficulty(self, difficulty: float) -> bytes:
        return self.tell("mining.set_target", [self.target(difficulty)])


class _Equihash(_Targets):
    """ZCash (ZIP 301)."""

    def subscription(self) -> list[Any]:
        return [self.session.agent, None, self.session.pool.name, str(self.session.pool.port)]

    def subscribed(self) -> list[Any]:
        return [self.work, hexadecimal(self.rng, 8)]

    def work_params(self, clean: bool) -> Any:
        hashes = [hexadecimal(self.rng, 64) for _ in range(3)]
        return [self.work, "04000000", *hashes, hexadecimal(self.rng, 8), self.session.pool.coin.bits, clean]

    def share_params(self, worker: Worker) -> Any:
        solution = "fd4005" + hexadecimal(self.rng, 2688)
        return [self.user(worker), self.work, hexadecimal(self.rng, 8), hexadecimal(self.rng, 56), solution]


class _KawPow(_Targets):
    """Ravencoin; the work holds the target again."""

    def work_params(self, clean: bool) -> Any:
        hashes = [hexadecimal(self.rng, 64), hexadecimal(self.rng, 64), self.target(self.difficulty)]
        return [self.work, *hashes, clean, int(self.rng.integers(3_900_000, 4_000_000)), "1b00f3c5"]

    def share_params(self, worker: Worker) -> Any:
        digits = (16, 64, 64)
        return [self.user(worker), self.work, *("0x" + hexadecimal(self.rng, n) for n in digits)]


class _Nervos(_Targets):
    """Nervos CKB."""

    def work_params(self, clean: bool) -> Any:
        height = int(self.rng.integers(17_000_000, 18_000_000))
        return [self.work, hexadecimal(self.rng, 64), height, hexadecimal(self.rng, 64), clean]

    def share_params(self, worker: Worker) -> Any:
        return [self.user(worker), self.work, hexadecimal(self.rng, 24)]


class _Conflux(_StratumV1):
    """_Conflux: the boundary comes with the work."""

    def set_difficulty(self, difficulty: float) -> bytes:
        _ = difficulty
        return b""

    def work_params(self, clean: bool) -> Any:
        _ = clean
        height, boundary = int(self.rng.integers(1 << 27)), "0x" + self.target(self.difficulty)
        return [self.work, str(height), "0x" + hexadecimal(self.rng, 64), boundary]

    def share_params(self, worker: Worker) -> Any:
        nonce, header = "0x" + hexadecimal(self.rng, 16), "0x" + hexadecimal(self.rng, 64)
        return [self.user(worker), self.work, nonce, header]


class _Ergo(_StratumV1):
    """_Ergo: the target is a decimal number in the work."""

    def set_difficulty(self, difficulty: float) -> bytes:
        _ = difficulty
        return self.tell("mining.set_difficulty", [1])

    def work_params(self, clean: bool) -> Any:
        height, target = int(self.rng.integers(1_600_000, 1_700_000)), int(self.target(self.difficulty), 16)
        message = hexadecimal(self.rng, 64)
        return [self.work, height, message, "", "", "00000003", str(target), "", clean]


class _Alephium(_Targets):
    """Alephium as its documents have it: target and parameters are not in lists."""

    def greeting(self) -> Iterator[Said]:
        yield self.ask("mining.hello", [self.session.agent, "AlephiumStratum/1.0.0"]), [self.answer([])]
        yield from super().greeting()

    def set_difficulty(self, difficulty: float) -> bytes:
        return self.tell("mining.set_target", self.target(difficulty))

    def work_params(self, clean: bool) -> Any:
        _ = clean
        return [self.work, f"{int(self.rng.integers(16)):02x}", hexadecimal(self.rng, 604)]

    def share_params(self, worker: Worker) -> Any:
        return {"jobId": self.work, "nonce": hexadecimal(self.rng, 48), "worker": self.user(worker)}


class _IronFish(_Targets):
    """Iron Fish: bodies with names, shares answered by a method."""

    def greeting(self) -> Iterator[Said]:
        worker = self.session.workers[0]
        body = {"version": 3, "publicAddress": self.session.account, "name": worker.name}
        ask = self._body("mining.subscribe", body | {"agent": self.session.agent}, self.next_number())
        first = self.set_difficulty(self.difficulty), self.notify(True)
        yield (
            ask,
            [self._body("mining.subscribed", {"clientId": 7, "xn": hexadecimal(self.rng, 4)}, None), *first],
        )

    def set_difficulty(self, difficulty: float) -> bytes:
        return self._body("mining.set_target", {"target": self.target(difficulty)}, None)

    def notify(self, clean: bool) -> bytes:
        _ = clean
        self.work = hexadecimal(self.rng, 5)
        body = {"miningRequestId": int(self.work, 16), "header": hexadecimal(self.rng, 360)}
        return self._body("mining.notify", body, None)

    def submission(self, worker: Worker, verdict: Verdict) -> tuple[bytes, bytes]:
        _ = worker
        body = {"miningRequestId": int(self.work, 16), "randomness": hexadecimal(self.rng, 16)}
        ask = self._body("mining.submit", body, self.next_number())
        said: dict[str, Any] = {"id": self.number, "result": verdict == "accepted"}
        if verdict != "accepted":
            said["message"] = {"stale": "stale share", "low": "low difficulty"}[verdict]
        return ask, self._body("mining.submitted", said, self.number)

    def _body(self, method: str, body: dict[str, Any], number: int | None) -> bytes:
        return self.line({"id": number, "method": method, "body": body})


VOICES: Sequence[tuple[str, type[_StratumV1]]] = (
    ("stratum_v1", _StratumV1),
    ("kaspa_header", _KaspaHeader),
    ("ethereum_nicehash", _NiceHash),
    ("equihash", _Equihash),
    ("kawpow", _KawPow),
    ("nervos", _Nervos),
    ("conflux", _Conflux),
    ("ergo", _Ergo),
    ("alephium", _Alephium),
    ("iron_fish", _IronFish),
)
