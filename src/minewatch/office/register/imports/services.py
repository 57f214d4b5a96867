"""An import from the file to the register: brought, mapped, tried, confirmed, applied; or dropped.

A worker tries and applies, some rows a transaction, in which it also notes how far it is: killed at any point
the next worker goes on there. Nothing is written that the preview did not show.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path, PurePath
from typing import NamedTuple

from django.db import IntegrityError, transaction
from django.db.models import Count

from minewatch.office.home import home
from minewatch.office.platform import audit
from minewatch.office.platform.models import Region
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.scope import Scope, scoped
from minewatch.office.platform.services import By
from minewatch.office.register import facts
from minewatch.office.register.facts import Said
from minewatch.office.register.files import scan
from minewatch.office.register.imports import cells, headers, tables
from minewatch.office.register.imports.kind import Kind
from minewatch.office.register.imports.kinds import kind_named
from minewatch.office.register.imports.models import Import, ImportRow
from minewatch.office.register.imports.places import Gazetteer
from minewatch.office.register.imports.rows import Fault, Judged, Outcome, Setting, read
from minewatch.office.register.incoming import incoming, write
from minewatch.office.register.models import Source

AT_ONCE = 2_000
"""Rows a transaction."""
MOST_MB = 100
_UPDATED_AT_ONCE = 200

Watch = Callable[[int], object]
State = Import.State


class FileGiven(NamedTuple):
    """A file as it comes: its name (shown, never a path), what it holds, and the region of its rows."""

    name: str
    kind: str
    default_region: Region
    note: str = ""


def receive(chunks: Iterable[bytes], given: FileGiven, by: By) -> Import:
    """Keep a file and guess its columns; raises Refused where it is no table, or is under way already."""
    kind = kind_named(given.kind)
    name = _shown(given.name)
    with incoming(home().files) as path:
        sha256, size = write(chunks, path, MOST_MB)
        form = tables.form_of(path, name)
        scan(path, name)
        found = headers.guess(tables.rows_of(path, form), {field.name: field.title for field in kind.fields})
        place = _place(sha256)
        place.parent.mkdir(parents=True, exist_ok=True)
        os.replace(path, place)
    return _note(given._replace(name=name), (sha256, size, form), found, by)


@transaction.atomic
def map_columns(one: Import, columns: Mapping[str, str], by: By) -> Import:
    """Say which column holds which field, raises Refused where a needed one is left out."""
    kind = kind_named(one.kind)
    locked = _locked(one, State.RECEIVED, State.CHECKED, State.FAILED)
    _refuse_wrong_columns(kind, columns)
    ImportRow._base_manager.filter(of=locked).delete()
    locked.columns, locked.state, locked.failure = dict(columns), State.CHECKING, ""
    locked.read, locked.counts = 0, {}
    locked.save()
    audit.record(by.act("import_mapped", ("import", locked.pk)), {"columns": dict(columns)})
    return locked


@transaction.atomic
def confirm(one: Import, by: By) -> Import:
    """Have the rows of a checked import applied."""
    locked = _locked(one, State.CHECKED)
    reference = f"{locked.name} ({locked.sha256[:12]})"[:200]
    locked.source = facts.source(Source.Kind.IMPORT, reference, by)
    locked.state, locked.confirmed_at = State.APPLYING, by.at
    locked.save()
    audit.record(by.act("import_confirmed", ("import", locked.pk)), {"counts": locked.counts})
    return locked


@transaction.atomic
def drop(one: Import, by: By) -> Import:
    """Give an import up; its file is kept, its rows are not."""
    locked = _locked(one, State.RECEIVED, State.CHECKED, State.FAILED)
    locked.state, locked.ended_at = State.DROPPED, by.at
    locked.save()
    ImportRow._base_manager.filter(of=locked).delete()
    audit.record(by.act("import_dropped", ("import", locked.pk)), {})
    return locked


def go_on(one: Import, at: datetime, watch: Watch) -> Import:
    """Check or apply, from where an earlier attempt stopped; what cannot be read fails with its words."""
    try:
        with scoped(Scope(one.region.path, one.user_id, one.agency_id)):
            if one.state == State.CHECKING:
                _check(one, watch)
            elif one.state == State.APPLYING:
                _apply(one, at, watch)
    except Refused as refusal:
        Import._base_manager.filter(pk=one.pk).update(
            state=State.FAILED, failure=str(refusal)[:300], ended_at=at
        )
    return Import._base_manager.get(pk=one.pk)


def path_of(one: Import) -> Path:
    """Return where the content of an imported file is."""
    return _place(one.sha256)


def setting_of(one: Import) -> Setting:
    """Return what the rows of an import are judged against."""
    return Setting(Gazetteer(one.region.path), one.default_region_id)


def _check(one: Import, watch: Watch) -> None:
    kind, setting = kind_named(one.kind), setting_of(one)
    by_name = kind.by_name
    fields = {int(place): by_name[name] for place, name in one.columns.items()}
    seen = dict(ImportRow._base_manager.filter(of=one).exclude(key="").values_list("key", "number"))
    rows = (
        (number, row) for number, row in tables.rows_of(path_of(one), one.form) if number > one.header_row
    )
    behind = ((number, row) for number, row in rows if number > one.read)
    while some := list(islice(behind, AT_ONCE)):
        given = [read(number, row, fields, cells.text) for number, row in some if any(_filled(row))]
        judged = _once(kind.judge(given, setting), seen)
        _keep(one, judged, some[-1][0])
        watch(one.read)
    _close(one, kind)


def _filled(row: Sequence[object]) -> Iterator[bool]:
    return (
        cell is not None and cell != "" and not (isinstance(cell, str) and cell.isspace()) for cell in row
    )


def _once(judged: Sequence[Judged], seen: dict[str, int]) -> list[Judged]:
    """Put rows in error whose thing an earlier row of the file was about."""
    told = []
    for one in judged:
        earlier = seen.get(one.key) if one.key else None
        if one.outcome != Outcome.WRONG and earlier is not None:
            told.append(Judged(one.number, Outcome.WRONG, faults=[Fault("", "twice", str(earlier))]))
        else:
            seen.setdefault(one.key, one.number)
            told.append(one)
    return told


@transaction.atomic
def _keep(one: Import, judged: Sequence[Judged], last: int) -> None:
    """Keep judged rows, and that the file was read up to its row ``last``."""
    titles = {name: one.headers[int(place)] for place, name in one.columns.items()}
    rows = [
        ImportRow(
            of=one,
            number=row.number,
            key=row.key[:400],
            outcome=row.outcome,
            thing_id=row.thing_id,
            values=row.values if row.waits or row.faults else {},
            changes=row.changes,
            disputes=row.disputes,
            errors=[{**fault._asdict(), "column": titles.get(fault.name, "")} for fault in row.faults],
            waits=row.waits,
        )
        for row in judged
    ]
    ImportRow._base_manager.bulk_create(rows, batch_size=AT_ONCE)
    one.read = last
    one.save(update_fields=["read"])


@transaction.atomic
def _close(one: Import, kind: Kind) -> None:
    kind.close(one)
    one.counts, one.state = _counted(one), State.CHECKED
    if not one.counts:
        raise Refused("table_empty")
    one.save(update_fields=["counts", "state"])


def _apply(one: Import, at: datetime, watch: Watch) -> None:
    kind, setting = kind_named(one.kind), setting_of(one)
    assert one.source is not None and one.confirmed_at is not None  # noqa: S101, PT018 - confirm() set them
    said = Said(one.source, By(one.user, one.confirmed_at))
    while _apply_some(one, kind, setting, said):
        watch(one.applied)
    with transaction.atomic():
        one.counts, one.state, one.ended_at = _counted(one), State.DONE, at
        one.save(update_fields=["counts", "state", "ended_at"])
        audit.record(said.by.act("import_applied", ("import", one.pk)), {"counts": one.counts})


@transaction.atomic
def _apply_some(one: Import, kind: Kind, setting: Setting, said: Said) -> int:
    waiting = ImportRow._base_manager.select_for_update().filter(of=one, waits=True).order_by("number")
    rows = list(waiting[:AT_ONCE])
    if not rows:
        return 0
    previewed = {row.pk: row.outcome for row in rows}
    done = kind.apply(rows, setting, said)
    as_shown = [row.pk for row in done if row.outcome == previewed.get(row.pk)]
    ImportRow._base_manager.filter(pk__in=as_shown).update(waits=False)
    others = [row for row in done if row.outcome != previewed.get(row.pk)]
    ImportRow._base_manager.bulk_update(others, ["outcome", "errors", "waits"], batch_size=_UPDATED_AT_ONCE)
    one.applied += len(done)
    one.save(update_fields=["applied"])
    return len(done)


def _counted(one: Import) -> dict[str, int]:
    rows = ImportRow._base_manager.filter(of=one).order_by()
    return dict(rows.values_list("outcome").annotate(number=Count("pk")).values_list("outcome", "number"))


def _refuse_wrong_columns(kind: Kind, columns: Mapping[str, str]) -> None:
    named = list(columns.values())
    known = kind.by_name
    if any(name not in known for name in named):
        raise Refused("kind_unknown")
    twice = {str(known[name].title) for name in named if named.count(name) > 1}
    if twice:
        raise Refused("columns_twice", fields=", ".join(sorted(twice)))
    missing = [str(field.title) for field in kind.fields if field.is_needed and field.name not in named]
    if missing:
        raise Refused("columns_missing", fields=", ".join(missing))


def _locked(one: Import, *states: Import.State) -> Import:
    locked = Import._base_manager.select_for_update().get(pk=one.pk)
    if locked.state not in states:
        raise Refused("import_not_there")
    return locked


@transaction.atomic
def _note(given: FileGiven, content: tuple[str, int, str], found: headers.Guess, by: By) -> Import:
    assert by.user is not None and by.user.region is not None  # noqa: S101, PT018 - accounts bring files
    sha256, size, form = content
    one = Import(
        region=by.user.region,
        default_region=given.default_region,
        agency=by.user.agency,
        user=by.user,
        kind=given.kind,
        name=given.name,
        note=given.note,
        sha256=sha256,
        size=size,
        form=form,
        header_row=found.row,
        headers=found.headers,
        columns=found.columns,
        received_at=by.at,
    )
    try:
        with transaction.atomic():
            one.save(force_insert=True)
    except IntegrityError as error:
        same = Import.objects.filter(sha256=sha256, kind=given.kind, agency=by.user.agency).order_by("-pk")
        number = same.values_list("pk", flat=True).first()
        raise Refused("import_under_way", number=number) from error
    audit.record(
        by.act("import_received", ("import", one.pk)),
        {"kind": given.kind, "name": given.name, "sha256": sha256, "size": size},
    )
    return one


def _place(sha256: str) -> Path:
    return home().files / "imports" / sha256


def _shown(name: str) -> str:
    return "".join(c for c in PurePath(name.replace("\\", "/")).name if c.isprintable())[-200:]
