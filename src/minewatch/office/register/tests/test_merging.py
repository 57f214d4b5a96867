"""Duplicates are found with a reason, merged with all that hangs on them, and taken apart again."""

from typing import Any

import pytest

from minewatch.office.conftest import AT, OFFICE
from minewatch.office.platform.models import AuditEntry, Event, Region
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.scope import Scope, scoped
from minewatch.office.register.duplicates import alike, candidates, merges, shown_merges, side_by_side
from minewatch.office.register.facts import Said, register, state
from minewatch.office.register.merging import merge, unmerge
from minewatch.office.register.models import (
    Enterprise,
    EvidenceFile,
    Line,
    Link,
    Merge,
    Party,
    Premises,
    Site,
    Source,
    UsagePoint,
)
from minewatch.office.register.protection import Eyes
from minewatch.office.register.services import link, take_part
from minewatch.office.register.tests.conftest import Say

EYES = Eyes(None, AT, in_the_clear=True)
pytestmark = pytest.mark.usefixtures("everywhere")


@pytest.fixture
def pair(county: Region, say: Say) -> tuple[Site, Site]:
    sites = [Site(region=county, code=f"S-{n}", name=f"仓库{n}") for n in (1, 2)]
    first, second = (register(site, say()) for site in sites)
    return first, second


def named(name: str, region: Region, said: Said, **fields: object) -> Enterprise:
    return register(Enterprise(name=name, region=region, **fields), said)


def test_names_are_alike_by_the_pairs_they_share() -> None:
    assert alike("清流科技", "清流科技") == 1
    assert alike("清流科技", "大山矿业") == 0
    assert 0.6 < alike("绵阳清流科技有限公司", "绵阳清流电子科技有限公司") < 1


def test_one_enterprise_written_in_two_ways_is_a_candidate(county: Region, say: Say) -> None:
    named("绵阳清流科技有限公司", county, say())
    named("绵阳清流科技 有限责任公司", county, say())
    named("成都大山矿业有限公司", county, say())
    assert [(one.why, one.first) for one in candidates("enterprise", EYES)] == [
        ("same_name", "绵阳清流科技有限公司")
    ]


def test_an_account_that_lost_its_zeros_is_a_candidate(county: Region, say: Say) -> None:
    for number in ("0510700012", "510700012", "510700013"):
        register(UsagePoint(number=number, region=county), say())
    (found,) = candidates("usagepoint", EYES)
    assert (found.first, found.second, found.why) == ("0510700012", "510700012", "same_number")


def test_the_same_address_with_and_without_the_city_is_a_candidate(county: Region, say: Say) -> None:
    for address in ("四川省绵阳市涪城区飞云大道12号", "涪城区飞云大道 12 号", "飞云大道21号"):
        register(Premises(address=address, region=county), say())
    (found,) = candidates("premises", EYES)
    assert found.second == "涪城区飞云大道 12 号"


def test_lines_and_sites_are_compared_by_what_they_hold(
    pair: tuple[Site, Site], county: Region, say: Say
) -> None:
    lines = [register(Line(prefix=prefix, region=county), say()) for prefix in ("10.0.0.1", "10.0.0.1/32")]
    assert [one.why for one in candidates("line", EYES)] == ["same_line"]
    for site in pair:
        link(site, lines[0], say())
    (found,) = candidates("site", EYES)
    assert (found.first_id, found.second_id, found.why) == (pair[0].pk, pair[1].pk, "shared_line")


def test_candidates_take_as_many_queries_however_many_there_are(
    county: Region, say: Say, django_assert_num_queries: Any
) -> None:
    for number in range(9):
        for place in ("3栋", "3 栋"):
            register(Premises(region=county, address=f"工业路{number}号{place}"), say())
    with django_assert_num_queries(2):
        found = candidates("premises", EYES)
    assert [one.why for one in found] == ["same_address"] * 9


def test_candidates_outside_the_scope_are_not_shown(county: Region, say: Say) -> None:
    for _ in range(2):
        named("绵阳清流科技有限公司", county, say())
    with scoped(Scope(Region.objects.get(code="620000").path)):
        assert candidates("enterprise", EYES) == []


def test_a_merge_moves_all_and_fills_what_is_empty(county: Region, warehouse: Site, say: Say) -> None:
    kept = named("绵阳清流科技", county, say())
    merged = Enterprise.objects.get(legal_representative="王小明")
    merge(kept, merged, "同一统一社会信用代码", OFFICE)
    assert Party.objects.get().enterprise_id == UsagePoint.objects.get().enterprise_id == kept.pk
    kept.refresh_from_db()
    assert (kept.name, kept.legal_representative) == ("绵阳清流科技", "王小明")
    assert candidates("enterprise", EYES) == []
    assert AuditEntry.objects.get(action="enterprise_merged").details["merged"] == merged.pk
    assert Event.objects.get(kind="register.enterprise_merged").payload == {
        "kept": kept.pk,
        "merged": merged.pk,
    }


def test_what_was_filled_keeps_the_weight_of_who_said_it(county: Region, warehouse: Site, say: Say) -> None:
    kept = named("绵阳清流科技", county, say())
    merge(kept, Enterprise.objects.get(legal_representative="王小明"), "同一企业", OFFICE)
    assert state(kept, {"phone": "0"}, say(Source.Kind.PERSON)) == []
    assert state(kept, {"phone": "0"}, say(Source.Kind.INSPECTION)) == ["phone"]


