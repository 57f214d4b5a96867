"""Deterministic ids and partition numbers: the same content gives the same id on every machine."""

import hashlib
import json
import zlib
from collections.abc import Sequence


def content_id(kind: str, *parts: object) -> str:
    """Return ``kind`` and 20 hexadecimal digits of the SHA-256 of ``parts`` as JSON.

    ``parts`` are strings, numbers, None and lists of them; datetimes are given in ISO 8601.
    """
    text = json.dumps(parts, ensure_ascii=False, separators=(",", ":"), sort_keys=True, default=_as_text)
    return f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:20]}"


def bucket_of(key: str, buckets: int) -> int:
    """Return the partition number, 0 to ``buckets`` - 1, of a transformer (CRC-32 of its id)."""
    return zlib.crc32(key.encode()) % buckets


def buckets_of(keys: Sequence[str], buckets: int) -> list[int]:
    """Return ``bucket_of`` for each of ``keys``."""
    return [zlib.crc32(key.encode()) % buckets for key in keys]


def _as_text(value: object) -> str:
    isoformat = getattr(value, "isoformat", None)
    if isoformat is None:
        raise TypeError(f"an id is made of text, numbers and times, not {type(value).__name__}")
    return str(isoformat())
