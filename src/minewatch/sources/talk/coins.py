"""Which coin and proof of work: from a wallet's form, a pool's name, or the network difficulty in the work.

Wallet forms: BIP 173 and base58 version bytes (BTC, LTC, DOGE, DASH, ZEC: chainparams.cpp of each node),
EIP-55 (Ethereum), https://docs.getmonero.org/public-address/standard-address, Kaspa addresses (kaspa:), Ergo
(base58, 51 digits), Nervos RFC 21, Conflux CIP-37, Alephium (base58, first digit 1).
Algorithms: XMRig's doc/ALGORITHMS.md.
"""

import re

ALGORITHM_OF_COIN = {
    "BTC": "SHA-256",
    "BCH": "SHA-256",
    "LTC": "scrypt",
    "DOGE": "scrypt",
    "DASH": "X11",
    "ZEC": "Equihash",
    "ETC": "Ethash",
    "ETH": "Ethash",
    "KAS": "kHeavyHash",
    "RVN": "KawPow",
    "ERG": "Autolykos2",
    "ALPH": "Blake3",
    "CKB": "Eaglesong",
    "CFX": "Octopus",
    "BEAM": "BeamHash",
}
"""Algorithm by ticker. Monero changed its own several times: the block template tells which."""

_BASE58 = "[1-9A-HJ-NP-Za-km-z]"
_WALLETS = (
    ("BTC", re.compile(r"bc1[02-9ac-hj-np-z]{11,71}")),
    ("BCH", re.compile(r"(bitcoincash:)?[qp][02-9ac-hj-np-z]{41}")),
    ("LTC", re.compile(rf"ltc1[02-9ac-hj-np-z]{{39,59}}|[LM]{_BASE58}{{33}}")),
    ("DOGE", re.compile(rf"D{_BASE58}{{33}}")),
    ("DASH", re.compile(rf"X{_BASE58}{{33}}")),
    ("ZEC", re.compile(rf"t[13]{_BASE58}{{33}}|zs1[02-9ac-hj-np-z]{{75}}")),
    ("RVN", re.compile(rf"R{_BASE58}{{33}}")),
    ("KAS", re.compile(r"kaspa:[02-9ac-hj-np-z]{61,63}")),
    ("XMR", re.compile(rf"[48]{_BASE58}{{94}}|4{_BASE58}{{105}}")),
    ("ERG", re.compile(rf"9{_BASE58}{{50}}")),
    ("CKB", re.compile(r"ckb1[02-9ac-hj-np-z]{42,110}")),
    ("CFX", re.compile(r"(?i)cfx:([a-z.]+:)?[0-9a-z]{42}")),
    ("ALPH", re.compile(rf"1{_BASE58}{{43,45}}")),
)
_IN_NAMES = {
    "btc": "BTC",
    "bitcoin": "BTC",
    "bch": "BCH",
    "ltc": "LTC",
    "litecoin": "LTC",
    "doge": "DOGE",
    "dash": "DASH",
    "zec": "ZEC",
    "zcash": "ZEC",
    "eth": "ETH",
    "etc": "ETC",
    "kas": "KAS",
    "kaspa": "KAS",
    "rvn": "RVN",
    "ravencoin": "RVN",
    "xmr": "XMR",
    "monero": "XMR",
    "ergo": "ERG",
    "erg": "ERG",
    "alph": "ALPH",
    "alephium": "ALPH",
    "ckb": "CKB",
    "conflux": "CFX",
    "cfx": "CFX",
    "beam": "BEAM",
    "moneroocean": "XMR",
    "ethermine": "ETH",
}
_OF_ALGO = (
    ("rx/0", "XMR", "RandomX"),
    ("rx/wow", "WOW", "RandomX"),
    ("rx/arq", "ARQ", "RandomX"),
    ("rx/", None, "RandomX"),
    ("panthera", "XLA", "RandomX"),
    ("cn/r", None, "CryptoNight-R"),
    ("cn/2", None, "CryptoNight v2"),
    ("cn/1", None, "CryptoNight v1"),
    ("cn-heavy", None, "CryptoNight-Heavy"),
    ("cn-lite", None, "CryptoNight-Lite"),
    ("cn-pico", None, "CryptoNight-Pico"),
    ("cn", None, "CryptoNight"),
    ("argon2", None, "Argon2"),
    ("astrobwt", "DERO", "AstroBWT"),
    ("ghostrider", "RTM", "GhostRider"),
    ("kawpow", None, "KawPow"),
)
"""Beginning of the name that miner and pool agree on, coin (where only one has it), algorithm."""

_CRYPTONIGHT = ((7, "CryptoNight"), (8, "CryptoNight v1"), (10, "CryptoNight v2"), (12, "CryptoNight-R"))
_BITCOIN_NOW = 2e12
"""Network difficulty above which only Bitcoin has been since 2018; Bitcoin Cash stayed below."""

_SHA256_LEAST = 1e9
"""Since 2014 every SHA-256 chain that pools serve is above, every scrypt chain below 1e9."""


def coin_of_account(account: str) -> str | None:
    """Return the ticker that a wallet's form tells; legacy 1… and 3… addresses fit several coins."""
    for coin, form in _WALLETS:
        if form.fullmatch(account):
            return coin
    return None


def coin_of_name(name: str) -> str | None:
    """Return the ticker in a pool's host name, as in ``zcash.flypool.org`` or ``eth-eu1.nanopool.org``."""
    for word in re.split(r"[^a-z]+", name.lower()):
        if word in _IN_NAMES:
            return _IN_NAMES[word]
    return None


def coin_of_bits(bits: str) -> tuple[str | None, str | None]:
    """Return (coin, algorithm) of Bitcoin-like work with compact target ``bits`` (8 hex digits)."""
    difficulty = _network_difficulty(bits)
    if difficulty is None:
        return None, None
    if difficulty < _SHA256_LEAST:
        return None, "scrypt"
    return ("BTC" if difficulty > _BITCOIN_NOW else None), "SHA-256"


def algorithm_of_blob(blob: str) -> str | None:
    """Return the proof of work of a Monero block template by its major version (first byte)."""
    try:
        version = int(blob[:2], 16)
    except ValueError:
        return None
    for below, name in _CRYPTONIGHT:
        if version < below:
            return name
    return "RandomX"


def coin_and_algorithm(algo: str) -> tuple[str | None, str | None]:
    """Return (coin, algorithm) of a job whose ``algo`` is named as in XMRig's STRATUM_EXT.md, as ``rx/0``."""
    wanted = algo.lower().replace("randomx", "rx").replace("cryptonight", "cn")
    known = ((coin, name) for start, coin, name in _OF_ALGO if wanted.startswith(start))
    return next(known, (None, None))


def _network_difficulty(bits: str) -> float | None:
    try:
        value = int(bits, 16)
    except ValueError:
        return None
    mantissa, exponent = value & 0x7FFFFF, value >> 24
    if len(bits) != 8 or mantissa == 0 or not 4 <= exponent <= 0x1F:
        return None
    return float(0xFFFF) * 2.0 ** (8 * 26) / (mantissa * 2.0 ** (8 * (exponent - 3)))
