"""Sheets and photos of a visit: kept once, by the team only, beside each other where two wrote at a time."""

import hashlib
import json
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest

from minewatch.office.conftest import AT
from minewatch.office.home import HOME_VARIABLE
from minewatch.office.platform.models import AuditEntry
from minewatch.office.platform.refusals import Refused
from minewatch.office.register.files import FileGiven, keep_file
from minewatch.office.register.models import EvidenceFile
from minewatch.office.verify.inspections.counting import add_counts, counted
from minewatch.office.verify.inspections.joining_sheets import beside, join
from minewatch.office.verify.inspections.lan_scan import FORMAT, sealed
from minewatch.office.verify.inspections.models import Inspection, Inspector, MachineCount, Photo, Sheet
from minewatch.office.verify.inspections.pack import inspections_to_take
from minewatch.office.verify.inspections.services import open_conflicts, sign
from minewatch.office.verify.inspections.sheet_forms import PhotoGiven, SheetGiven, parsed
from minewatch.office.verify.inspections.sheets import (
    content,
    keep_photo,
    keep_sheet,
    sha256_of,
)
from minewatch.office.verify.inspections.tests.conftest import who

VISIT = AT + timedelta(days=3)
JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 8


MACHINES = [{"model": "Antminer S19", "number": 120, "algorithm": "SHA-256", "hash_rate_each": 9.5e13}]


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))


def sheet(client_id: UUID | None = None, **said: Any) -> SheetGiven:
    values = {
        "client_id": str(client_id or uuid4()),
        "checklist": "2026-1",
        "written_at": VISIT.isoformat(),
        "answers": {"machines_found": {"answer": "running"}},
        "readings": [{"what": "电表", "value": 10543.2, "unit": "kWh", "at": VISIT.isoformat()}],
        "machines": [
            {"model": "Antminer S19", "number": 120, "algorithm": "SHA-256", "hash_rate_each": 9.5e13}
        ],
        "place": {"lon": 104.7, "lat": 31.4, "accuracy_m": 12.5},
        "words": "机房一层",
    }
    return parsed(SheetGiven, json.dumps(values | said))


def photo(sheet_id: UUID, picture: bytes = JPEG, **said: Any) -> PhotoGiven:
    values = {
        "client_id": str(uuid4()),
        "sheet_client_id": str(sheet_id),
        "sha256": hashlib.sha256(picture).hexdigest(),
        "taken_at": VISIT.isoformat(),
        "place": {"lon": 104.7, "lat": 31.4, "accuracy_m": 8.0},
    }
    return parsed(PhotoGiven, json.dumps(values | said))


def counts(kept: Sheet) -> list[MachineCount]:
    return list(MachineCount.objects.filter(sheet=kept))


def refused(code: str) -> Any:
    return pytest.raises(Refused, check=lambda refusal: refusal.code == code)


def test_a_sheet_comes_with_all_that_it_says(inspection: Inspection) -> None:
    lead = who(inspection.lead)
    given = sheet()
    taken = photo(given.client_id)
    kept_photo = keep_photo(inspection, [JPEG], taken, lead)
    named = [{"client_id": str(taken.client_id), "sha256": taken.sha256}]
    kept = keep_sheet(inspection, sheet(given.client_id, photos=named, verdict="active"), lead)
    inspection.refresh_from_db()
    assert (kept.revision, kept.is_conflict, inspection.state) == (1, False, "under_way")
    assert (kept_photo.file.sha256, kept_photo.lon, kept_photo.accuracy_m) == (taken.sha256, 104.7, 8.0)
    again = Sheet.objects.get(pk=kept.pk)
    assert sha256_of(content(again)) == kept.content_sha256
    assert content(again)["photos"] == [[str(taken.client_id), taken.sha256]]
    assert MachineCount.objects.get(sheet=again).hash_rate_each == 9.5e13
    assert set(AuditEntry.objects.values_list("action", flat=True)) >= {"sheet_kept", "photo_kept"}


