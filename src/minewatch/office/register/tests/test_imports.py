"""Imports: columns found, every kind of error told by row, a preview that changes nothing, applied once."""

import io
import zipfile
from datetime import timedelta
from typing import Any

import openpyxl
import pytest

from minewatch.office.conftest import AT, OpenAccount
from minewatch.office.platform import audit
from minewatch.office.platform.models import Region, User
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.roles import Role
from minewatch.office.platform.scope import scoped
from minewatch.office.platform.selectors import scope_of
from minewatch.office.platform.services import By
from minewatch.office.register import facts
from minewatch.office.register.imports import services, tables, things
from minewatch.office.register.imports.models import Import, ImportRow
from minewatch.office.register.imports.selectors import columns_of, error_lines, preview, rows_shown
from minewatch.office.register.models import (
    Enterprise,
    MachineGroup,
    Premises,
    Site,
    Source,
    Statement,
    UsagePoint,
)
from minewatch.office.register.tests.conftest import USCC, Say

HEADER = "户号,户名,地区,用电地址,合同容量(kVA),立户日期\n"


@pytest.fixture(autouse=True)
def _home(tmp_path: Any, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setenv("MINEWATCH_OFFICE_HOME", str(tmp_path))
    settings.LANGUAGE_CODE = "en"


@pytest.fixture
def officer(account: OpenAccount) -> Any:
    """An officer of Sichuan, whose scope is in force."""
    user = account("li.na", "energy-510000", Role.OFFICER)
    with scoped(scope_of(user)):
        yield user


def received(user: User, content: bytes | str, kind: str = "usagepoint", name: str = "list.csv") -> Import:
    raw = content.encode() if isinstance(content, str) else content
    given = services.FileGiven(name, kind, Region.objects.get(code="510703"))
    return services.receive([raw], given, By(user, AT))


def checked(user: User, content: bytes | str, kind: str = "usagepoint", name: str = "list.csv") -> Import:
    one = received(user, content, kind, name)
    one = services.map_columns(one, one.columns, By(user, AT))
    return services.go_on(one, AT, lambda _rows: None)


def applied(user: User, one: Import) -> Import:
    return services.go_on(services.confirm(one, By(user, AT)), AT, lambda _rows: None)


def errors(one: Import) -> dict[int, list[str]]:
    rows = ImportRow._base_manager.filter(of=one, outcome="wrong").order_by("number")
    return {row.number: [error["code"] for error in row.errors] for row in rows}


def workbook(*rows: list[Any], title: str = "表") -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    kept = io.BytesIO()
    book.save(kept)
    return kept.getvalue()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030", "utf-16"])
def test_a_file_in_any_encoding_is_previewed_and_applied(officer: User, encoding: str) -> None:
    text = "2026年用电户清单\n" + HEADER + '0051000012345,王小明,涪城区,工业路8号,"1,200",2021/5/20\n'
    one = checked(officer, text.encode(encoding))
    assert one.state == "checked"
    assert one.counts == {"new": 1}
    assert not UsagePoint._base_manager.exists()
    one = applied(officer, one)
    assert (one.state, one.applied) == ("done", 1)
    point = UsagePoint.objects.get()
    assert (point.number, point.contract_kva, str(point.opened_on)) == ("0051000012345", 1200.0, "2021-05-20")
    assert point.premises.address == "工业路8号"
    said = Statement.objects.get(subject_kind="usagepoint", subject_id=point.pk)
    assert said.source.kind == Source.Kind.IMPORT
    assert said.source.user == officer
    assert said.source.reference.startswith("list.csv (")
    assert list(audit.verify()) == []


def test_each_kind_of_error_is_told_by_row_and_column(officer: User) -> None:
    text = HEADER + "\n".join(
        [
            "1001,甲,甘肃省,一路1号,100,2021-01-01",
            "1002,乙,无此地,一路1号,100,2021-01-01",
            "1003,丙,510703,一路1号,一百,2021-01-01",
            "1004,丁,510703,一路1号,100,2021-02-30",
            ",戊,510703,一路1号,100,2021-01-01",
            "1006,=HYPERLINK(1),510703,一路1号,100,2021-01-01",
            "1007,庚,510703,一路1号,9999999999,2021-01-01",
            f"1008,{'长' * 1200},510703,一路1号,100,2021-01-01",
            "1009,王*,510703,一路1号,100,2021-01-01",
            "1010,壬,510703,一路1号,100,2021-01-01",
            "1010,壬,510703,一路1号,100,2021-01-01",
            "",
            '="0012",癸,四川省绵阳市涪城区,一路1号,100,44201',
        ]
    )
    one = checked(officer, text)
    assert errors(one) == {
        2: ["region_outside"],
        3: ["region_unknown"],
        4: ["not_a_number"],
        5: ["not_a_day"],
        6: ["missing"],
        7: ["formula"],
        8: ["value_wrong"],
        9: ["too_long"],
        10: ["masked"],
        12: ["twice"],
        14: ["not_a_day"],
    }
    told = dict(error_lines(one, By(officer, AT)))
    assert (told[4].column, told[4].value) == ("合同容量(kVA)", "一百")
    assert told[4].do
    assert applied(officer, one).counts == {"new": 1, "wrong": 11}
    assert [point.number for point in UsagePoint.objects.all()] == ["1010"]


def test_what_changes_is_shown_field_by_field_and_weightier_words_stand(
    officer: User, county: Region, say: Say
) -> None:
    light, heavy = say(Source.Kind.FINDING), say(Source.Kind.INSPECTION)
    points = [
        facts.register(UsagePoint(region=county, number=number, contract_kva=100.0), source)
        for number, source in (("1001", light), ("1002", heavy), ("1003", light))
    ]
    one = checked(officer, "户号,合同容量\n1001,250\n1002,250\n1003,100\n1004,250\n")
    assert one.counts == {"changed": 1, "disputed": 1, "same": 1, "new": 1}
    shown = rows_shown(one, list(preview(one, "")), By(officer, AT))
    change = shown[0].changes[0]
    assert (change.before, change.after, change.is_overruled) == ("100.0", "250.0", False)
    assert shown[1].changes[0].is_overruled
    applied(officer, one)
    for point in points:
        point.refresh_from_db()
    assert [point.contract_kva for point in points] == [250.0, 100.0, 100.0]
    assert not Statement.objects.get(subject_id=points[1].pk, holds=False).holds
    again = checked(officer, "户号,合同容量\n1001,250\n1002,250\n1003,100\n1004,250\n")
    assert again.counts == {"same": 4}
    assert not ImportRow._base_manager.filter(of=again, waits=True).exists()


def test_nothing_is_written_that_the_preview_did_not_show(officer: User, county: Region, say: Say) -> None:
    point = facts.register(UsagePoint(region=county, number="1001", contract_kva=100.0), say())
    one = checked(officer, "户号,合同容量\n1001,250\n1002,50\n")
    facts.state(point, {"contract_kva": 300.0}, say())
    facts.register(UsagePoint(region=county, number="1002", contract_kva=70.0), say())
    one = applied(officer, one)
    assert errors(one) == {2: ["stale"], 3: ["stale"]}
    point.refresh_from_db()
    assert point.contract_kva == 300.0


def test_a_number_of_another_province_is_an_error_and_not_a_new_entry(
    officer: User, country: None, say: Say
) -> None:
    gansu = Region.objects.get(code="620000")
    facts.register(UsagePoint(region=gansu, number="9001"), say())
    one = checked(officer, "户号,户名\n9001,甲\n")
    assert errors(one) == {2: ["elsewhere"]}


def test_masked_cells_of_an_export_leave_the_value_alone(officer: User, county: Region, say: Say) -> None:
    place = facts.register(Premises(region=county, address="四川省绵阳市涪城区工业路8号"), say())
    point = facts.register(
        UsagePoint(region=county, number="1001", customer_name="王小明", premises=place), say()
    )
    text = "户号,户名,地址,变压器\n1001,王**,四川省绵阳市涪城区****,T-9\n"
    one = checked(officer, text)
    assert one.counts == {"changed": 1}
    applied(officer, one)
    point.refresh_from_db()
    assert (point.customer_name, point.premises_id, point.transformer_id) == ("王小明", place.pk, "T-9")
    assert errors(checked(officer, "户号,户名\n1001,李**\n")) == {2: ["masked"]}


def test_zeros_that_a_spreadsheet_lost_are_no_new_account(officer: User, county: Region, say: Say) -> None:
    facts.register(UsagePoint(region=county, number="0051000012345"), say())
    one = checked(officer, workbook(["户号", "户名"], [51000012345, "王小明"]), name="list.xlsx")
    assert errors(one) == {2: ["zeros_lost"]}
    one = checked(officer, workbook(["户号", "户名"], [510000123450000000, "王"]), name="list.xlsx")
    assert errors(one) == {2: ["digits_lost"]}


def test_enterprises_are_found_by_code_and_by_name(officer: User, county: Region, say: Say) -> None:
    firm = facts.register(Enterprise(region=county, name="绵阳清流科技有限公司"), say())
    one = checked(
        officer, f"企业名称,统一社会信用代码\n绵阳清流科技有限公司,{USCC}\n乙公司,123\n", "enterprise"
    )
    assert one.counts == {"changed": 1, "wrong": 1}
    assert errors(one) == {3: ["uscc_wrong"]}
    applied(officer, one)
    firm.refresh_from_db()
    assert firm.uscc == USCC
    text = f"户号,所属企业\n1,{USCC}\n2,绵阳清流科技有限公司\n3,无此公司\n"
    one = applied(officer, checked(officer, text))
    assert errors(one) == {4: ["enterprise_unknown"]}
    assert set(UsagePoint.objects.values_list("enterprise", flat=True)) == {firm.pk}


def test_sites_get_codes_and_are_found_again(officer: User) -> None:
    text = "场所名称,地址,功率(kW),清单,挖矿用电占比\n仓库甲,工业路8号,420,Operating,80%\n"
    text += "仓库乙,工业路9号,90,在运,0.5\n"
    one = applied(officer, checked(officer, text, "site"))
    assert one.counts == {"new": 2}
    assert sorted(site.code for site in Site.objects.all()) == ["510703-000001", "510703-000002"]
    assert {site.mining_share for site in Site.objects.all()} == {0.8, 0.5}
    assert checked(officer, text, "site").counts == {"same": 2}


def test_machines_are_counted_site_by_site_whole_or_not_at_all(
    officer: User, warehouse: Site, say: Say, county: Region
) -> None:
    site = facts.register(Site(region=county, code="510703-000002", name="乙"), say())
    head = "场所编码,型号,数量,单台算力\n"
    good = "510703-000002,S19,120,95 TH/s\n510703-000002,M30S,30,\n"
    one = checked(officer, head + good + "510703-000001,S19,5,\n510703-000001,S9,viele,\n", "machines")
    assert one.counts == {"new": 2, "wrong": 2}
    applied(officer, one)
    counted = MachineGroup.objects.filter(site=site, ended_at=None).order_by("number")
    assert [(group.model, group.number) for group in counted] == [("M30S", 30), ("S19", 120)]
    assert counted[1].hash_rate_each == pytest.approx(9.5e13)
    again = checked(officer, head + good, "machines")
    assert again.counts == {"same": 2}
    assert not ImportRow._base_manager.filter(of=again, waits=True).exists()
    weaker = applied(officer, checked(officer, head + "510703-000001,S19,5,\n", "machines"))
    assert weaker.counts == {"disputed": 1}
    assert MachineGroup.objects.get(site=warehouse, ended_at=None).number == 140


def test_an_import_that_stopped_anywhere_goes_on(officer: User, monkeypatch: pytest.MonkeyPatch) -> None:
    """StoppedError after each chunk of the check and of the application: nothing is lost or doubled."""
    monkeypatch.setattr(services, "AT_ONCE", 10)
    text = "户号,地址\n" + "".join(f"{number},工业路{number % 7}号\n" for number in range(1000, 1095))
    one = received(officer, text)
    one = services.map_columns(one, one.columns, By(officer, AT))

    class StoppedError(Exception):
        pass

    def stop(_rows: int) -> None:
        raise StoppedError

    def insist(state: str) -> int:
        attempts = 0
        while Import._base_manager.get(pk=one.pk).state == state:
            attempts += 1
            try:
                services.go_on(Import._base_manager.select_related("region", "user").get(pk=one.pk), AT, stop)
            except StoppedError:
                continue
        return attempts

    assert insist("checking") > 9
    one.refresh_from_db()
    assert one.counts == {"new": 95}
    services.confirm(one, By(officer, AT))
    assert insist("applying") > 9
    assert UsagePoint.objects.count() == 95
    assert Premises.objects.count() == 7
    assert Statement.objects.filter(subject_kind="usagepoint").count() == 95
    assert list(audit.verify()) == []


def test_a_file_under_way_does_not_come_twice(officer: User) -> None:
    received(officer, HEADER + "1,甲,,,,\n")
    with pytest.raises(Refused, match="imported already"):
        received(officer, HEADER + "1,甲,,,,\n")


def test_an_import_is_seen_in_its_region_alone(officer: User, account: OpenAccount) -> None:
    one = checked(officer, HEADER + "1,甲,,,,\n")
    stranger = account("gansu", "energy-620000", Role.OFFICER)
    with scoped(scope_of(stranger)):
        assert not Import.objects.exists()
        assert not ImportRow.objects.exists()
    colleague = account("zhao", "energy-510000", Role.OFFICER)
    assert rows_shown(one, list(preview(one, "")), By(colleague, AT))[0].changes[0].after == "*"
    assert columns_of(one, By(colleague, AT))[0].samples == ()


@pytest.mark.parametrize(
    ("columns", "code"),
    [({"0": "customer_name"}, "columns_missing"), ({"0": "number", "1": "number"}, "columns_twice")],
)
def test_columns_must_suffice(officer: User, columns: dict[str, str], code: str) -> None:
    one = received(officer, HEADER + "1,甲,,,,\n")
    with pytest.raises(Refused) as refused:
        services.map_columns(one, columns, By(officer, AT))
    assert refused.value.code == code


def _with_part(name: str, content: bytes) -> bytes:
    kept = io.BytesIO(workbook(["户号"], ["1"]))
    with zipfile.ZipFile(kept, "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(name, content)
    return kept.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("a.xlsx", _with_part("xl/vbaProject.bin", b"macro"), "table_with_macros"),
        ("a.xlsm", workbook(["户号"], ["1"]), "table_ending"),
        ("a.csv", workbook(["户号"], ["1"]), "table_ending"),
        ("a.exe", "户号\n1\n", "table_ending"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(99), "table_is_old_excel"),
        ("a.xlsx", b"PK\x03\x04nonsense", "table_is_no_workbook"),
        ("a.xlsx", _with_part("xl/bomb.xml", bytes(3 << 20)), "table_unpacks_too_large"),
        ("a.csv", b"\xff\xff\xfe\xfa\x00", "table_encoding"),
        ("a.csv", "一,二\n1,2\n", "table_without_columns"),
        ("a.csv", '户号\n"1' + "x" * 200_000, "table_broken"),
        ("a.csv", "", "file_empty"),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 30 else "",
)
def test_what_is_no_table_or_a_danger_is_refused(
    officer: User, name: str, content: bytes | str, code: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "MOST_UNPACKED_MB", 2)
    with pytest.raises(Refused) as refused:
        received(officer, content, name=name)
    assert refused.value.code == code
    assert str(refused.value)


def test_a_quotation_mark_left_open_fails_with_its_line(officer: User) -> None:
    rows = "".join(f"{number},甲\n" for number in range(20))
    one = checked(officer, "户号,户名\n" + rows + '99,"' + "x" * 200_000)
    assert one.state == "failed"
    assert "line" in one.failure


def test_a_name_is_never_a_path(officer: User) -> None:
    assert received(officer, HEADER + "1,甲,,,,\n", name="..\\..\\etc/passwd.csv").name == "passwd.csv"


def test_every_kind_has_an_example_that_can_be_read(officer: User) -> None:
    for kind in things.THINGS:
        for field in kind.fields:
            if field.example and field.name != "region_id":
                field.read(field.example)


def test_times_are_of_the_offices_zone(officer: User) -> None:
    text = "IP段,起始时间,运营商\n203.0.113.7/28,2021-05-20 08:00,\n"
    one = applied(officer, checked(officer, text, "line"))
    line = things.Line.objects.get()
    assert line.prefix == "203.0.113.0/28"
    assert line.valid_from.hour == 0
    assert one.confirmed_at is not None
    assert line.created_at - one.confirmed_at < timedelta(seconds=1)
    assert checked(officer, text, "line").counts == {"same": 1}
