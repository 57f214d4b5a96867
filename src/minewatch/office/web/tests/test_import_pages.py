"""Pages of imports, exports and edits: a file's way, who sees what of it, what is refused."""

import csv
import io
from datetime import timedelta
from pathlib import Path

import openpyxl
import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from minewatch.office.conftest import LogIn, OpenAccount
from minewatch.office.platform.models import AuditEntry, Work
from minewatch.office.platform.roles import Role
from minewatch.office.register.exports import services
from minewatch.office.register.exports.models import Export
from minewatch.office.register.imports import tasks
from minewatch.office.register.imports.kinds import kinds
from minewatch.office.register.imports.models import Import
from minewatch.office.register.models import Enterprise, Site, Statement, UsagePoint
from minewatch.office.web.listing import exports
from minewatch.office.web.tests.taking import taken

ROWS = "户号,户名,地区,容量\n7001,张三丰,510703,100\n7002,李四,620000,50\n7003,王五,510703,=1+1\n"


@pytest.fixture(autouse=True)
def _home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings) -> None:  # type: ignore[no-untyped-def]
    monkeypatch.setenv("MINEWATCH_OFFICE_HOME", str(tmp_path))
    settings.LANGUAGE_CODE = "en"


def bring(client: Client, content: str = ROWS, kind: str = "usagepoint") -> Import:
    file = SimpleUploadedFile("list.csv", content.encode("gbk"))
    said = {"kind": kind, "file": file, "region": "510703", "note": "grid company"}
    answer = client.post("/imports/new/", said)
    assert answer.status_code == 302, answer.content.decode()
    return Import._base_manager.latest("pk")


def work_off(one: Import) -> None:
    one.refresh_from_db()
    assert one.work_id
    tasks.run.func(one.pk, one.work_id)


def test_a_file_goes_all_its_way(officer: Client, sites: list[Site]) -> None:
    one = bring(officer)
    columns = {f"column_{place}": name for place, name in one.columns.items()}
    page = officer.get(f"/imports/{one.pk}/").content.decode()
    assert "张三丰" in page
    assert '<option value="contract_kva" selected>' in page
    officer.post(f"/imports/{one.pk}/", {"do": "columns", "column_0": "number", "column_1": "customer_name"})
    assert "every 1s" in officer.get(f"/imports/{one.pk}/").content.decode()
    work_off(one)
    officer.post(f"/imports/{one.pk}/", {"do": "columns", **columns})
    work_off(one)
    page = officer.get(f"/imports/{one.pk}/").content.decode()
    assert "In error 2" in page
    assert "paste it as values" in page
    assert "Apply 1 row" in page
    assert not UsagePoint._base_manager.filter(number="7001").exists()
    told = officer.get(f"/imports/{one.pk}/errors.csv").content.decode("utf-8-sig")
    assert [row[:3] for row in csv.reader(io.StringIO(told))][1:] == [
        ["3", "地区", "620000"],
        ["4", "容量", "'=1+1"],
    ]
    officer.post(f"/imports/{one.pk}/", {"do": "confirm"})
    work_off(one)
    assert UsagePoint._base_manager.get(number="7001").contract_kva == 100
    assert "Apply" not in officer.get(f"/imports/{one.pk}/").content.decode()
    assert Work.objects.latest("pk").result == {"new": 1, "wrong": 2, "address": f"/imports/{one.pk}/"}
    acts = set(AuditEntry.objects.values_list("action", flat=True))
    assert {"import_received", "import_mapped", "import_confirmed", "import_applied"} <= acts
    assert "list.csv" in officer.get("/imports/").content.decode()


def test_other_agencies_and_those_without_the_permission_see_no_import(
    officer: Client, account: OpenAccount, log_in: LogIn, sites: list[Site]
) -> None:
    one = bring(officer)
    county = log_in(account("county", "energy-510703", Role.OFFICER))
    for client, status in ((county, 404), (log_in(account("v", "energy-510000", Role.VIEWER)), 403)):
        for path in (f"/imports/{one.pk}/", f"/imports/{one.pk}/errors.csv"):
            assert client.get(path).status_code == status
        assert client.post(f"/imports/{one.pk}/", {"do": "confirm"}).status_code == status
    assert "list.csv" not in county.get("/imports/").content.decode()


def test_steps_out_of_turn_are_refused_in_words(officer: Client, sites: list[Site]) -> None:
    one = bring(officer)
    answer = officer.post(f"/imports/{one.pk}/", {"do": "confirm"}, follow=True)
    assert "waits for something else by now" in answer.content.decode()
    answer = officer.post(f"/imports/{one.pk}/", {"do": "columns", "column_1": "customer_name"}, follow=True)
    assert "A column is needed for: Number" in answer.content.decode()
    assert officer.post(f"/imports/{one.pk}/", {"do": "burn"}).status_code == 404
    officer.post(f"/imports/{one.pk}/", {"do": "drop"})
    one.refresh_from_db()
    assert one.state == "dropped"


