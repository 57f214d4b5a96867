"""Evidence files: kept under the SHA-256 of their content in the office's folder, never changed.

A name that a person gave is shown and never used as a path. The content is in its place before the row that
names it is committed: after a crash there may be content without a row, never a row without its content.
"""

import hashlib
import os
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path, PurePath
from typing import NamedTuple

from django.db import transaction

from minewatch.office.home import home
from minewatch.office.platform import audit, events
from minewatch.office.platform.models import Region
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.services import By
from minewatch.office.register.file_types import type_of
from minewatch.office.register.incoming import incoming, write
from minewatch.office.register.models import EvidenceFile

_MOST_MB = 50
_SCAN_SECONDS = 120


class FileGiven(NamedTuple):
    """A file as it comes: the name it was given, what it belongs to as (kind, id), and where that is."""

    name: str
    subject: tuple[str, int]
    region: Region
    note: str = ""


def keep_file(chunks: Iterable[bytes], given: FileGiven, by: By) -> EvidenceFile:
    """Keep a file as evidence; the same content for the same thing is kept once.

    Raises Refused where it is empty, too large, of a type that is not taken, or refused by the scanner.
    """
    name = "".join(c for c in PurePath(given.name.replace("\\", "/")).name if c.isprintable())[-200:]
    with incoming(home().files) as path:
        sha256, size = write(chunks, path, int(home().said.get("file_mb", _MOST_MB)))
        media_type = type_of(path, name)
        if media_type is None:
            raise Refused("file_type", name=name)
        scan(path, name)
        place = place_of(sha256)
        place.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, place)
    return _note(given._replace(name=name), (sha256, media_type, size), by)


@transaction.atomic
def open_file(number: int, by: By) -> tuple[EvidenceFile, Path] | None:
    """Return a file in scope and where its content is, and note who opened it; None where there is none."""
    row = EvidenceFile.objects.filter(pk=number).first()
    if row is None:
        return None
    audit.record(by.act("file_opened", (row.subject_kind, row.subject_id)), {"sha256": row.sha256})
    return row, path_of(row)


def path_of(file: EvidenceFile) -> Path:
    """Return where the content of a file is."""
    return place_of(file.sha256)


def damaged() -> Iterator[tuple[EvidenceFile, str]]:
    """Yield files whose content is ``missing`` or ``altered``, in the active scope."""
    for file in EvidenceFile.objects.order_by("pk").iterator():
        path = path_of(file)
        if not path.is_file():
            yield file, "missing"
        elif _hash(path) != file.sha256:
            yield file, "altered"


def scan(path: Path, name: str) -> None:
    """Give a file to the office's scanner, where one is set; raises Refused where it objects."""
    command = home().said.get("scanner")
    if not command:
        return
    done = subprocess.run(  # noqa: S603 - the office's own setting
        [*command, str(path)], capture_output=True, timeout=_SCAN_SECONDS, check=False
    )
    if done.returncode:
        raise Refused("file_unsafe", name=name)


def place_of(sha256: str) -> Path:
    """Return where content is kept."""
    return home().files / sha256[:2] / sha256


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@transaction.atomic
def _note(given: FileGiven, content: tuple[str, str, int], by: By) -> EvidenceFile:
    sha256, media_type, size = content
    kind, number = given.subject
    row, is_new = EvidenceFile._base_manager.get_or_create(
        sha256=sha256,
        subject_kind=kind,
        subject_id=number,
        defaults={
            "name": given.name,
            "media_type": media_type,
            "size": size,
            "region": given.region,
            "note": given.note,
            "by": by.user,
            "at": by.at,
        },
    )
    if is_new:
        audit.record(
            by.act("file_kept", (kind, number)), {"sha256": sha256, "name": given.name, "size": size}
        )
        events.publish("register.file_kept", {"id": row.pk, "subject": [kind, number]}, by.at)
    return row
