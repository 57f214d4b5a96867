"""Bytes that come in: written under a name of chance first, measured and hashed while they are."""

import hashlib
import os
import uuid
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from minewatch.office.platform.refusals import Refused

_INCOMING = "incoming"


@contextmanager
def incoming(files: Path) -> Iterator[Path]:
    """Give a path in the office's folder of files to write to; what is still there at the end is removed."""
    folder = files / _INCOMING
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / uuid.uuid4().hex
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


def write(chunks: Iterable[bytes], path: Path, most_mb: int) -> tuple[str, int]:
    """Write chunks to a new file, on disk when this returns; return their SHA-256 and size in bytes.

    Raises Refused where there are more than ``most_mb`` MB of them, or none.
    """
    digest, size = hashlib.sha256(), 0
    with path.open("xb") as file:
        for chunk in chunks:
            size += len(chunk)
            if size > most_mb * 1_000_000:
                raise Refused("file_too_large", most_mb=most_mb)
            digest.update(chunk)
            file.write(chunk)
        file.flush()
        os.fsync(file.fileno())
    if not size:
        raise Refused("file_empty")
    return digest.hexdigest(), size