@pytest.mark.parametrize(("name", "content"), [("a.exe", b"MZ"), ("a.csv", b""), ("a.csv", b"nothing\n1\n")])
def test_a_file_that_is_none_is_refused_on_the_page(
    officer: Client, sites: list[Site], name: str, content: bytes
) -> None:
    said = {"kind": "usagepoint", "file": SimpleUploadedFile(name, content), "region": "510703"}
    assert officer.post("/imports/new/", said).status_code in (409, 422)
    assert not Import._base_manager.exists()


def test_templates_are_read_back(officer: Client, sites: list[Site]) -> None:
    for kind in kinds().values():
        answer = officer.get(f"/imports/template/{kind.name}.xlsx")
        sheet = openpyxl.load_workbook(io.BytesIO(answer.content)).worksheets[0]
        assert [cell.value for cell in sheet[1]] == [str(field.title) for field in kind.fields]
        content = officer.get(f"/imports/template/{kind.name}.csv").content
        said = {"kind": kind.name, "file": SimpleUploadedFile("t.csv", content), "region": "510703"}
        officer.post("/imports/new/", said)
        assert len(Import._base_manager.latest("pk").columns) == len(kind.fields)
    assert officer.get("/imports/template/user.csv").status_code == 404
    assert officer.get("/imports/template/site.exe").status_code == 404


def test_an_export_can_be_brought_back(officer: Client, sites: list[Site]) -> None:
    """What was exported masked changes nothing when it is imported."""
    content = taken(officer, "/sites/", {"form": "csv", "purpose": "to be edited"})
    one = bring(officer, content.decode("utf-8-sig"), "site")
    columns = {f"column_{place}": name for place, name in one.columns.items()}
    officer.post(f"/imports/{one.pk}/", {"do": "columns", **columns})
    work_off(one)
    one.refresh_from_db()
    assert one.counts == {"same": 3}


def test_an_export_is_handed_to_who_asked_until_it_expires(
    officer: Client, account: OpenAccount, log_in: LogIn, sites: list[Site]
) -> None:
    taken(officer, "/sites/", {"form": "csv", "purpose": "weekly report"})
    export = Export.objects.get()
    assert "weekly report" in officer.get("/exports/").content.decode()
    colleague = log_in(account("zhao", "energy-510000", Role.OFFICER))
    assert colleague.get(f"/exports/{export.pk}/").status_code == 404
    assert "weekly report" not in colleague.get("/exports/").content.decode()
    assert AuditEntry.objects.filter(action="export_taken").count() == 1
    assert export.expires_at is not None
    assert services.take_expired_away(export.expires_at - timedelta(hours=1)) == 0
    assert services.take_expired_away(export.expires_at) == 1
    assert officer.get(f"/exports/{export.pk}/").status_code == 404


def test_an_export_has_the_eyes_with_which_it_was_asked_for(
    officer: Client, account: OpenAccount, sites: list[Site]
) -> None:
    officer.post("/sites/", {"do": "export", "form": "csv", "purpose": "weekly report"})
    export = Export.objects.get()
    user = export.user
    user.region = sites[3].region
    user.save()
    exports.make.func(export.pk, export.work_id)
    export.refresh_from_db()
    assert export.rows == 3


def test_chosen_rows_are_edited_with_a_preview_and_a_reason(officer: Client, sites: list[Site]) -> None:
    ids = [str(site.pk) for site in sites]  # the last one is in another province
    page = officer.post("/edit/site/", {"ids": ids}).content.decode()
    assert "Reason" in page
    said = {"ids": ids, "do": "show", "to_coin": "XMR", "to_mining_share": "80%", "reason": "as declared"}
    shown = officer.post("/edit/site/", said)
    assert len(shown.context["proposal"].edits) == 3
    assert "→" in shown.content.decode() or "XMR" in shown.content.decode()
    digest = shown.context["proposal"].digest
    stale = officer.post("/edit/site/", {**said, "do": "write", "digest": "0" * 64})
    assert stale.status_code == 409
    assert officer.post("/edit/site/", {**said, "do": "write", "reason": ""}).status_code == 422
    done = officer.post("/edit/site/", {**said, "do": "write", "digest": digest})
    assert done["Location"] == "/sites/"
    for site in sites:
        site.refresh_from_db()
    assert [site.coin for site in sites] == ["XMR"] * 3 + [""]
    assert sites[0].mining_share == 0.8
    assert AuditEntry.objects.get(action="things_edited").details["reason"] == "as declared"
    statement = Statement.objects.filter(subject_kind="site", subject_id=sites[0].pk).latest("pk")
    assert statement.source.reference == "as declared"


def test_an_edit_without_rows_or_with_nonsense_does_nothing(officer: Client, sites: list[Site]) -> None:
    assert officer.post("/edit/site/", {}).status_code == 302
    said = {"ids": [str(sites[0].pk)], "do": "show", "to_mining_share": "much", "reason": "as declared"}
    assert officer.post("/edit/site/", said).status_code == 422
    said |= {"to_mining_share": "3"}
    assert "cannot be" in officer.post("/edit/site/", said).content.decode()
    enterprise = Enterprise._base_manager.get()
    page = officer.post("/edit/enterprise/", {"ids": [str(enterprise.pk)]}).content.decode()
    assert "to_uscc" not in page
