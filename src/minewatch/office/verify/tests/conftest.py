"""What the tests of cases share: agencies at three levels with two persons each, and sites."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import NamedTuple

import pytest

from minewatch.office.conftest import AT, OFFICE, OpenAccount
from minewatch.office.platform.models import Agency, Region, User
from minewatch.office.platform.roles import Role
from minewatch.office.platform.scope import scoped, whole
from minewatch.office.platform.services import AgencyGiven, By, add_agency
from minewatch.office.register import facts
from minewatch.office.register.models import Line, Site, Source
from minewatch.office.register.services import SightingGiven, sight
from minewatch.office.verify.deciding import ask_approval, decide, settle
from minewatch.office.verify.models import Approval, Case, Judgement, Obligation, Order
from minewatch.office.verify.orders import OrderGiven, assign, receive, visited
from minewatch.office.verify.services import JudgementGiven, begin_measures, judge, open_case, plan_exit

AGENCIES = {
    "province": ("energy-510000", "510000", "energy"),
    "city": ("reform-510700", "510700", "reform"),
    "county": ("reform-510703", "510703", "reform"),
    "grid": ("grid-510703", "510703", "grid"),
    "market": ("market-510703", "510703", "market"),
    "carrier": ("carrier-510700", "510700", "carrier"),
}


class Crew(NamedTuple):
    """Accounts by place and rank, and agencies by place."""

    officers: dict[str, User]
    chiefs: dict[str, User]
    agencies: dict[str, Agency]

    def by(self, place: str, days: float = 0) -> By:
        return By(self.officers[place], AT + timedelta(days=days))

    def chief(self, place: str, days: float = 0) -> By:
        return By(self.chiefs[place], AT + timedelta(days=days))


@pytest.fixture
def everywhere() -> Iterator[None]:
    with scoped(whole("test")):
        yield


@pytest.fixture
def crew(account: OpenAccount) -> Crew:
    officers, chiefs, agencies = {}, {}, {}
    for place, (code, region, kind) in AGENCIES.items():
        if not Agency.objects.filter(code=code).exists():
            add_agency(AgencyGiven(code, kind, f"{place} {kind}", region), OFFICE)
        agencies[place] = Agency.objects.get(code=code)
        officers[place] = account(f"{place}.officer", code, Role.OFFICER)
        chiefs[place] = account(f"{place}.chief", code, Role.SUPERVISOR)
    return Crew(officers, chiefs, agencies)


NewSite = Callable[..., Site]


@pytest.fixture
def new_site(country: None, everywhere: None) -> NewSite:
    region = Region.objects.get(code="510703")

    def made(number: int = 1, *, port: int = 40321) -> Site:
        said = facts.Said(facts.source(Source.Kind.FINDING, f"finding-{number}", OFFICE), OFFICE)
        site = facts.register(Site(region=region, code=f"510703-{number:06d}", name=f"仓库{number}"), said)
        sight(site, [SightingGiven(f"203.0.113.{number}", AT, AT + timedelta(hours=2), port)], said)
        line = facts.register(Line(region=region, prefix="198.51.100.7", holder_name="甲"), said)
        assert line.pk
        return site

    return made


@pytest.fixture
def case(crew: Crew, new_site: NewSite) -> Case:
    """A case in the county's hands."""
    return open_case(new_site(), crew.agencies["county"], "清单第7批", crew.by("county"))


def inspected(case: Case, crew: Crew) -> None:
    order = assign(case, OrderGiven(crew.agencies["market"], "现场核查"), crew.by("county"))
    receive(order, crew.by("market"))
    visited(order, "现场清点矿机140台", crew.by("market"))


def judged(case: Case, crew: Crew, verdict: Judgement.Verdict = Judgement.Verdict.ACTIVE) -> None:
    inspected(case, crew)
    judge(case, JudgementGiven(verdict, "矿机铭牌与收益账户一致", 420.0, 140), crew.by("county"))


def approved(case: Case, crew: Crew, kind: Approval.Kind = Approval.Kind.LISTING) -> None:
    approval = ask_approval(case, kind, "证据充分", crew.by("county"))
    decide(approval, True, "同意", crew.chief("county"))


def planned(case: Case, crew: Crew) -> None:
    judged(case, crew)
    approved(case, crew)
    begin_measures(case, "下达通知", crew.by("county"))
    plan_exit(case, (AT + timedelta(days=30)).date(), "月底前清退", crew.by("county"))


def settled(case: Case, crew: Crew, days: float = 0) -> None:
    for obligation in Obligation.objects.filter(case=case, ended_at=None).order_by("pk"):
        settle(obligation, "单据 2026-17", crew.by("county", days))


def now(case: Case) -> Case:
    return Case.objects.select_related("site", "holder").get(pk=case.pk)


def order_of(case: Case) -> Order:
    return Order.objects.filter(case=case).latest("pk")
