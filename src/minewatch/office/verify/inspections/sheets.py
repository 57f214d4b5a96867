"""What is written down on a visit: sheets, their machines and photos, kept once however often they come.

A phone may send the same thing again because the answer was lost: the client's ids tell. A sheet comes after
its photos and names them with their hashes, so that nobody signs for a picture that is not there. Sheets that
two persons wrote from the same base are both kept; a person writes one on top that ``merges`` them.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from django.db import transaction

from minewatch.office.platform import audit
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.services import By
from minewatch.office.register.files import FileGiven, keep_file
from minewatch.office.register.models import EvidenceFile
from minewatch.office.verify.inspections import field_refusals, services
from minewatch.office.verify.inspections.models import Inspection, MachineCount, Photo, Sheet
from minewatch.office.verify.inspections.sheet_forms import PhotoGiven, SheetGiven

_ = field_refusals  # says what the codes mean
_OPEN = (Inspection.State.PLANNED, Inspection.State.UNDER_WAY)
_AHEAD = timedelta(hours=24)  # by which a phone's clock may be wrong
_PICTURES = ("image/jpeg", "image/png", "image/webp", "image/heic")


@transaction.atomic
def keep_sheet(inspection: Inspection, given: SheetGiven, by: By) -> Sheet:
    """Keep a sheet, once. Raises Refused for others than the team, an ended visit, and photos that lack."""
    row = services.locked(inspection)
    kept = Sheet._base_manager.filter(client_id=given.client_id).first()
    refuse_others(row, by, is_again=kept is not None)
    if kept is not None:
        if kept.inspection_id != row.pk or kept.by_id != (by.user and by.user.pk):
            raise Refused("sheet_of_others")
        return kept
    _refuse_future(by, given.written_at, given.arrived_at, given.left_at)
    _refuse_missing_photos(row, given)
    newest = services.newest_sheet(row)
    revision = newest.revision if newest else 0
    if given.base > revision:
        raise Refused("sheet_base")
    sheet = _add(row, given, revision, by)
    services.begun(row, by)
    details = {"revision": sheet.revision, "sha256": sheet.content_sha256, "conflict": sheet.is_conflict}
    audit.record(by.act("sheet_kept", ("inspection", row.number)), details)
    return sheet


def keep_photo(inspection: Inspection, chunks: Iterable[bytes], given: PhotoGiven, by: By) -> Photo:
    """Keep a photo, once, as evidence. Raises Refused where it is no picture or not what the phone hashed."""
    with transaction.atomic():
        row = services.locked(inspection)
        kept = _photo(given.client_id)
        refuse_others(row, by, is_again=kept is not None)
        if kept is not None:
            return _same(kept, row, given)
        _refuse_future(by, given.taken_at)
    content = b"".join(chunks)
    if hashlib.sha256(content).hexdigest() != given.sha256:
        raise Refused("photo_altered")
    named = FileGiven(_name(content, given), ("inspection", row.pk), row.case.site.region, given.caption)
    file = keep_file([content], named, by)
    if file.media_type not in _PICTURES:
        raise Refused("photo_type")
    with transaction.atomic():
        row = services.locked(row)
        kept = _photo(given.client_id)
        refuse_others(row, by, is_again=kept is not None)
        return _same(kept, row, given) if kept else _photographed(row, file, given, by)


def refuse_others(row: Inspection, by: By, *, is_again: bool) -> None:
    """Raise Refused for others than the team, and once the visit has ended unless the same comes again."""
    if by.user is None or by.user.pk not in {one.user_id for one in services.team(row)}:
        raise Refused("sheet_of_others")
    if row.state not in _OPEN and not is_again:
        raise Refused("inspection_ended")


def content(sheet: Sheet) -> dict[str, Any]:
    """Return all that a sheet says; ``content_sha256`` is the SHA-256 of its canonical JSON (``sha256_of``).

    It names the hashes of the sheet below and of those it brings together: who signs it signs for them too.
    """
    photos = Photo.objects.filter(sheet_client_id=sheet.client_id).select_related("file")
    base = Sheet.objects.filter(inspection=sheet.inspection_id, revision=sheet.base).first()
    return _content(
        sheet,
        list(MachineCount.objects.filter(sheet=sheet).select_related("file").order_by("pk")),
        {one.client_id: one.file.sha256 for one in photos},
        (base, list(sheet.merges.order_by("revision"))),
    )


def sha256_of(said: Mapping[str, Any]) -> str:
    """Return the SHA-256 of the canonical JSON of what a sheet says."""
    text = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def as_given(sheet: Sheet, machines: Iterable[MachineCount]) -> dict[str, Any]:
    """Return what a sheet says in the form in which one is given, to be written on."""
    return {
        "checklist": sheet.checklist,
        "answers": sheet.answers,
        "readings": sheet.readings,
        "machines": [counted(one) | {"file": one.file_id} for one in machines],
        "verdict": sheet.verdict or None,
        "words": sheet.words,
        "place": _place_of(sheet),
        "arrived_at": _instant(sheet.arrived_at),
        "left_at": _instant(sheet.left_at),
    }


_PLAIN = ("base", "checklist", "answers", "readings", "verdict", "words", "lon", "lat", "accuracy_m")
_COUNTED = ("how", "model", "maker", "algorithm", "number", "running", "hash_rate_each", "power_each_w")


def _refuse_future(by: By, *times: datetime | None) -> None:
    if any(at is not None and at > by.at + _AHEAD for at in times):
        raise Refused("sheet_clock")


def _refuse_missing_photos(row: Inspection, given: SheetGiven) -> None:
    there = Photo.objects.filter(inspection=row, sheet_client_id=given.client_id).select_related("file")
    kept = {one.client_id: one.file.sha256 for one in there}
    if kept != {one.client_id: one.sha256 for one in given.photos}:
        raise Refused("photo_missing")


def _add(row: Inspection, given: SheetGiven, revision: int, by: By) -> Sheet:
    merges = list(Sheet.objects.filter(inspection=row, revision__in=given.merges).order_by("revision"))
    if len(merges) != len(set(given.merges)):
        raise Refused("sheet_base")
    sheet = _unsaved(row, given, revision, by)
    files = _files(row, given)
    base = Sheet.objects.filter(inspection=row, revision=given.base).first()
    serials = _serials(base)
    machines = [
        MachineCount(
            sheet=sheet,
            file=files[one.file] if one.file is not None else None,
            serials=list(one.serials) or serials.get((one.file, one.model, one.algorithm), []),
            **one.model_dump(exclude={"file", "serials"}),
        )
        for one in given.machines
    ]
    photos = {one.client_id: one.sha256 for one in given.photos}
    sheet.content_sha256 = sha256_of(_content(sheet, machines, photos, (base, merges)))
    sheet.save(force_insert=True)
    MachineCount.objects.bulk_create(machines)
    sheet.merges.set(merges)
    return sheet


def _unsaved(row: Inspection, given: SheetGiven, revision: int, by: By) -> Sheet:
    said = given.model_dump(mode="json", include={"answers", "readings"})
    place = given.place
    return Sheet(
        inspection=row,
        client_id=given.client_id,
        revision=revision + 1,
        base=given.base,
        is_conflict=_is_beside(row, given, revision),
        checklist=given.checklist,
        verdict=given.verdict or "",
        words=given.words,
        lon=place.lon if place else None,
        lat=place.lat if place else None,
        accuracy_m=place.accuracy_m if place else None,
        arrived_at=given.arrived_at,
        left_at=given.left_at,
        written_at=given.written_at,
        received_at=by.at,
        by=by.user,
        **said,
    )


def _is_beside(row: Inspection, given: SheetGiven, revision: int) -> bool:
    """Tell whether something was written since the base that the writer has not seen."""
    seen = {given.base, *given.merges}
    later = Sheet.objects.filter(inspection=row, revision__gt=given.base, revision__lte=revision)
    return any(number not in seen for number in later.values_list("revision", flat=True))


def _content(
    sheet: Sheet,
    machines: Sequence[MachineCount],
    photos: Mapping[UUID, str],
    below: tuple[Sheet | None, Sequence[Sheet]],
) -> dict[str, Any]:
    base, merges = below
    return {
        "inspection": sheet.inspection.number,
        "client_id": str(sheet.client_id),
        "by": sheet.by.get_username() if sheet.by else "",
        **{name: getattr(sheet, name) for name in _PLAIN},
        **{name: _instant(getattr(sheet, name)) for name in ("arrived_at", "left_at", "written_at")},
        "base_sha256": base.content_sha256 if base else "",
        "merges_sha256": [one.content_sha256 for one in merges],
        "machines": [counted(one) | {"file": one.file.sha256 if one.file else ""} for one in machines],
        "photos": sorted([str(name), sha256] for name, sha256 in photos.items()),
    }


def counted(one: MachineCount) -> dict[str, Any]:
    """Return a count of machines as a sheet gives it."""
    return {name: getattr(one, name) for name in _COUNTED} | {"how": str(one.how), "serials": one.serials}


def _files(row: Inspection, given: SheetGiven) -> dict[int, EvidenceFile]:
    wanted = {one.file for one in given.machines if one.file is not None}
    files = EvidenceFile.objects.filter(pk__in=wanted, subject_kind="inspection", subject_id=row.pk)
    found = {file.pk: file for file in files}
    if wanted - set(found):
        raise Refused("sheet_file")
    return found


def _serials(base: Sheet | None) -> dict[tuple[int | None, str, str], list[str]]:
    """Return the serials of machines that came from a file: a phone gives the count back without them."""
    rows = MachineCount.objects.filter(sheet=base).exclude(file=None) if base else ()
    return {(one.file_id, one.model, one.algorithm): one.serials for one in rows}


def _photo(client_id: UUID) -> Photo | None:
    return Photo._base_manager.filter(client_id=client_id).select_related("file").first()


def _same(kept: Photo, row: Inspection, given: PhotoGiven) -> Photo:
    if (kept.inspection_id, kept.file.sha256) != (row.pk, given.sha256):
        raise Refused("sheet_of_others")
    return kept


def _photographed(row: Inspection, file: EvidenceFile, given: PhotoGiven, by: By) -> Photo:
    if Sheet._base_manager.filter(client_id=given.sheet_client_id).exists():
        raise Refused("photo_late")
    place = given.place
    photo = Photo.objects.create(
        inspection=row,
        client_id=given.client_id,
        sheet_client_id=given.sheet_client_id,
        file=file,
        taken_at=given.taken_at,
        lon=place.lon if place else None,
        lat=place.lat if place else None,
        accuracy_m=place.accuracy_m if place else None,
        caption=given.caption,
        by=by.user,
        received_at=by.at,
    )
    details = {"sha256": file.sha256, "client_id": str(given.client_id)}
    audit.record(by.act("photo_kept", ("inspection", row.number)), details)
    return photo


def _name(content: bytes, given: PhotoGiven) -> str:
    """Return a name whose ending says what the first bytes say; ``keep_file`` looks at both."""
    ending = ".jpg"
    if content[:4] == b"RIFF":
        ending = ".webp"
    elif content[4:8] == b"ftyp":
        ending = ".heic"
    elif content[:4] == b"\x89PNG":
        ending = ".png"
    return f"{given.taken_at:%Y%m%dT%H%M%SZ}-{str(given.client_id)[:8]}{ending}"


def _place_of(sheet: Sheet) -> dict[str, float | None] | None:
    if sheet.lon is None or sheet.lat is None:
        return None
    return {"lon": sheet.lon, "lat": sheet.lat, "accuracy_m": sheet.accuracy_m}


def _instant(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None
