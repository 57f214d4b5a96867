"""The lake's own commit log: one small file per commit that names the Delta version of every table.

A commit file appears whole or not at all: it is written under another name, flushed to the disk, then linked
to its number. Whoever reads the newest file sees all tables as one commit left them, however many it touched.
"""

import json
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from minewatch.lake.failures import NoRevisionError

DRAFT = ".draft"


@dataclass(frozen=True)
class Snapshot:
    """All tables as commit ``revision`` left them; revision 0 is the empty lake.

    ``versions`` gives the Delta version and ``rows`` the number of valid rows of each table that exists.
    """

    revision: int
    versions: Mapping[str, int]
    rows: Mapping[str, int] = field(default_factory=dict)
    verb: str = "create"
    at: datetime = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class CommitLog:
    """Commit files in ``folder``, numbered from 1 without gaps."""

    folder: Path

    def newest(self) -> Snapshot:
        """Return what the newest commit left, or the empty lake."""
        revisions = [int(path.stem) for path in self.folder.glob("[0-9]*.json")]
        return self.read(max(revisions, default=0))

    def read(self, revision: int) -> Snapshot:
        """Return what commit ``revision`` left. Raises ``NoRevisionError``."""
        if revision == 0:
            return Snapshot(0, {})
        try:
            record = json.loads(self._path(revision).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise NoRevisionError(self.folder.parent, revision) from error
        return Snapshot(**{**record, "at": datetime.fromisoformat(record["at"])})

    def write(self, snapshot: Snapshot) -> None:
        """Make ``snapshot`` the newest commit. Raises FileExistsError if its number is taken."""
        record = {
            "revision": snapshot.revision,
            "verb": snapshot.verb,
            "at": snapshot.at.isoformat(),
            "versions": dict(sorted(snapshot.versions.items())),
            "rows": dict(sorted(snapshot.rows.items())),
        }
        publish(self._path(snapshot.revision), json.dumps(record, indent=1))

    def _path(self, revision: int) -> Path:
        return self.folder / f"{revision:08d}.json"


def publish(path: Path, text: str) -> None:
    """Write ``text`` to the new file ``path``, which appears whole, on the disk, and never over another."""
    draft = path.with_name(f".{secrets.token_hex(8)}{DRAFT}")
    try:
        with draft.open("w", encoding="utf-8") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        os.link(draft, path)
    finally:
        draft.unlink(missing_ok=True)
    flush_folder(path.parent)


def flush_file(path: Path) -> None:
    """Make the bytes of ``path`` survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def flush_folder(path: Path) -> None:
    """Make the names in the folder ``path`` survive a power cut."""
    flush_file(path)
