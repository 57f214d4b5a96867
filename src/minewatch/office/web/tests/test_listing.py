"""Lists: filters, order, pages, kept filters, files for a purpose; nothing outside the scope or unmasked."""

import csv
import io
from pathlib import Path

import openpyxl
import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from minewatch.office.conftest import LogIn, OpenAccount
from minewatch.office.platform.models import AuditEntry
from minewatch.office.platform.roles import Role
from minewatch.office.register.models import SavedFilter, Site
from minewatch.office.web.listing import Column
from minewatch.office.web.listing.files import write_csv, write_xlsx
from minewatch.office.web.tests.taking import taken


@pytest.fixture(autouse=True)
def _english(settings) -> None:  # type: ignore[no-untyped-def]
    settings.LANGUAGE_CODE = "en"


def codes(client: Client, query: str = "") -> list[str]:
    page = client.get(f"/sites/{query}").context["page"]
    return [line.cells[0].text for line in page.rows]


def test_a_list_shows_the_own_region_alone_in_the_order_asked_for(officer: Client, sites: list[Site]) -> None:
    assert codes(officer) == ["510703-000003", "510703-000002", "510703-000001"]
    assert codes(officer, "?sort=power_kw")[0] == "510703-000001"
    assert codes(officer, "?sort=no_such_column") == ["510703-000001", "510703-000002", "510703-000003"]


@pytest.mark.parametrize(
    ("query", "number"),
    [
        ("?least_kw=200", 2),
        ("?text=工业路3", 1),
        ("?text=510703-000001", 1),
        ("?region=510703", 3),
        ("?region=620000", 3),
        ("?state=closed", 0),
        ("?least_kw=many", 3),
        ("?page=99", 3),
        ("?page=-1&size=7", 3),
    ],
)
def test_filters_narrow_and_nonsense_does_no_harm(
    officer: Client, sites: list[Site], query: str, number: int
) -> None:
    assert len(codes(officer, query)) == number


def test_what_a_cell_says_stands_in_the_page_as_text(officer: Client, sites: list[Site]) -> None:
    Site._base_manager.filter(pk=sites[0].pk).update(name="<b>&amp;</b>", code='510703-"<i>')
    page = officer.get("/sites/").content.decode()
    assert "&lt;b&gt;&amp;amp;&lt;/b&gt;" in page
    assert "<b>" not in page
    assert "<i>" not in page


def test_a_region_is_chosen_from_those_of_the_account_by_one_query(
    officer: Client, sites: list[Site]
) -> None:
    page = officer.get("/sites/?region=510703").content.decode()
    assert '<option value="510703" selected>' in page
    assert 'value="620000"' not in page
    with CaptureQueriesContext(connection) as said:
        officer.get("/sites/?region=510703")
    assert sum('"depth" <=' in one["sql"] for one in said) <= 1


def test_addresses_are_masked_in_the_list(officer: Client, sites: list[Site]) -> None:
    page = officer.get("/sites/").content.decode()
    assert "四川省绵阳市涪城区****" in page
    assert "四川省绵阳市涪城区工业路" not in page


def test_htmx_gets_the_table_alone(officer: Client, sites: list[Site]) -> None:
    answer = officer.get("/sites/?state=suspected", headers={"HX-Request": "true"})
    assert "<html" not in answer.content.decode()
    assert "510703-000001" in answer.content.decode()


def test_a_list_leaves_as_a_file_for_a_purpose_only(officer: Client, sites: list[Site]) -> None:
    assert officer.post("/sites/", {"do": "export", "form": "csv", "purpose": " "}).status_code == 302
    assert not AuditEntry.objects.filter(action="exported").exists()
    file = taken(officer, "/sites/?least_kw=200", {"form": "csv", "purpose": "weekly report"})
    rows = list(csv.reader(io.StringIO(file.decode("utf-8-sig"))))
    assert [row[0] for row in rows[1:]] == ["510703-000002", "510703-000003"]
    assert "四川省绵阳市涪城区****" in rows[1]
    entry = AuditEntry.objects.get(action="exported")
    assert entry.details["purpose"] == "weekly report"
    assert entry.details["filters"] == {"least_kw": ["200"]}


def test_an_export_in_the_clear_says_so(officer: Client, sites: list[Site]) -> None:
    file = taken(officer, "/sites/", {"form": "xlsx", "purpose": "court order 17", "clear": "on"})
    sheet = openpyxl.load_workbook(io.BytesIO(file)).active
    cells = [cell.value for row in sheet.iter_rows() for cell in row]
    assert "四川省绵阳市涪城区工业路1号" in cells
    assert AuditEntry.objects.get(action="exported").details["in_the_clear"] is True


def test_who_may_not_export_gets_403(account: OpenAccount, log_in: LogIn, sites: list[Site]) -> None:
    viewer = log_in(account("zhao", "energy-510000", Role.VIEWER))
    said = {"do": "export", "form": "csv", "purpose": "weekly report"}
    assert viewer.post("/sites/", said).status_code == 403
    assert "Export" not in viewer.get("/sites/").content.decode()


def test_filters_are_kept_shared_in_the_agency_and_dropped(
    officer: Client, account: OpenAccount, log_in: LogIn, sites: list[Site]
) -> None:
    officer.post("/sites/?least_kw=200&page=2", {"do": "keep", "name": "large", "for_agency": "on"})
    kept = SavedFilter.objects.get()
    assert kept.query == {"least_kw": ["200"]}
    colleague = log_in(account("zhao", "energy-510000", Role.VIEWER))
    assert "large" in colleague.get("/sites/").content.decode()
    colleague.post("/sites/", {"do": "drop", "filter": str(kept.pk)})
    assert SavedFilter.objects.exists()
    officer.post("/sites/", {"do": "drop", "filter": str(kept.pk)})
    assert not SavedFilter.objects.exists()


def test_no_text_in_a_file_acts_as_a_formula(tmp_path: Path) -> None:
    columns, rows = [Column("real", "x", value=str)], ["=1+1", "@x", "ok"]
    assert write_csv(tmp_path / "a.csv", columns, rows) == 3
    assert (tmp_path / "a.csv").read_text("utf-8-sig").split() == ["x", "'=1+1", "'@x", "ok"]
    assert write_xlsx(tmp_path / "a.xlsx", columns, rows) == 3
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    assert [(cell.value, cell.data_type) for (cell,) in sheet.iter_rows(min_row=2)] == [
        (text, "s") for text in rows
    ]