def test_what_comes_again_is_kept_once(inspection: Inspection) -> None:
    lead, given = who(inspection.lead), sheet()
    taken = photo(given.client_id)
    first = [keep_photo(inspection, [JPEG], taken, lead).pk for _ in range(2)]
    given = sheet(given.client_id, photos=[{"client_id": str(taken.client_id), "sha256": taken.sha256}])
    second = [keep_sheet(inspection, given, lead).pk for _ in range(3)]
    assert len({*first}) == len({*second}) == 1
    numbers = [model.objects.count() for model in (Sheet, Photo, MachineCount, EvidenceFile)]
    assert numbers == [1, 1, 1, 1]
    Inspection._base_manager.update(state="cancelled")  # the answer was lost, and the visit ended meanwhile
    assert keep_sheet(inspection, given, lead).pk == second[0]
    with refused("inspection_ended"):
        keep_sheet(inspection, sheet(), lead)


def test_only_the_team_writes(inspection: Inspection, inspectors: list[Inspector]) -> None:
    stranger = who(inspectors[1])
    with refused("sheet_of_others"):
        keep_sheet(inspection, sheet(), stranger)
    with refused("sheet_of_others"):
        keep_photo(inspection, [JPEG], photo(uuid4()), stranger)
    kept = keep_sheet(inspection, sheet(), who(inspection.lead))
    with refused("sheet_of_others"):  # another's id does not open another's sheet
        keep_sheet(inspection, sheet(kept.client_id), who(inspection.second))
    assert Sheet.objects.count() == 1


def test_two_who_write_at_a_time_are_both_kept_until_a_person_joins_them(inspection: Inspection) -> None:
    lead, second = who(inspection.lead), who(inspection.second)
    first = keep_sheet(inspection, sheet(), lead)
    other = keep_sheet(inspection, sheet(words="机房二层", machines=[]), second)
    assert (other.revision, other.base, other.is_conflict) == (2, 0, True)
    assert open_conflicts(inspection) == [other]
    with refused("inspection_conflict"):
        sign(other, lead)
    found = beside(inspection)
    assert found is not None
    assert found.sheets == (first, other)
    parts = {one.part: one.values for one in found.differences}
    assert parts["words"] == ("机房一层", "机房二层")
    assert set(parts) == {"words", "machines.seen.Antminer S19.SHA-256"}
    with refused("sheet_base"):
        join(inspection, [1], {}, lead)
    joined = join(inspection, [1, 2], {"words": 1}, lead)
    assert (joined.words, counts(joined)[0].number, joined.readings) == ("机房二层", 120, first.readings)
    assert (joined.is_conflict, open_conflicts(inspection)) == (False, [])
    assert content(joined)["merges_sha256"] == [other.content_sha256]
    assert content(joined)["base_sha256"] == other.content_sha256
    assert sign(joined, lead).content_sha256 == joined.content_sha256


def test_a_sheet_waits_for_its_photos(inspection: Inspection) -> None:
    lead, given = who(inspection.lead), sheet()
    taken = photo(given.client_id)
    with_photo = sheet(given.client_id, photos=[{"client_id": str(taken.client_id), "sha256": taken.sha256}])
    with refused("photo_missing"):
        keep_sheet(inspection, with_photo, lead)
    keep_photo(inspection, [JPEG[:10], JPEG[10:]], taken, lead)
    with refused("photo_missing"):  # one is there that the sheet does not name
        keep_sheet(inspection, given, lead)
    keep_sheet(inspection, with_photo, lead)
    with refused("photo_late"):
        keep_photo(inspection, [JPEG], photo(given.client_id), lead)


def test_a_photo_is_what_the_phone_hashed_and_a_picture(inspection: Inspection) -> None:
    lead = who(inspection.lead)
    with refused("photo_altered"):
        keep_photo(inspection, [JPEG + b"x"], photo(uuid4()), lead)
    script = b"<svg onload=alert(1)>"
    with refused("file_type"):
        keep_photo(inspection, [script], photo(uuid4(), script), lead)
    with refused("file_empty"):
        keep_photo(inspection, [b""], photo(uuid4(), b""), lead)
    assert Photo.objects.count() == EvidenceFile.objects.count() == 0


