"""Random streams that depend on names alone: any part of the county can be made alone, in any order."""

import hashlib

import numpy as np


def stream(seed: int, *names: object) -> np.random.Generator:
    """Return the random stream of ``names`` (partition, subject, topic) under ``seed``.

    Philox, a counter-based generator, is keyed with 128 bits of BLAKE2b over seed and names, so streams of
    different names are independent and need no common ancestor object (a SeedSequence costs 20 times as
    much, which counts at ten million customers).
    """
    text = "\x1f".join(str(name) for name in (seed, *names))
    digest = hashlib.blake2b(text.encode(), digest_size=16).digest()
    return np.random.Generator(np.random.Philox(key=np.frombuffer(digest, dtype="<u8")))