def test_an_unmerge_moves_back_what_was_moved(county: Region, warehouse: Site, say: Say) -> None:
    kept = named("绵阳清流科技", county, say())
    merged = Enterprise.objects.get(legal_representative="王小明")
    row = merge(kept, merged, "同一企业", OFFICE)
    later = register(UsagePoint(number="77", region=county, enterprise=kept), say())
    unmerge(row, OFFICE)
    kept.refresh_from_db()
    merged.refresh_from_db()
    later.refresh_from_db()
    assert (kept.legal_representative, merged.merged_into_id) == ("", None)
    assert Party.objects.get().enterprise_id == merged.pk
    assert later.enterprise_id == kept.pk
    assert state(kept, {"phone": "028"}, say(Source.Kind.FINDING)) == ["phone"]
    with pytest.raises(Refused, match=r"undone|撤销"):
        unmerge(row, OFFICE)


def test_a_code_passes_to_the_kept_row_and_back(county: Region, say: Say) -> None:
    kept, merged = named("清流", county, say()), named("清流", county, say(), uscc="91510703MA6212342P")
    row = merge(kept, merged, "同一企业", OFFICE)
    kept.refresh_from_db()
    assert kept.uscc == "91510703MA6212342P"
    unmerge(row, OFFICE)
    kept.refresh_from_db()
    merged.refresh_from_db()
    assert (kept.uscc, merged.uscc) == (None, "91510703MA6212342P")


def test_what_both_have_stays_where_it_is(pair: tuple[Site, Site], county: Region, say: Say) -> None:
    points = [register(UsagePoint(number=str(n), region=county), say()) for n in (1, 2)]
    link(pair[0], points[0], say())
    for point in points:
        link(pair[1], point, say())
    row = merge(*pair, "同一地点", OFFICE)
    assert sorted(Link.objects.filter(site=pair[0]).values_list("usage_point__number", flat=True)) == [
        "1",
        "2",
    ]
    assert Link.objects.get(site=pair[1]).usage_point_id == points[0].pk
    unmerge(row, OFFICE)
    assert Link.objects.filter(site=pair[1]).count() == 2
    assert Link.objects.filter(site=pair[0]).count() == 1


def test_files_move_too(pair: tuple[Site, Site], county: Region, say: Say) -> None:
    file = EvidenceFile.objects.create(
        sha256="0" * 64,
        name="a.pdf",
        size=1,
        subject_kind="site",
        subject_id=pair[1].pk,
        region=county,
        at=OFFICE.at,
    )
    row = merge(*pair, "同一地点", OFFICE)
    file.refresh_from_db()
    assert file.subject_id == pair[0].pk
    unmerge(row, OFFICE)
    file.refresh_from_db()
    assert file.subject_id == pair[1].pk


def test_a_merged_row_takes_no_more_and_is_merged_once(
    pair: tuple[Site, Site], say: Say, county: Region
) -> None:
    row = merge(*pair, "同一地点", OFFICE)
    with pytest.raises(Refused) as refused:
        state(pair[1], {"name": "新"}, say())
    assert refused.value.code == "merged_away"
    third = register(Site(region=county, code="S-3", name="三"), say())
    with pytest.raises(Refused) as refused:
        merge(third, pair[1], "同一地点", OFFICE)
    assert refused.value.code == "merged_away"
    merge(third, pair[0], "同一地点", OFFICE)
    with pytest.raises(Refused) as refused:
        unmerge(row, OFFICE)
    assert refused.value.code == "merge_below"


def test_a_merge_needs_two_of_a_kind_and_a_reason(pair: tuple[Site, Site], warehouse: Site, say: Say) -> None:
    party = take_part(pair[0], Enterprise.objects.get(), Party.Part.TENANT, say())
    for first, second, reason, code in [
        (pair[0], pair[0], "同一地点", "merge_with_itself"),
        (pair[0], pair[1], " ", "merge_without_reason"),
        (pair[0], party.enterprise, "同一地点", "merge_of_two_kinds"),
    ]:
        with pytest.raises(Refused) as refused:
            merge(first, second, reason, OFFICE)
        assert refused.value.code == code
    assert Merge.objects.count() == 0


def test_merges_are_listed_in_scope_and_masked(county: Region, say: Say) -> None:
    points = [register(UsagePoint(number=number, region=county), say()) for number in ("0077", "77")]
    merge(*points, "前导零丢失", OFFICE)
    (shown,) = shown_merges(list(merges("usagepoint")), Eyes(None, AT))
    assert (shown.kept, shown.merged, shown.reason) == ("****", "**", "前导零丢失")
    assert list(merges("site")) == []
    with scoped(Scope(Region.objects.get(code="620000").path)):
        assert list(merges()) == []


def test_two_entries_are_compared_field_by_field(county: Region, say: Say) -> None:
    first, second = named("清流", county, say(), phone="028"), named("清流科技", county, say())
    sides = side_by_side("enterprise", first.pk, second.pk, EYES)
    assert sides is not None
    assert [(side.first, side.second) for side in sides if side.differs] == [("清流", "清流科技")]
    with scoped(Scope(Region.objects.get(code="620000").path)):
        assert side_by_side("enterprise", first.pk, second.pk, EYES) is None