def test_a_clock_far_ahead_is_refused(inspection: Inspection) -> None:
    with refused("sheet_clock"):
        keep_sheet(
            inspection, sheet(written_at=(VISIT + timedelta(days=2)).isoformat()), who(inspection.lead)
        )


@pytest.mark.parametrize(
    "said",
    [
        {"client_id": "1"},
        {"extra": 1},
        {"words": "a\u0000b"},
        {"machines": [{"model": "", "number": 1}]},
        {"machines": [{"model": "x", "number": 0}]},
        {"machines": [{"model": "x", "number": 1, "how": "guess"}]},
        {"place": {"lon": 200, "lat": 0}},
        {"written_at": "2026-05-04T09:30:00"},
        {"base": -1},
        {"verdict": "guilty"},
        {"readings": [{"what": "x", "value": "NaN"}]},
    ],
)
def test_what_no_phone_sends_is_refused_in_words(said: dict[str, Any]) -> None:
    with refused("sheet_malformed") as refusal:
        sheet(**said)
    assert str(refusal.value)


def test_a_base_or_a_file_that_is_not_there_is_refused(inspection: Inspection) -> None:
    lead = who(inspection.lead)
    for code, said in (
        ("sheet_base", {"base": 4}),
        ("sheet_base", {"merges": [3]}),
        ("sheet_file", {"machines": [{"model": "x", "number": 1, "file": 77}]}),
    ):
        with refused(code):
            keep_sheet(inspection, sheet(**said), lead)
    assert not Sheet.objects.exists()


def test_an_export_becomes_a_part_of_what_was_written(inspection: Inspection) -> None:
    lead = who(inspection.lead)
    keep_sheet(inspection, sheet(), lead)
    rows = "IP,MAC,Type,Hash Rate avg\n10.0.0.1,aabbcc000001,Antminer L7,9.4 GH/s\n10.0.0.2,,,1 GH/s\n"
    named = FileGiven("farm.csv", ("inspection", inspection.pk), inspection.case.site.region)
    file = keep_file([rows.encode()], named, lead)
    found = counted(inspection, file.pk)
    assert (found.how, found.rates) == ("export", {"scrypt": 9.4e9})
    assert [str(one) for one in found.export.refused]
    kept = [add_counts(inspection, file.pk, lead) for _ in range(2)]  # the second goes on from the first
    assert [one.revision for one in kept] == [2, 3]
    assert [(one.how, one.model, one.number) for one in counts(kept[1])] == [
        ("seen", "Antminer S19", 120),
        ("export", "Antminer L7", 1),
    ]
    assert counts(kept[1])[1].file == file
    assert kept[1].words == "机房一层"
    taken = inspections_to_take(lead)[0]["sheet"]
    assert taken["machines"][1]["serials"] == []
    back = keep_sheet(inspection, sheet(base=3, machines=taken["machines"]), lead)
    assert counts(back)[1].serials == counts(kept[1])[1].serials == ["aa:bb:cc:00:00:01"]
    with refused("sheet_file"):
        counted(inspection, file.pk + 1)


def test_an_altered_scan_is_not_counted(inspection: Inspection) -> None:
    machines = [{"ip": "10.0.0.1", "model": "S19"}]
    record = sealed({"format": FORMAT, "began_at": VISIT.isoformat(), "machines": machines})
    named = FileGiven("scan.json", ("inspection", inspection.pk), inspection.case.site.region)
    lead = who(inspection.lead)
    whole = keep_file([json.dumps(record).encode()], named, lead)
    assert counted(inspection, whole.pk).how == "scan"
    altered = keep_file([json.dumps(record | {"network": "10.0.0.0/24"}).encode()], named, lead)
    with refused("scan_altered"):
        counted(inspection, altered.pk)
