"""The file that rows come from, known by its bytes; and what became of its rows."""

import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from minewatch.lake.failures import FileChangedError

_BLOCK = 4 << 20


@dataclass(frozen=True)
class SourceFile:
    """A file as it was when its bytes were hashed.

    ``name`` is its name without folder, safe to store and show. ``identity`` (device, inode, size, time of
    change) tells later whether it is still the same.
    """

    path: Path
    source_id: str
    name: str
    bytes: int
    identity: tuple[int, ...]

    @classmethod
    def of(cls, path: Path) -> "SourceFile":
        """Hash ``path``. Raises OSError if it cannot be read, ``FileChangedError`` if it is being written."""
        before = _identity(path)
        digest = hashlib.sha256()
        with path.open("rb") as stream:
            while block := stream.read(_BLOCK):
                digest.update(block)
        source = cls(path, digest.hexdigest(), _plain_name(path), before[2], before)
        source.check_unchanged()
        return source

    def check_unchanged(self) -> None:
        """Raise ``FileChangedError`` if the file is no longer the one that was hashed."""
        if _identity(self.path) != self.identity:
            raise FileChangedError(self.path)


@dataclass(frozen=True)
class Reconciliation:
    """What became of a file's rows, in rows of the file.

    Raises ValueError unless ``rows_in`` = ``accepted`` + ``duplicate`` + ``quarantined``: a row that is in
    none of them would be lost, and the commit must not happen. ``corrected`` of the accepted rows replace
    an earlier version. ``is_known``: the same bytes were ingested before, and nothing was done now.
    """

    source: SourceFile
    format: str
    tables: Sequence[str]
    rows_in: int
    accepted: int
    corrected: int
    duplicate: int
    quarantined: int
    cells_put_aside: int
    notes: Sequence[Mapping[str, Any]] = field(default=())
    is_known: bool = False

    def __post_init__(self) -> None:
        if self.rows_in != self.accepted + self.duplicate + self.quarantined:
            raise ValueError(
                f"{self.source.name}: {self.rows_in} rows in, but {self.accepted} accepted, "
                f"{self.duplicate} duplicate and {self.quarantined} quarantined"
            )


def _identity(path: Path) -> tuple[int, ...]:
    status = os.stat(path)
    return status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns


def _plain_name(path: Path) -> str:
    """Return the last part of the name; bytes that are no text and control characters are spelled out."""
    text = path.name.encode("utf-8", "backslashreplace").decode()
    return "".join(letter if letter.isprintable() else f"\\u{ord(letter):04x}" for letter in text)
