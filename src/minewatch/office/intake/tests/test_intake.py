"""Findings come in week by week: new sites, changed ones, withdrawn ones, the same ones again."""

import io
from datetime import date, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from minewatch.office.conftest import AT, OFFICE, OpenAccount
from minewatch.office.intake import services
from minewatch.office.intake.models import Delivery, Exhibit, Finding, KnownSite
from minewatch.office.intake.services import receive, take_in
from minewatch.office.intake.tests.conftest import (
    ADDRESS,
    W19,
    W20,
    Deliver,
    account,
    enterprise,
    evidence,
    finding,
    flow,
    named,
    packed,
    reading,
)
from minewatch.office.platform import audit, events
from minewatch.office.platform.models import AuditEntry, Event, Region
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.roles import Role
from minewatch.office.platform.services import By
from minewatch.office.register import facts
from minewatch.office.register.facts import Said
from minewatch.office.register.models import (
    Line,
    Link,
    Party,
    Sighting,
    Site,
    Source,
    Statement,
    UsagePoint,
)
from minewatch.office.register.services import link
from minewatch.schema.tables import TABLES


def everything() -> dict[str, list[Any]]:
    return {
        "evidence": [evidence()],
        "flows": [flow()],
        "interval_readings": [reading(date(2026, 5, 3), *[1.0] * 96), reading(date(2026, 5, 4), *[2.0] * 96)],
        "usage_points": [account()],
        "enterprises": [enterprise()],
    }


def test_a_new_site_comes_with_what_is_its(deliver: Deliver) -> None:
    done = deliver(finding(), **everything())
    assert (done.state, done.counts["taken"], done.aside) == ("done", 1, [])
    site = Site.objects.get()
    assert (site.code, site.state, site.kind, site.phase) == (
        "510703-000001",
        "suspected",
        "active",
        "operating",
    )
    assert (site.power_kw, site.power_low_kw, site.energy_week_kwh) == (420.0, 400.0, 70_000.0)
    assert site.hash_rates == {"SHA-256": {"value": 1.4e16}}
    assert site.pool == "f2pool"
    account_link = Link.objects.get(usage_point__number="0510700012")
    assert (account_link.probability, account_link.energy_week_kwh) == (0.9, 69_000.0)
    assert UsagePoint.objects.get().customer_name == "王小明"
    line = Line.objects.get()
    assert (line.prefix, line.holder_name, line.valid_from.year) == ("203.0.113.5/32", "王小明", 2025)
    party = Party.objects.get()
    assert (party.enterprise.uscc, party.part) == ("91510703MA6212342P", "operator")
    seen = Sighting.objects.get()
    assert (seen.address, seen.port, seen.wallet, seen.submissions) == (
        "203.0.113.5",
        40321,
        "bc1qfarmwallet",
        912,
    )
    assert not list(audit.verify())


@pytest.mark.parametrize("name", ["王小明", None])
def test_a_site_is_not_named_for_a_person_or_a_whole_address(deliver: Deliver, name: str | None) -> None:
    deliver(finding(enterprise_name=name), **everything())
    site = Site.objects.get()
    assert site.name.endswith("****")
    assert site.premises.address == ADDRESS


def test_the_same_file_twice_is_once(deliver: Deliver) -> None:
    deliver(finding(), **everything())
    models = (Delivery, Finding, Site, Link, Sighting, Statement, Source, Event, AuditEntry)
    before = [model._base_manager.count() for model in models]
    deliver(finding(), **everything())
    assert [model._base_manager.count() for model in models] == before


def test_the_same_finding_in_another_file_is_known(deliver: Deliver) -> None:
    deliver(finding())
    done = deliver(finding(), **everything())
    assert (done.counts["taken"], done.counts["known"]) == (0, 1)
    assert Finding.objects.count() == 1


def test_a_later_week_updates_the_site_and_its_history(deliver: Deliver) -> None:
    deliver(finding())
    deliver(finding(start=W20, run="R-2", power_kw=510.0, power_kw_high=530.0), run="R-2", start=W20)
    site = Site.objects.get()
    assert (site.power_kw, site.first_seen_at, site.last_seen_at) == (510.0, W19, W20 + timedelta(days=7))
    said = Statement.objects.filter(subject_kind="site", subject_id=site.pk).order_by("id")
    assert [row.values["power_kw"] for row in said] == [420.0, 510.0]
    assert {row.state for row in Finding.objects.all()} == {"standing"}


