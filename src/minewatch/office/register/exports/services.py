"""Exports: asked for with a purpose, made by a worker, handed to the account that asked until they expire."""

import hashlib
import os
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from django.db import transaction
from django.db.models import QuerySet
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from minewatch.office.home import home
from minewatch.office.platform import audit, work
from minewatch.office.platform.exporting import note_export
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.scope import Scope, scoped
from minewatch.office.platform.services import By
from minewatch.office.register.exports.models import Export

KEPT_DAYS = 7
"""Days for which a finished file is kept."""

_NOWHERE = "-"
"""Path of no region: what administrators see of the register."""


class Asked(NamedTuple):
    """What is asked for: the list and its title, the filters in force, the format, for what purpose."""

    page: str
    title: str
    query: Mapping[str, Any]
    form: str
    purpose: str
    in_the_clear: bool = False


@transaction.atomic
def ask(asked: Asked, by: By) -> Export:
    """Note an export and the work that makes it. Raises Refused without a purpose."""
    assert by.user is not None  # noqa: S101 - accounts ask
    note = {"filters": dict(asked.query), "format": asked.form, "in_the_clear": asked.in_the_clear}
    note_export(asked.page, asked.purpose, note, by)
    begun = work.begin((_("Export: %(title)s") % {"title": asked.title})[:200], by.user, by.at)
    return Export.objects.create(
        user=by.user,
        agency=by.user.agency,
        region=None if by.user.administers else by.user.region,
        page=asked.page,
        query=dict(asked.query),
        form=asked.form,
        language=get_language() or "zh-hans",
        purpose=asked.purpose,
        in_the_clear=asked.in_the_clear,
        work=begun,
        asked_at=by.at,
    )


@contextmanager
def as_asked(export: Export) -> Iterator[By]:
    """Put the scope in force that the account had when it asked; yields who acts, at that time."""
    path = export.region.path if export.region else _NOWHERE
    with scoped(Scope(path, export.user_id, export.agency_id)):
        yield By(export.user, export.asked_at)


def make(export: Export, write: Callable[[Path], int], now: datetime) -> Export:
    """Have the file written and put in place; made again after a crash it takes the place of the earlier."""
    folder = _folder()
    folder.mkdir(parents=True, exist_ok=True)
    attempt = folder / f".{uuid.uuid4().hex}"
    try:
        rows = write(attempt)
        with attempt.open("rb") as file:
            sha256 = hashlib.file_digest(file, "sha256").hexdigest()
        name = f"{export.pk}-{sha256}.{export.form}"
        os.replace(attempt, folder / name)
    finally:
        attempt.unlink(missing_ok=True)
    with transaction.atomic():
        export.file, export.sha256, export.rows = name, sha256, rows
        export.expires_at = now + timedelta(days=KEPT_DAYS)
        export.save()
        details = {"export": export.pk, "rows": rows, "sha256": sha256}
        audit.record(By(export.user, now).act("export_made", ("page", export.page)), details)
    return export


@transaction.atomic
def open_export(number: int, by: By) -> tuple[Export, Path]:
    """Return a finished export of the account and where its file is, and note that it was taken.

    Raises Refused where there is none of the account's, or its file expired.
    """
    export = Export.objects.filter(pk=number, user=by.user).first()
    if export is None or export.expires_at is None or export.expires_at <= by.at:
        raise Refused("export_gone")
    path = _folder() / export.file
    if not path.is_file():
        raise Refused("export_gone")
    details = {"export": export.pk, "sha256": export.sha256}
    audit.record(by.act("export_taken", ("page", export.page)), details)
    return export, path


def exports_of(by: By) -> "QuerySet[Export]":
    """Return the exports that an account asked for, newest first."""
    return Export.objects.filter(user=by.user).select_related("work").order_by("-pk")


def take_expired_away(now: datetime) -> int:
    """Take the files away whose time is over, and those that no export names; return how many exports."""
    gone = list(Export.objects.filter(expires_at__lte=now).exclude(file=""))
    for export in gone:
        (_folder() / export.file).unlink(missing_ok=True)
    Export.objects.filter(pk__in=[export.pk for export in gone]).update(file="")
    _take_left_behind(now)
    return len(gone)


def _take_left_behind(now: datetime) -> None:
    if not _folder().is_dir():
        return
    named = set(Export.objects.exclude(file="").values_list("file", flat=True))
    for path in _folder().iterdir():
        is_old = now.timestamp() - path.stat().st_mtime > timedelta(days=1).total_seconds()
        if path.name not in named and is_old:
            path.unlink(missing_ok=True)


def _folder() -> Path:
    return home().folder / "exports"
