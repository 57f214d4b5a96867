"""The table of regions: complete, a tree, taken in again without harm, and old codes lead to today's."""

from collections import Counter
from pathlib import Path

import pytest

from minewatch.office.conftest import OFFICE
from minewatch.office.platform.models import AuditEntry, Region
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.regions import load_table, read_table
from minewatch.office.platform.selectors import region_by_code, regions_below


def test_the_table_is_a_tree_and_its_successors_are_in_force() -> None:
    rows = list(read_table())
    by_code = {row.code: row for row in rows}
    assert len(by_code) == len(rows)
    levels = Counter(row.level for row in rows if not row.ended)
    assert (levels["nation"], levels["province"]) == (1, 34)
    assert levels["city"] > 330
    assert levels["county"] > 2840
    order = ["nation", "province", "city", "county"]
    for row in rows:
        assert row.code == "100000" or order.index(by_code[row.parent].level) < order.index(row.level)
        assert bool(row.ended) == bool(row.successor)
        assert not row.successor or not by_code[row.successor].ended


@pytest.mark.django_db
def test_the_table_is_taken_in_once_and_old_codes_lead_on() -> None:
    assert load_table(OFFICE) > 3500
    assert load_table(OFFICE) == 0
    assert AuditEntry.objects.filter(action="regions_added").count() == 1
    assert Region.objects.find_problems() == ([], [], [], [], [])
    city = Region.objects.get(code="511800")
    assert {"511800", "511823", "511824"} <= {region.code for region in regions_below(city.path)}
    old = region_by_code("510724")
    assert old is not None
    assert (old.code, old.name_zh) == ("510705", "安州区")
    assert region_by_code("999999") is None


@pytest.mark.django_db
def test_a_newer_table_renames_and_ends(tmp_path: Path) -> None:
    head = "# made for the test\ncode,level,name_zh,name_en,parent,ended,successor\n"
    old, new = tmp_path / "old.csv", tmp_path / "new.csv"
    old.write_text(f"{head}100000,nation,全国,,,,\n510000,province,四川,,100000,,\n", "utf-8")
    assert load_table(OFFICE, old) == 2
    lines = "100000,nation,全国,,,,\n510000,province,四川省,,100000,2030,520000\n"
    new.write_text(head + lines, "utf-8")
    with pytest.raises(Refused):
        load_table(OFFICE, new)
    new.write_text(head + lines + "520000,province,新省,,100000,,\n", "utf-8")
    assert load_table(OFFICE, new) == 2
    region = Region.objects.get(code="510000")
    assert (region.name_zh, region.successor.code) == ("四川省", "520000")
    assert region_by_code("510000") == region.successor
