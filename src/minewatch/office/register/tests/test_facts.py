"""A field changes through statements alone: who said it stays known, and the weightier source holds."""

from datetime import timedelta

import pytest

from minewatch.office.conftest import AT, OFFICE
from minewatch.office.platform.models import AuditEntry, Event, Region
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.scope import NoScope, Scope, scoped, whole
from minewatch.office.register.facts import Said, register, state
from minewatch.office.register.models import Enterprise, Site, Source, Statement, UsagePoint

pytestmark = pytest.mark.usefixtures("country")


def said(kind: Source.Kind, reference: str = "file-1") -> Said:
    return Said(Source.objects.create(kind=kind, reference=reference, at=AT), OFFICE)


def enterprise(code: str = "510703") -> Enterprise:
    thing = Enterprise(name="绵阳清流科技有限公司", region=Region.objects.get(code=code))
    return register(thing, said(Source.Kind.IMPORT))


def test_what_is_registered_has_a_source_for_each_field() -> None:
    thing = enterprise()
    said_of_it = Statement.objects.get(subject_kind="enterprise", subject_id=thing.pk)
    assert said_of_it.values == {"name": thing.name, "region_id": thing.region_id}
    assert AuditEntry.objects.get(action="enterprise_registered").subject_id == str(thing.pk)
    assert Event.objects.get(kind="register.enterprise_registered").payload["id"] == thing.pk


def test_a_weightier_source_holds_against_a_later_weaker_one() -> None:
    thing = enterprise()
    assert state(thing, {"name": "绵阳清流电子厂"}, said(Source.Kind.INSPECTION, "visit-9")) == ["name"]
    assert state(thing, {"name": "清流"}, said(Source.Kind.FINDING, "finding-1")) == []
    with scoped(whole("test")):
        assert Enterprise.objects.get().name == "绵阳清流电子厂"
    history = Statement.objects.filter(values__has_key="name").order_by("id")
    assert [(row.values["name"], row.holds) for row in history] == [
        ("绵阳清流科技有限公司", True),
        ("绵阳清流电子厂", True),
        ("清流", False),
    ]


def test_saying_the_same_again_changes_nothing() -> None:
    thing = enterprise()
    before = Statement.objects.count()
    assert state(thing, {"name": thing.name}, said(Source.Kind.IMPORT)) == []
    assert Statement.objects.count() == before


def test_a_weightier_source_that_says_the_same_guards_the_value_from_then_on() -> None:
    thing = enterprise()
    assert state(thing, {"name": thing.name}, said(Source.Kind.INSPECTION)) == []
    assert state(thing, {"name": "清流"}, said(Source.Kind.IMPORT, "file-2")) == []
    with scoped(whole("test")):
        assert Enterprise.objects.get().name == "绵阳清流科技有限公司"


def test_the_same_disagreement_is_kept_once() -> None:
    thing = enterprise()
    state(thing, {"name": "绵阳清流电子厂"}, said(Source.Kind.INSPECTION))
    for week in ("finding-1", "finding-2"):
        state(thing, {"name": "清流"}, said(Source.Kind.FINDING, week))
    assert Statement.objects.filter(holds=False).count() == 1


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"uscc": "91510700MA62123456"}, "uscc_wrong"),
        ({"name": "长" * 201}, "value_wrong"),
        ({"credit_class": "E"}, "value_wrong"),
        ({"name_key": "X"}, "field_unknown"),
        ({"merged_into_id": 1}, "field_unknown"),
    ],
)
def test_what_cannot_stand_is_refused(values: dict[str, object], code: str) -> None:
    thing = enterprise()
    with pytest.raises(Refused) as refused:
        state(thing, values, said(Source.Kind.PERSON))
    assert refused.value.code == code
    assert str(refused.value)


def test_a_number_is_registered_once() -> None:
    region = Region.objects.get(code="510703")
    register(UsagePoint(number="0510700012", region=region), said(Source.Kind.IMPORT))
    with pytest.raises(Refused, match="0510700012"):
        register(UsagePoint(number=" 0510700012", region=region), said(Source.Kind.IMPORT))


def test_days_are_stated_as_text_and_come_back_as_days() -> None:
    site = Site(code="S-1", name="仓库", region=Region.objects.get(code="510703"))
    register(site, said(Source.Kind.FINDING))
    day = (AT + timedelta(days=30)).date()
    assert state(site, {"planned_start_on": day}, said(Source.Kind.PERSON)) == ["planned_start_on"]
    assert state(site, {"planned_start_on": day}, said(Source.Kind.PERSON)) == []
    with scoped(whole("test")):
        assert Site.objects.get().planned_start_on == day


def test_rows_show_in_their_region_only() -> None:
    enterprise("510703")
    enterprise_elsewhere = enterprise("620000")
    sichuan = Region.objects.get(code="510000")
    with scoped(Scope(sichuan.path)):
        assert [row.region.code for row in Enterprise.objects.all()] == ["510703"]
        assert not Enterprise.objects.filter(pk=enterprise_elsewhere.pk).exists()
    with pytest.raises(NoScope):
        Enterprise.objects.all()
