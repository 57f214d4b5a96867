"""What a share stands for: the convention by which each mining dialect counts difficulty.

| dialect | difficulty in ``flows`` | hashes a share takes on average |
|---|---|---|
| stratum_v1, SHA-256 and kHeavyHash | as ``mining.set_difficulty`` says | difficulty × 2^32 |
| stratum_v1, scrypt | as ``mining.set_difficulty`` says | difficulty × 2^16 |
| ethereum_nicehash | as ``mining.set_difficulty`` says | difficulty × 2^32 |
| every other | 2^256 / target, taken from the work itself | difficulty |

Sources: https://en.bitcoin.it/wiki/Difficulty and /Stratum_mining_protocol, Litecoin's share of 2^16 hashes
(https://litecoin.info/docs/key-concepts/difficulty), NiceHash EthereumStratum/1.0.0, ZIP 301.
"""

_BY_SET_DIFFICULTY = {"stratum_v1", "ethereum_nicehash"}

_TARGET_ALGORITHMS = {"Equihash", "KawPow"}
"""Spoken over Stratum v1 with a target in place of a difficulty."""


def hashes_of_unit(dialect: str, algorithm: str | None) -> float:
    """Return the hashes that a share of difficulty 1 stands for on average, in the dialect's convention."""
    if dialect not in _BY_SET_DIFFICULTY or algorithm in _TARGET_ALGORITHMS:
        return 1.0
    return 2.0**16 if algorithm == "scrypt" else 2.0**32
