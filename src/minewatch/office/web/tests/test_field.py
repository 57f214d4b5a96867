"""The phone's page and the sheets on the desktop: who may, in which words, and how often it counts."""

import hashlib
import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from minewatch.office.conftest import LogIn, OpenAccount
from minewatch.office.home import HOME_VARIABLE
from minewatch.office.platform.models import AuditEntry
from minewatch.office.platform.roles import Role
from minewatch.office.platform.scope import scoped, whole
from minewatch.office.verify.inspections.models import Inspection, Inspector, Photo, Sheet
from minewatch.office.verify.inspections.tests.conftest import (
    cases,
    crew,
    everywhere,
    inspection,
    inspectors,
    new_site,
)
from minewatch.office.web import clock

__all__ = ["cases", "crew", "everywhere", "inspection", "inspectors", "new_site"]

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256))


@pytest.fixture(autouse=True)
def _files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(HOME_VARIABLE, str(tmp_path))


@pytest.fixture
def lead(inspection: Inspection, log_in: LogIn) -> Client:
    return log_in(inspection.lead.user)


def sheet(**said: Any) -> dict[str, Any]:
    at = clock.now().isoformat()
    return {"client_id": str(uuid4()), "checklist": "2026-1", "written_at": at, "words": "机房一层"} | said


def send(client: Client, inspection: Inspection, said: dict[str, Any]) -> Any:
    return client.post(f"/field/{inspection.number}/sheets/", json.dumps(said), "application/json")


def send_photo(client: Client, inspection: Inspection, said: dict[str, Any], content: bytes = JPEG) -> Any:
    file = SimpleUploadedFile("x", content)
    address = f"/field/{inspection.number}/photos/{said['client_id']}/"
    return client.post(address, {"said": json.dumps(said), "file": file})


def test_the_page_is_the_same_for_everybody_and_names_nobody(lead: Client, inspection: Inspection) -> None:
    page = lead.get("/field/").content.decode()
    assert inspection.lead.user.username not in page
    assert inspection.number not in page
    assert "csrf" not in page.lower()
    assert "No network" in page
    assert json.dumps("无网络")[1:-1] in page  # both languages come along
    worker = lead.get("/field/worker.js")
    assert worker["Content-Type"] == "text/javascript"
    assert '"/field/"' in worker.content.decode()
    assert lead.get(f"/field/{inspection.number}/").status_code == 302


def test_a_pack_holds_the_own_open_inspections_only(
    inspection: Inspection, inspectors: list[Inspector], log_in: LogIn
) -> None:
    pack = log_in(inspection.lead.user).get("/field/pack/").json()
    assert [one["number"] for one in pack["inspections"]] == [inspection.number]
    assert pack["inspections"][0]["address"] == "工业路1号"
    assert pack["checklist"]["edition"]
    taken = AuditEntry.objects.get(action="inspections_taken")
    assert taken.details["inspections"] == [inspection.number]
    assert log_in(inspectors[1].user).get("/field/pack/").json()["inspections"] == []


def test_a_pack_costs_twelve_queries_at_most(
    lead: Client, inspection: Inspection, django_assert_max_num_queries: Any
) -> None:
    lead.get("/field/pack/")
    send(lead, inspection, sheet())
    with django_assert_max_num_queries(12):
        assert lead.get("/field/pack/").json()["inspections"][0]["revision"] == 1


def test_sheets_and_photos_are_taken_once(lead: Client, inspection: Inspection) -> None:
    said = sheet()
    photo = {
        "client_id": str(uuid4()),
        "sheet_client_id": said["client_id"],
        "sha256": hashlib.sha256(JPEG).hexdigest(),
        "taken_at": clock.now().isoformat(),
        "place": None,
        "caption": "铭牌",
    }
    assert [send_photo(lead, inspection, photo).status_code for _ in range(2)] == [200, 200]
    named = said | {"photos": [{"client_id": photo["client_id"], "sha256": photo["sha256"]}]}
    answers = [send(lead, inspection, named).json() for _ in range(2)]
    assert answers[0] == answers[1]
    assert answers[0]["revision"] == 1
    assert (Sheet.objects.count(), Photo.objects.count()) == (1, 1)