def test_an_earlier_week_that_comes_late_only_widens_the_time(deliver: Deliver) -> None:
    deliver(finding(start=W20, run="R-2", power_kw=420.0), run="R-2", start=W20)
    deliver(finding(power_kw=410.0), run="R-1")
    site = Site.objects.get()
    assert (site.power_kw, site.first_seen_at) == (420.0, W19)


def test_what_an_inspection_said_is_not_overruled(deliver: Deliver) -> None:
    deliver(finding())
    visit = facts.source(Source.Kind.INSPECTION, "visit-1", OFFICE)
    facts.state(Site.objects.get(), {"power_kw": 300.0}, Said(visit, OFFICE))
    deliver(finding(start=W20, run="R-2", power_kw=430.0), run="R-2", start=W20)
    assert Site.objects.get().power_kw == 300.0
    assert Statement.objects.filter(holds=False, values__power_kw=430.0).exists()


def test_a_later_run_on_the_period_replaces_and_withdraws(deliver: Deliver) -> None:
    other = finding(
        "S-other", usage_points=named("0510700099"), endpoints=[], links=[], address="涪城区东街1号"
    )
    deliver(finding(), other)
    assert Site.objects.count() == 2
    done = deliver(finding(run="R-2", power_kw=430.0), run="R-2")
    assert (done.counts["replaced"], done.counts["withdrawn"]) == (1, 1)
    states = dict(Finding.objects.values_list("finding_id", "state"))
    assert states == {"F-S-farm-R-1": "replaced", "F-S-farm-R-2": "standing", "F-S-other-R-1": "withdrawn"}
    assert Site.objects.count() == 2
    gone = Finding.objects.get(state="withdrawn")
    assert Event.objects.get(kind="intake.finding_withdrawn").payload["finding"] == gone.pk


def test_a_run_without_findings_withdraws_all(deliver: Deliver) -> None:
    deliver(finding())
    done = deliver(run="R-2")
    assert done.counts["withdrawn"] == 1


def test_an_earlier_run_that_comes_late_stands_replaced(deliver: Deliver) -> None:
    deliver(finding(run="R-2", power_kw=430.0), run="R-2")
    done = deliver(finding(), run="R-1")
    assert Finding.objects.get(delivery=done).state == "replaced"
    assert Finding.objects.get(finding_id="F-S-farm-R-2").state == "standing"
    assert Site.objects.get().power_kw == 430.0


def test_part_of_a_run_withdraws_nothing(deliver: Deliver, everywhere: None) -> None:
    deliver(finding())
    (bare,) = receive(
        packed(findings=[finding("S-2", run="R-9", usage_points=[], links=[])]), "f", "lake", OFFICE
    )
    assert take_in(bare, AT).counts["withdrawn"] == 0
    assert Finding.objects.get(site_key="S-farm").state == "standing"


def test_another_analysis_ends_nothing(deliver: Deliver) -> None:
    deliver(finding())
    rows = [finding("S-2", run="R-9", usage_points=[], links=[], address="涪城区东街1号")]
    (other,) = receive(packed(findings=rows), "f", "grid company", OFFICE)
    take_in(other, AT)
    assert {row.state for row in Finding.objects.all()} == {"standing"}


def test_a_site_that_the_register_has_is_found_by_its_account(deliver: Deliver) -> None:
    county = Region.objects.get(code="510703")
    said = Said(facts.source(Source.Kind.IMPORT, "list.xlsx", OFFICE), OFFICE)
    known = facts.register(Site(region=county, code="510703-000500", name="旧址"), said)
    link(known, facts.register(UsagePoint(region=county, number="0510700012"), said), said)
    deliver(finding())
    assert KnownSite.objects.get().site == known
    assert Site.objects.get(pk=known.pk).power_kw == 420.0
    assert Site.objects.get(pk=known.pk).name == "旧址"


def test_sites_that_the_analysis_keeps_apart_stay_apart(deliver: Deliver) -> None:
    deliver(finding(), finding("S-next-door", usage_points=named("0510700012", probability=0.6)))
    assert Site.objects.count() == 2


