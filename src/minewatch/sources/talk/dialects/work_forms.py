"""What ``mining.notify`` hands out: which coin's work has which parameters.

| work | parameters |
|---|---|
| Bitcoin and forks | job, previous hash, coinbase 1, coinbase 2, branches, version, bits, time, clean |
| Ergo | job, height, message, "", "", version, target (decimal), "", clean |
| ZCash and forks (Equihash) | job, version, previous hash, merkle root, reserved, time, bits, clean |
| Ravencoin (KawPow) | job, header hash, seed hash, target, clean, height, bits |
| Nervos | job, header hash, height, parent hash, clean |
| Conflux | job, height, header hash, boundary |
| Ethereum (NiceHash) | job, seed hash, header hash, clean |
| EthereumStratum/2.0.0 | job, height, header hash |
| Aion | job, clean, target, header hash |
| Kaspa | job, 4 numbers of 64 bits or 80 hex digits (hash and time), or hash; time |
| Alephium | objects with ``headerBlob``, or job, chain index, header |
| Iron Fish | an object with ``miningRequestId`` and ``header`` |

Sources: https://en.bitcoin.it/wiki/Stratum_mining_protocol, ErgoStratumServer's table of parameters, ZIP 301,
Ravencoin's kawpowminer, Nervos' and Conflux' miners, NiceHash EthereumStratum/1.0.0, EIP-1571, the Kaspa
stratum bridge, https://docs.alephium.org/mining/alephium-stratum, Iron Fish's stratum messages.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from minewatch.sources.talk.coins import coin_of_bits
from minewatch.sources.talk.dialects.messages import Message, hashes_of_target, is_hash, is_hex, lowered

_KASPA_WORDS = 4
_KASPA_DIGITS = 80
_HEADER_DIGITS = 200
"""An Alephium header without its nonce has over 500 digits; no hash has as many."""


class Work(NamedTuple):
    """A job, what its form tells of coin and algorithm, and hashes a share where it holds the target."""

    job: str
    coin: str | None = None
    algorithm: str | None = None
    dialect: str = "stratum_v1"
    hashes_each: float | None = None


def work_of(message: Message) -> Work | None:
    """Return the work in a ``mining.notify``, None where it has not the form of any."""
    if "miningrequestid" in message.named:
        return Work(str(message.named["miningrequestid"]), "IRON", "FishHash")
    params = message.params
    if params and isinstance(params[0], dict):
        return _alephium(lowered(params[0]))
    if len(params) < 2 or isinstance(params[0], list):
        return None
    named = (form(params) for form in _FORMS)
    return next((work for work in named if work is not None), Work(str(params[0])))


def _bitcoin(p: Sequence[Any]) -> Work | None:
    if len(p) < 9 or not is_hash(p[1]) or not is_hex(p[6], 8):
        return None
    return Work(str(p[0]), *coin_of_bits(p[6]))


def _ergo(p: Sequence[Any]) -> Work | None:
    if len(p) < 9 or not isinstance(p[1], int) or not is_hash(p[2]) or not str(p[6])[:80].isdecimal():
        return None
    target = int(str(p[6])[:80])
    return Work(str(p[0]), "ERG", "Autolykos2", hashes_each=2.0**256 / target if target else None)


def _equihash(p: Sequence[Any]) -> Work | None:
    if len(p) != 8 or not is_hash(p[2]) or not is_hash(p[4]):
        return None
    return Work(str(p[0]), "ZEC", "Equihash")


def _kawpow(p: Sequence[Any]) -> Work | None:
    if len(p) != 7 or not (is_hash(p[1]) and is_hash(p[2]) and is_hash(p[3])):
        return None
    return Work(str(p[0]), None, "KawPow", hashes_each=hashes_of_target(p[3]))


def _nervos(p: Sequence[Any]) -> Work | None:
    if len(p) != 5 or not (is_hash(p[1]) and isinstance(p[2], int) and is_hash(p[3])):
        return None
    return Work(str(p[0]), "CKB", "Eaglesong")


def _conflux(p: Sequence[Any]) -> Work | None:
    if len(p) != 4 or not (is_hash(p[2]) and is_hash(p[3])) or isinstance(p[1], bool) or is_hash(p[1]):
        return None
    return Work(str(p[0]), "CFX", "Octopus", hashes_each=hashes_of_target(p[3]))


def _aion(p: Sequence[Any]) -> Work | None:
    if len(p) != 4 or not (isinstance(p[1], bool) and is_hash(p[2]) and is_hash(p[3])):
        return None
    return Work(str(p[0]), "AION", "Equihash", hashes_each=hashes_of_target(p[2]))


def _ethereum(p: Sequence[Any]) -> Work | None:
    if len(p) != 4 or not (is_hash(p[1]) and is_hash(p[2]) and isinstance(p[3], bool)):
        return None
    return Work(str(p[0]), None, "Ethash", "ethereum_nicehash")


def _kaspa(p: Sequence[Any]) -> Work | None:
    words = isinstance(p[1], list) and len(p[1]) == _KASPA_WORDS and all(isinstance(n, int) for n in p[1])
    header = is_hex(p[1], _KASPA_DIGITS) and len(p[1]) == _KASPA_DIGITS and len(p) == 2
    timed = len(p) == 3 and is_hash(p[1]) and isinstance(p[2], int)
    return Work(str(p[0]), "KAS", "kHeavyHash") if words or header or timed else None


def _ethereum_2(p: Sequence[Any]) -> Work | None:
    if len(p) not in (3, 4) or not (is_hex(p[1], 1) and not is_hash(p[1]) and is_hash(p[2])):
        return None
    return Work(str(p[0]), None, "Ethash")


def _alephium_header(p: Sequence[Any]) -> Work | None:
    if len(p) != 3 or not (is_hex(p[1], 1) and is_hex(p[2], _HEADER_DIGITS)):
        return None
    return Work(str(p[0]), "ALPH", "Blake3")


def _alephium(job: dict[str, Any]) -> Work | None:
    return Work(str(job.get("jobid", "")), "ALPH", "Blake3") if is_hex(job.get("headerblob"), 1) else None


_FORMS: tuple[Callable[[Sequence[Any]], Work | None], ...] = (
    _bitcoin,
    _ergo,
    _equihash,
    _kawpow,
    _nervos,
    _aion,
    _conflux,
    _ethereum,
    _kaspa,
    _ethereum_2,
    _alephium_header,
)
