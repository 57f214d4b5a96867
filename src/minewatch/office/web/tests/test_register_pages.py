"""The pages of inventories, duplicates and evidence files do what they say, in scope."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from openpyxl import load_workbook

from minewatch.office.conftest import OFFICE, LogIn, OpenAccount
from minewatch.office.home import Home
from minewatch.office.platform.models import AuditEntry, Region
from minewatch.office.platform.roles import Role
from minewatch.office.platform.scope import scoped, whole
from minewatch.office.register import files
from minewatch.office.register.facts import Said, register, source
from minewatch.office.register.inventory import columns
from minewatch.office.register.models import EvidenceFile, Line, Merge, Premises, Site, Source, UsagePoint
from minewatch.office.register.services import SightingGiven, link, sight
from minewatch.office.web.tests.taking import taken

PURPOSE = "每周报送省级清单"


@pytest.fixture
def everywhere() -> Iterator[None]:
    with scoped(whole("test")):
        yield


@pytest.fixture
def sites(country: None, everywhere: None) -> list[Site]:
    said = Said(source(Source.Kind.IMPORT, "file-1", OFFICE), OFFICE)
    made = []
    for number, code in enumerate(["510703", "510703", "620000"]):
        region = Region.objects.get(code=code)
        place = register(Premises(region=region, address=f"涪城区飞云大道{number}号"), said)
        site = Site(region=region, code=f"S-{number}", name=f"仓库{number}", premises=place, power_kw=100.0)
        register(site, said)
        link(site, register(UsagePoint(region=region, number=f"00{number}"), said), said)
        link(site, register(Line(region=region, prefix=f"10.0.{number}.0/24"), said), said)
        sight(site, [SightingGiven(f"10.0.{number}.9", OFFICE.at, OFFICE.at, 4040, submissions=7)], said)
        made.append(site)
    return made


@pytest.fixture
def officer(account: OpenAccount, log_in: LogIn) -> Client:
    return log_in(account("li.na", "energy-510000", Role.OFFICER))


@pytest.fixture
def viewer(account: OpenAccount, log_in: LogIn) -> Client:
    return log_in(account("wu.di", "energy-510000", Role.VIEWER))


def test_an_inventory_shows_its_sites_masked_in_few_queries(officer: Client, sites: list[Site]) -> None:
    with CaptureQueriesContext(connection) as asked:
        text = officer.get("/inventory/operating/").content.decode()
    assert len([query for query in asked if "register_" in query["sql"]]) <= 9
    assert "S-0" in text
    assert "S-2" not in text
    assert "10.0.*.*" in text
    assert "10.0.0.9" not in text
    assert "S-0" not in officer.get("/inventory/construction/").content.decode()


@pytest.mark.parametrize(("clear", "address"), [("", "10.0.*.*"), ("on", "10.0.0.9")])
def test_an_inventory_is_taken_away_with_a_purpose(
    officer: Client, sites: list[Site], clear: str, address: str
) -> None:
    asked = {"purpose": PURPOSE, "form": "xlsx", "clear": clear}
    content = taken(officer, "/inventory/operating/", asked)
    rows = list(load_workbook(io.BytesIO(content)).active.values)
    assert len(rows[0]) == len(columns("operating"))
    assert {address} <= set(rows[1])
    assert len(rows) == 3
    assert AuditEntry.objects.filter(details__purpose=PURPOSE).count() == 1


def test_duplicates_are_merged_and_undone(officer: Client, sites: list[Site]) -> None:
    said = Said(source(Source.Kind.IMPORT, "file-2", OFFICE), OFFICE)
    region = Region.objects.get(code="510703")
    twin = register(UsagePoint(region=region, number="0"), said)
    original = UsagePoint.objects.get(number="000")
    page = f"/duplicates/usagepoint/{original.pk}/{twin.pk}/"
    register(UsagePoint(region=region, number="0001"), said)
    assert (
        f"/duplicates/usagepoint/{UsagePoint.objects.get(number='001').pk}/"
        in officer.get("/duplicates/usagepoint/").content.decode()
    )
    assert officer.get(page).status_code == 200
    answer = officer.post(page, {"keep": "first", "reason": "前导零丢失"})
    assert (answer.status_code, answer["Location"]) == (302, "/merges/")
    row = Merge.objects.get()
    assert (row.kept_id, row.merged_id) == (original.pk, twin.pk)
    assert "前导零丢失" in officer.get("/merges/").content.decode()
    assert officer.get(page).status_code == 404
    assert officer.get(f"/merges/{row.pk}/undo/").status_code == 200
    assert officer.post(f"/merges/{row.pk}/undo/").status_code == 302
    assert officer.post(f"/merges/{row.pk}/undo/").status_code == 409
    twin.refresh_from_db()
    assert twin.merged_into_id is None


def test_an_entry_outside_of_the_scope_is_not_merged(officer: Client, sites: list[Site]) -> None:
    page = f"/duplicates/site/{sites[0].pk}/{sites[2].pk}/"
    assert officer.post(page, {"keep": "first", "reason": "同一地点"}).status_code == 404
    assert officer.get("/duplicates/user/").status_code == 404


def test_who_only_views_merges_and_keeps_nothing(viewer: Client, sites: list[Site]) -> None:
    for path in ("/duplicates/site/", "/merges/", f"/sites/{sites[0].code}/files/new/"):
        assert viewer.get(path).status_code == 403
    answer = viewer.post("/inventory/operating/", {"do": "export", "purpose": PURPOSE, "form": "csv"})
    assert answer.status_code == 403


def test_a_file_is_kept_shown_and_given_out(
    officer: Client,
    viewer: Client,
    sites: list[Site],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(files, "home", lambda: Home(tmp_path, {}))
    new = f"/sites/{sites[0].code}/files/new/"
    picture = SimpleUploadedFile("现场.png", b"\x89PNG\r\n\x1a\n....")
    assert officer.post(new, {"file": picture, "note": "机柜"}).status_code == 302
    kept = EvidenceFile.objects.get()
    panel = viewer.get(f"/sites/{sites[0].code}/panels/files/").content.decode()
    assert "现场.png" in panel
    answer = viewer.get(f"/files/{kept.pk}/")
    assert b"".join(answer.streaming_content).startswith(b"\x89PNG")  # type: ignore[attr-defined]
    assert answer["Content-Disposition"].startswith("attachment")
    assert AuditEntry.objects.get(action="file_opened").actor == "wu.di"
    refused = officer.post(new, {"file": SimpleUploadedFile("a.png", b"<script>")})
    assert refused.status_code == 409
    elsewhere = f"/sites/{sites[2].code}/files/new/"
    assert officer.post(elsewhere, {"file": picture}).status_code == 404


def test_a_file_of_another_province_is_not_given_out(
    officer: Client, sites: list[Site], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "home", lambda: Home(tmp_path, {}))
    given = files.FileGiven("a.txt", ("site", sites[2].pk), sites[2].region)
    kept = files.keep_file([b"text"], given, OFFICE)
    assert officer.get(f"/files/{kept.pk}/").status_code == 404
