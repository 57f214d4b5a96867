"""What an office keeps in its home besides the database, and which of it the database names."""

import os
from collections.abc import Iterator
from pathlib import Path

from minewatch.office.home import Home
from minewatch.office.intake import deliveries
from minewatch.office.intake.models import Delivery
from minewatch.office.register import files
from minewatch.office.register.models import EvidenceFile

KEYS = ("secret.key", "office.toml")
"""What opens doors: the key that signs sessions, and the settings with their passwords."""

_MADE_AGAIN = {"static", "workers", *KEYS}


def kept(home: Home, database: Path | None) -> Iterator[tuple[str, Path]]:
    """Yield name and place of each file below the home that a backup holds, but for keys and database.

    Left out is what a set-up makes again, what is being written (names with a dot in front, ``incoming``),
    what a restore put aside, and logs.
    """
    for top in sorted(home.folder.iterdir()):
        if top.name in _MADE_AGAIN or _is_left_out(top, database):
            continue
        for path in _below(top) if top.is_dir() else [top]:
            yield path.relative_to(home.folder).as_posix(), path


def _is_left_out(top: Path, database: Path | None) -> bool:
    is_database = database is not None and top.name.startswith(database.name)
    return is_database or top.name.startswith((".", "replaced-")) or top.suffix == ".log"


def _below(top: Path) -> Iterator[Path]:
    for folder, folders, names in os.walk(top):
        folders[:] = sorted(name for name in folders if name != "incoming" and not name.startswith("."))
        yield from (Path(folder) / name for name in sorted(names) if not name.startswith("."))


def named(home: Home, alias: str) -> set[str]:
    """Return the files that rows of a database name, as they are called in a backup."""
    evidence = EvidenceFile._base_manager.using(alias).values_list("sha256", flat=True)
    waiting = Delivery._base_manager.using(alias).filter(state=Delivery.State.WAITING)
    places = [files.place_of(sha256) for sha256 in evidence.distinct()]
    places += [deliveries.place_of(sha256) for sha256 in waiting.values_list("sha256", flat=True)]
    return {place.relative_to(home.folder).as_posix() for place in places}
