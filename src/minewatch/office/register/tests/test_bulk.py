"""Many things at once go through the same door as one: same values, same statements, one audit entry."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minewatch.office.conftest import AT
from minewatch.office.platform.models import AuditEntry, Event, Region
from minewatch.office.platform.refusals import Refused
from minewatch.office.register.bulk import register_many, state_many
from minewatch.office.register.facts import Said, register, state, values_of
from minewatch.office.register.history import as_of
from minewatch.office.register.models import Enterprise, Site, Source, Statement, UsagePoint
from minewatch.office.register.tests.conftest import Say

pytestmark = pytest.mark.usefixtures("everywhere")


def points(region: Region, *numbers: str) -> list[UsagePoint]:
    return [UsagePoint(region=region, number=number, contract_kva=100) for number in numbers]


def test_many_are_registered_as_one_would_be(county: Region, say: Say) -> None:
    said = say()
    register(points(county, "001")[0], said)
    many = register_many(points(county, "002", "003"), said)
    kept = {row.subject_id: row.values for row in Statement.objects.filter(subject_kind="usagepoint")}
    one = UsagePoint.objects.get(number="001")
    for thing in many:
        assert kept[thing.pk] == {**kept[one.pk], "number": thing.number}
        assert thing.number_key == thing.number.lstrip("0")
    entry = AuditEntry.objects.get(action="usagepoint_registered_many")
    assert (entry.details["number"], len(entry.details["sha256"])) == (2, 64)
    assert Event.objects.get(kind="register.many_registered").payload == {
        "kind": "usagepoint",
        "ids": [thing.pk for thing in many],
    }


@pytest.mark.parametrize("numbers", [("1", "1"), ("1", "0" * 25), ("7", "1")])
def test_one_that_cannot_stand_stops_all(county: Region, say: Say, numbers: tuple[str, ...]) -> None:
    register(points(county, "7")[0], say())
    with pytest.raises(Refused):
        register_many(points(county, *numbers), say())
    assert UsagePoint.objects.count() == Statement.objects.count() == 1


def test_many_are_stated_as_one_would_be(county: Region, say: Say) -> None:
    a, b, c = register_many(points(county, "1", "2", "3"), say())
    state(b, {"contract_kva": 250}, say(Source.Kind.INSPECTION))
    said = say(Source.Kind.PERSON)
    values = {thing.pk: {"contract_kva": "300", "tariff_class": "农业"} for thing in (a, b)}
    assert state_many(UsagePoint, {**values, c.pk: {"contract_kva": 100}}, said) == {
        a.pk: ["contract_kva", "tariff_class"],
        b.pk: ["tariff_class"],
    }
    found = UsagePoint.objects.order_by("number").values_list("contract_kva", "tariff_class")
    assert list(found) == [(300, "农业"), (250, "农业"), (100, "")]
    assert Statement.objects.get(holds=False).values == {"contract_kva": 300}
    assert state_many(UsagePoint, values, said) == {}
    assert AuditEntry.objects.filter(action="usagepoint_changed_many").count() == 1


def test_keys_follow_what_is_stated_of_many(county: Region, say: Say) -> None:
    firm = register(Enterprise(region=county, name="旧名有限公司"), say())
    state_many(Enterprise, {firm.pk: {"name": "清流(绵阳)有限公司"}}, say())
    assert Enterprise.objects.get().name_key == "清流绵阳"


def test_nothing_is_stated_of_a_number_that_is_taken(county: Region, say: Say) -> None:
    a, _ = register_many(points(county, "1", "2"), say())
    with pytest.raises(Refused) as refused:
        state_many(UsagePoint, {a.pk: {"number": "2"}}, say())
    assert refused.value.code == "already_there"


SAYINGS = st.lists(
    st.tuples(
        st.sampled_from(Source.Kind.values),
        st.dictionaries(
            st.sampled_from(["name", "coin", "power_kw"]),
            st.sampled_from([1.0, 2.0, 3.0]),
            min_size=1,
        ),
    ),
    max_size=8,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sayings=SAYINGS)
def test_a_row_follows_from_its_statements(
    sayings: list[tuple[str, dict[str, float]]], county: Region, say: Say
) -> None:
    """One by one and in bulk: the row is what the statements give, the weightiest source's newest word."""
    code = f"S-{Site.objects.count()}"
    one = register(Site(region=county, code=code, name="1.0"), say(Source.Kind.FINDING))
    other = register(Site(region=county, code=f"{code}-B", name="1.0"), say(Source.Kind.FINDING))
    weights = dict.fromkeys(["name"], 0)
    expected: dict[str, object] = {"name": "1.0", "coin": "", "power_kw": None}
    for kind, values in sayings:
        typed = {name: v if name == "power_kw" else str(v) for name, v in values.items()}
        said: Said = say(Source.Kind(kind))
        state(one, typed, said)
        state_many(Site, {other.pk: typed}, said)
        for name, value in typed.items():
            if Source.Kind.values.index(kind) >= weights.get(name, -1):
                expected[name], weights[name] = value, Source.Kind.values.index(kind)
    for site in (one, other):
        site.refresh_from_db()
        present = values_of(site, expected)
        assert present == expected
        derived = as_of(site, AT)
        assert {
            name: derived.get(name, blank) for name, blank in (("name", ""), ("coin", ""), ("power_kw", None))
        } == present
