"""Two sites that are one: their cases are joined, nothing that is owed is lost, and parted again."""

import pytest
from django.db import DatabaseError, transaction

from minewatch.office.conftest import AT, OFFICE
from minewatch.office.platform.events import deliver
from minewatch.office.platform.refusals import Refused
from minewatch.office.register.merging import merge, unmerge
from minewatch.office.register.models import Site
from minewatch.office.verify import orders, services
from minewatch.office.verify.models import Case, Judgement, Move, Obligation, Order
from minewatch.office.verify.selectors import case_page, case_rows
from minewatch.office.verify.tests.conftest import Crew, NewSite


@pytest.fixture
def cases(new_site: NewSite, crew: Crew) -> tuple[Case, Case]:
    county = crew.agencies["county"]
    first, second = (
        services.open_case(new_site(number, port=40000 + number), county, "线索", OFFICE) for number in (1, 2)
    )
    return first, second


def confirm(case: Case, crew: Crew) -> None:
    order = orders.assign(case, orders.OrderGiven(crew.agencies["county"], "核查"), crew.by("county"))
    orders.receive(order, crew.by("county"))
    orders.visited(order, "已核查", crew.by("county"))
    services.judge(case, services.JudgementGiven("active", "现场"), crew.by("county"))


def test_what_is_owed_in_a_joined_case_keeps_the_other_open(cases: tuple[Case, Case], crew: Crew) -> None:
    kept, merged = cases
    confirm(merged, crew)
    merge(kept.site, merged.site, "同一厂房", OFFICE)
    deliver(AT)
    merged.refresh_from_db()
    assert (merged.state, merged.joined_into) == ("joined", kept)
    assert {row.kind for row in services.open_things(kept)} == {"surcharge", "revisit"}
    with pytest.raises(Refused) as refused:
        services.close(kept, "办结", crew.by("county"))
    assert refused.value.code == "still_open"
    assert list(case_rows({"open": True})) == [kept]
    page = case_page(kept.number, AT)
    assert page is not None
    assert page.joined == (merged.number,)
    assert len(page.open) == 2
    with pytest.raises(Refused):
        orders.give_task(merged, orders.OrderGiven(crew.agencies["county"], "办理"), crew.by("county"))


def test_what_was_only_given_is_taken_back(cases: tuple[Case, Case], crew: Crew) -> None:
    kept, merged = cases
    order = orders.assign(merged, orders.OrderGiven(crew.agencies["county"], "核查"), crew.by("county"))
    row = merge(kept.site, merged.site, "同一厂房", OFFICE)
    deliver(AT)
    order.refresh_from_db()
    assert order.state == Order.State.WITHDRAWN
    unmerge(row, OFFICE)
    deliver(AT)
    merged.refresh_from_db()
    assert (merged.state, merged.joined_into) == ("suspected", None)


def test_a_parted_case_goes_on_where_it_was(cases: tuple[Case, Case], crew: Crew) -> None:
    kept, merged = cases
    confirm(merged, crew)
    row = merge(kept.site, merged.site, "同一厂房", OFFICE)
    deliver(AT)
    unmerge(row, OFFICE)
    deliver(AT)
    merged.refresh_from_db()
    assert merged.state == Case.State.CONFIRMED
    assert services.open_things(kept) == []
    assert Obligation.objects.filter(case=merged, ended_at=None).count() == 2
    moves = Move.objects.filter(case=merged).order_by("pk").values_list("after", flat=True)
    assert list(moves)[-2:] == ["joined", "confirmed"]


def test_the_case_of_a_merged_site_goes_over_where_the_other_has_none(new_site: NewSite, crew: Crew) -> None:
    sites: list[Site] = [new_site(1), new_site(2)]
    case = services.open_case(sites[1], crew.agencies["county"], "线索", OFFICE)
    merge(sites[0], sites[1], "同一厂房", OFFICE)
    deliver(AT)
    case.refresh_from_db()
    assert (case.site, case.state) == (sites[0], "suspected")


@pytest.mark.parametrize("model", [Move, Judgement])
def test_the_database_keeps_moves_and_judgements(
    model: type[Move | Judgement], cases: tuple[Case, Case], crew: Crew
) -> None:
    confirm(cases[0], crew)
    for change in (lambda rows: rows.update(at=AT), lambda rows: rows.delete()):
        with pytest.raises(DatabaseError, match="only ever added"), transaction.atomic():
            change(model._base_manager.all())