def test_what_has_no_region_is_put_aside_and_taken_when_delivered_again(deliver: Deliver) -> None:
    lost = finding("S-lost", region_code="990000", usage_points=[], links=[], address=None)
    done = deliver(finding(), lost)
    assert (done.counts["taken"], done.counts["aside"]) == (1, 1)
    assert done.aside == [
        {"finding_id": "F-S-lost-R-1", "code": "finding_without_region", "values": {"region": "990000"}}
    ]
    from minewatch.office.platform.services import RegionGiven, add_regions

    add_regions([RegionGiven("990000", "province", "新区", parent="100000")], OFFICE)
    done = deliver(finding(), lost)
    assert (done.counts["taken"], done.aside) == (2, [])


def test_a_finding_without_a_place_is_of_the_region_of_its_run(deliver: Deliver) -> None:
    lost = finding("S-lost", region_code=None, usage_points=[], links=[], address=None)
    deliver(finding(), lost)
    assert KnownSite.objects.get(site_key="S-lost").site.region.code == "510703"


def test_an_account_delivers_for_its_own_region_only(deliver: Deliver, account: OpenAccount) -> None:
    analyst = account("zhao", "energy-620000", Role.ANALYST)
    done = deliver(finding(), by=By(analyst, AT))
    assert [item["code"] for item in done.aside] == ["finding_outside"]
    assert not Site.objects.exists()


def test_a_crash_in_the_middle_loses_and_doubles_nothing(
    deliver: Deliver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "_AT_ONCE", 1)
    rows = [
        finding(
            f"S-{n}", usage_points=named(f"05107001{n:02d}"), endpoints=[], links=[], address=f"涪城区{n}号"
        )
        for n in range(4)
    ]

    def dies(done: int) -> None:
        if done == 2:
            raise KeyboardInterrupt

    (delivery,) = receive(packed(findings=rows), "f", "lake", OFFICE)
    with pytest.raises(KeyboardInterrupt):
        take_in(delivery, AT, dies)
    assert Finding.objects.count() == 2
    (again,) = receive(packed(findings=rows), "f", "lake", OFFICE)
    done = take_in(again, AT)
    assert (done.counts["taken"], done.state) == (4, "done")
    assert Site.objects.count() == Exhibit.objects.count() == 4
    assert Event.objects.filter(kind="intake.finding_taken").count() == 4


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no", b"PAR1", b"ARROW1\0\0", b"plain text"])
def test_what_is_no_file_of_findings_is_refused(content: bytes, db: None) -> None:
    with pytest.raises(Refused) as refused:
        receive(content, "x", "lake", OFFICE)
    assert refused.value.code == "parcel_unreadable"


def test_an_older_and_a_newer_form_are_read(everywhere: None) -> None:
    schema = TABLES["findings"].schema
    table = pa.Table.from_pylist([finding()], schema=schema).drop_columns(["hash_rate", "coin", "duty"])
    table = table.append_column("of_tomorrow", pa.array(["?"]))
    out = io.BytesIO()
    pq.write_table(table, out)
    (delivery,) = receive(out.getvalue(), "findings.parquet", "lake", OFFICE)
    assert take_in(delivery, AT).counts["taken"] == 1
    assert Site.objects.get().hash_rates == {}
    assert Finding.objects.get().row["of_tomorrow"] == "?"


def test_an_arrow_file_is_read_and_one_without_sites_refused(everywhere: None) -> None:
    table = pa.Table.from_pylist([finding()], schema=TABLES["findings"].schema)
    out = io.BytesIO()
    with pa.ipc.new_file(out, table.schema) as writer:
        writer.write_table(table)
    (delivery,) = receive(out.getvalue(), "findings.arrow", "lake", OFFICE)
    assert take_in(delivery, AT).counts["taken"] == 1
    out = io.BytesIO()
    pq.write_table(table.drop_columns(["site_id"]), out)
    with pytest.raises(Refused, match="site_id"):
        receive(out.getvalue(), "findings.parquet", "lake", OFFICE)


def test_events_are_published_for_those_who_work_cases(deliver: Deliver) -> None:
    deliver(finding())
    taken = Event.objects.get(kind="intake.finding_taken").payload
    assert taken["new_site"] is True
    assert taken["site"] == Site.objects.get().pk
    events.deliver(AT)


def test_a_job_takes_in_and_tells_how_far_it_is(everywhere: None, settings: Any) -> None:
    settings.TASKS = {"default": {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend"}}
    from minewatch.office.intake.tasks import begin

    work = begin(receive(packed(findings=[finding()]), "f", "lake", OFFICE), OFFICE)
    work.refresh_from_db()
    assert (work.state, work.done, work.total, work.result["taken"]) == ("done", 1, 1, 1)
