"""What a share stands for: the convention by which each mining dialect counts difficulty.

| dialect | difficulty in ``flows`` | hashes a share takes on average |
|---|---|---|
| stratum_v1, SHA-256, kHeavyHash, X11 or not told | as ``mining.set_difficulty`` says | difficulty × 2^32 |
| stratum_v1, scrypt | as ``mining.set_difficulty`` says | difficulty × 2^16 |
| stratum_v1, the algorithms of ``_BY_TARGET`` | 2^256 / target | difficulty |
| ethereum_nicehash | as ``mining.set_difficulty`` says | difficulty × 2^32 |
| every other | 2^256 / target, taken from the work itself | difficulty |

Pools do not agree what a set difficulty counts for the algorithms of the third row: no hash rate is
given then. Sources: https://en.bitcoin.it/wiki/Difficulty and /Stratum_mining_protocol, Litecoin's
share of 2^16 hashes (https://litecoin.info/docs/key-concepts/difficulty), NiceHash EthereumStratum/1.0.0,
ZIP 301, Stratum V2 §5.3 (targets).
"""

_BY_TARGET = frozenset(
    {"Equihash", "KawPow", "Ethash", "Eaglesong", "Octopus", "Autolykos2", "FishHash", "Blake3"}
)
"""Spoken over Stratum v1 with a target in place of a difficulty."""


def hashes_of_unit(dialect: str, algorithm: str | None) -> float:
    """Return the hashes that a share of difficulty 1 stands for on average, in the dialect's convention."""
    if _counts_targets(dialect, algorithm):
        return 1.0
    return 2.0**16 if algorithm == "scrypt" else 2.0**32


def has_convention(dialect: str, algorithm: str | None, by_target: bool) -> bool:
    """Tell whether a share's difficulty has a known meaning; ``by_target``: it was given as a target."""
    spoken_both_ways = dialect in ("stratum_v1", "ethereum_nicehash")
    return not spoken_both_ways or by_target == _counts_targets(dialect, algorithm)


def _counts_targets(dialect: str, algorithm: str | None) -> bool:
    return dialect != "ethereum_nicehash" and (dialect != "stratum_v1" or algorithm in _BY_TARGET)
