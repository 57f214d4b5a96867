"""The files that a user means by paths: folders are walked, hidden entries left out."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from minewatch.schema.reasons import reason
from minewatch.sources.pipes import is_pipe
from minewatch.sources.unreadable import UnreadableFile


def files_of(paths: Iterable[Path]) -> list[Path]:
    """Return the files under ``paths`` in a stable order: folders are walked, hidden entries left out.

    Raises UnreadableFile for a path that does not exist.
    """
    found: dict[Path, None] = {}
    for path in paths:
        if not is_pipe(path) and not path.exists():
            raise UnreadableFile(path, reason("file_not_found"))
        found.update(dict.fromkeys(_walk(path) if path.is_dir() else [path]))
    return list(found)


def _walk(folder: Path) -> Iterator[Path]:
    inside = (path for path in folder.rglob("*") if path.is_file())
    yield from sorted(path for path in inside if not _is_hidden(path.relative_to(folder)))


def _is_hidden(path: Path) -> bool:
    return any(part.startswith((".", "~$", "__MACOSX")) for part in path.parts)