def test_refusals_come_as_words(
    lead: Client, inspection: Inspection, inspectors: list[Inspector], log_in: LogIn
) -> None:
    wrong = send(lead, inspection, {"words": 1})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "sheet_malformed")
    stranger = send(log_in(inspectors[1].user), inspection, sheet())
    assert (stranger.status_code, stranger.json()["code"]) == (409, "sheet_of_others")
    assert stranger.json()["text"]
    photo = {
        "client_id": str(uuid4()),
        "sheet_client_id": str(uuid4()),
        "sha256": "0" * 64,
        "taken_at": clock.now().isoformat(),
    }
    altered = send_photo(lead, inspection, photo)
    assert (altered.status_code, altered.json()["code"]) == (409, "photo_altered")
    assert lead.post(f"/field/{inspection.number}/photos/{uuid4()}/", {"said": "{}"}).status_code == 413


def test_who_inspects_nothing_is_kept_out(
    inspection: Inspection, account: OpenAccount, log_in: LogIn
) -> None:
    elsewhere = account("gan.jian", "energy-620000", Role.INSPECTOR)
    client = log_in(elsewhere)
    assert client.get("/field/pack/").json()["inspections"] == []
    assert send(client, inspection, sheet()).status_code == 404
    officer = log_in(account("si.li", "energy-510000", Role.OFFICER))
    assert officer.get("/field/").status_code == 403
    assert send(officer, inspection, sheet()).status_code == 403
    assert Client().get("/field/pack/").status_code == 302
    assert not Sheet.objects.exists()


def test_an_export_is_looked_at_before_it_counts(lead: Client, inspection: Inspection) -> None:
    rows = "型号,数量,平均算力,算法\nAntminer S19,80,95 TH/s,SHA-256\nAntminer L7,20,9.4 GH/s,scrypt\n,3,,\n"
    file = SimpleUploadedFile("矿场.csv", rows.encode("gb18030"))
    answer = lead.post(f"/inspections/{inspection.number}/machines/", {"file": file})
    assert answer.status_code == 302
    page = lead.get(answer["Location"]).content.decode()
    assert "Antminer L7" in page
    assert "7.6 PH/s" in page  # 80 × 95 TH/s, and never with the scrypt machines
    assert not Sheet.objects.exists()
    assert lead.post(answer["Location"]).status_code == 302
    kept = Sheet.objects.get()
    assert sorted(kept.machinecounts.values_list("number", flat=True)) == [20, 80]
    wrong = lead.post(
        f"/inspections/{inspection.number}/machines/", {"file": SimpleUploadedFile("x.csv", b"a,b\n1,2\n")}
    )
    assert wrong.status_code == 409


def test_sheets_are_brought_together_on_the_desktop(
    lead: Client, inspection: Inspection, log_in: LogIn
) -> None:
    second = log_in(inspection.second.user)
    assert lead.get(f"/inspections/{inspection.number}/join/").status_code == 404
    send(lead, inspection, sheet())
    assert send(second, inspection, sheet(words="机房二层")).json()["is_conflict"]
    page = lead.get(f"/inspections/{inspection.number}/join/").content.decode()
    assert "机房一层" in page
    assert "机房二层" in page
    stale = lead.post(f"/inspections/{inspection.number}/join/", {"seen": "1", "part.words": "1"})
    assert stale.status_code == 409
    done = lead.post(f"/inspections/{inspection.number}/join/", {"seen": "1,2", "part.words": "1"})
    assert done.status_code == 302
    with scoped(whole("test")):
        newest = Sheet.objects.order_by("-revision").first()
    assert newest is not None
    assert (newest.revision, newest.words, newest.is_conflict) == (3, "机房二层", False)
