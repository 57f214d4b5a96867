"""Pools and the work they give: times of blocks and jobs, and the hexadecimal that looks like it.

Block times are those of the coins (BTC 600 s, LTC 150 s, ETC 13 s, XMR 120 s …) and common to all pools of
a coin; a new job also comes every 20 to 60 s with new transactions. Kaspa's ten blocks a second and
Conflux' two are thinned to one job in 6 s. Network difficulties are of late 2025's order; the pools are
invented.
"""

from typing import NamedTuple

import numpy as np

from minewatch.sim.addresses import pool_server
from minewatch.sim.loads.shapes import Rng
from minewatch.sim.names import pick
from minewatch.sim.streams import stream


class Coin(NamedTuple):
    """A coin: mean time between its blocks, s, compact target of its chain, branches of a job."""

    ticker: str
    block_s: float
    bits: str
    branches: int


class Pool(NamedTuple):
    """A pool's server; ``tls_name`` is what its certificate and the client's greeting name."""

    name: str
    ip: str
    port: int
    tls_port: int
    coin: Coin
    job_s: float


COINS = {
    "SHA-256": Coin("BTC", 600.0, "1701fd6e", 12),
    "scrypt": Coin("LTC", 150.0, "192a4c7e", 7),
    "kHeavyHash": Coin("KAS", 6.0, "", 0),
    "Ethash": Coin("ETC", 13.0, "", 0),
    "RandomX": Coin("XMR", 120.0, "", 0),
    "Equihash": Coin("ZEC", 75.0, "1c01e4a2", 0),
    "KawPow": Coin("RVN", 60.0, "1b00f3c5", 0),
    "Autolykos2": Coin("ERG", 120.0, "", 0),
    "Blake3": Coin("ALPH", 16.0, "", 0),
    "Eaglesong": Coin("CKB", 8.0, "", 0),
    "Octopus": Coin("CFX", 6.0, "", 0),
    "FishHash": Coin("IRON", 60.0, "", 0),
    "BeamHash": Coin("BEAM", 60.0, "", 0),
    "Cuckatoo32": Coin("GRIN", 60.0, "", 0),
}
"""Coin by proof of work."""

_HOUSES = ("northpool", "deepvein", "quarry", "lantern", "bluevault", "anthill")
_PORTS = {
    "SHA-256": (3333, 25, 443, 1800),
    "scrypt": (3333, 8888, 700),
    "kHeavyHash": (5555, 1206),
    "Ethash": (4444, 9999, 14444),
    "RandomX": (3333, 5555, 9050, 14433),
}
_OTHER_PORTS = (3333, 5555, 8888)


def draw_pool(rng: Rng, algorithm: str) -> Pool:
    """Draw one of six pools that mine ``algorithm``, at one of its servers."""
    house = int(rng.integers(len(_HOUSES)))
    coin = COINS[algorithm]
    area = pick(rng, ("", "-cn", "-as", "-eu"))
    index = house * 40 + list(COINS).index(algorithm) * 8 + int(rng.integers(3))
    ports = _PORTS.get(algorithm, _OTHER_PORTS)
    return Pool(
        name=f"{coin.ticker.lower()}{area}.{_HOUSES[house]}.example",
        ip=pool_server(index),
        port=int(rng.choice(ports)),
        tls_port=int(rng.choice((443, 3334, 14433, 20535))),
        coin=coin,
        job_s=20.0 + 7.0 * house,
    )


class JobTime(NamedTuple):
    """When a pool has new work, microseconds since the epoch, and whether a block made the old one stale."""

    at_us: int
    clean: bool


def job_times(seed: int, pool: Pool, start_us: int, end_us: int) -> list[JobTime]:
    """Return the jobs of ``pool`` from ``start_us`` to ``end_us``; blocks are those of the coin's chain."""
    blocks = _blocks(seed, pool.coin, start_us, end_us)
    phase = stream(seed, "pool", pool.name).random()
    first = np.ceil(start_us / 1e6 / pool.job_s - phase)
    count = int((end_us - start_us) / 1e6 / pool.job_s) + 1
    times = (first + np.arange(count) + phase) * pool.job_s
    late = stream(seed, "pool", pool.name, start_us).uniform(0.02, 0.4, blocks.size)
    jobs = [JobTime(int(at * 1e6), False) for at in times]
    jobs += [JobTime(int(at * 1e6), True) for at in blocks + late]
    return sorted(job for job in jobs if start_us <= job.at_us < end_us)


def _blocks(seed: int, coin: Coin, start_us: int, end_us: int) -> np.ndarray:
    """Blocks of the chain, s: drawn hour by hour, so that every pool and capture sees the same."""
    found = []
    for hour in range(start_us // 3_600_000_000, end_us // 3_600_000_000 + 1):
        rng = stream(seed, "chain", coin.ticker, hour)
        found.append(hour * 3600.0 + np.sort(rng.uniform(0, 3600, rng.poisson(3600 / coin.block_s))))
    return np.concatenate(found)


def hexadecimal(rng: Rng, digits: int) -> str:
    """Return random hexadecimal digits."""
    return rng.bytes((digits + 1) // 2).hex()[:digits]


_BASE58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_BASE16 = "0123456789abcdef"
_WALLETS = {
    "SHA-256": ("bc1q", _BECH32, 38),
    "scrypt": ("ltc1q", _BECH32, 38),
    "kHeavyHash": ("kaspa:", _BECH32, 61),
    "Equihash": ("t1", _BASE58, 33),
    "KawPow": ("R", _BASE58, 33),
    "Autolykos2": ("9", _BASE58, 50),
    "Blake3": ("1", _BASE58, 44),
    "Eaglesong": ("ckb1", _BECH32, 42),
    "Octopus": ("cfx:", "0123456789abcdefghjkmnprstuvwxyz", 42),
    "FishHash": ("", _BASE16, 64),
    "BeamHash": ("", _BASE16, 67),
    "Cuckatoo32": ("grin1", _BECH32, 58),
}
"""What a wallet begins with, its letters and how many follow, by algorithm."""


def account_of(rng: Rng, algorithm: str, dialect: str) -> str:
    """Return an invented account: a name at a pool, or what has the form of the coin's wallet."""
    named = (
        rng.random() < 0.6
        and dialect in ("stratum_v1", "http_getwork", "stratum_v2")
        and algorithm != "Ethash"
    )
    if named:
        return pick(rng, ("xinfu", "lucky", "hy", "cd", "longda", "mr", "yun")) + str(
            int(rng.integers(10, 9999))
        )
    if algorithm == "Ethash":
        return "0x" + hexadecimal(rng, 40)
    if algorithm == "RandomX":
        return "4" + pick(rng, "123456789AB") + "".join(pick(rng, _BASE58) for _ in range(93))
    head, letters, digits = _WALLETS[algorithm]
    return head + "".join(pick(rng, letters) for _ in range(digits))
