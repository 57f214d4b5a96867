"""What a finding shows of its site: in the clear to who may, else masked wherever it stands."""

from datetime import date, timedelta

from minewatch.office.conftest import AT, OFFICE, OpenAccount
from minewatch.office.intake import selectors
from minewatch.office.intake.models import Finding
from minewatch.office.intake.tests.conftest import Deliver, evidence, finding, flow, reading
from minewatch.office.platform.roles import Role
from minewatch.office.platform.scope import scoped
from minewatch.office.platform.selectors import scope_of
from minewatch.office.platform.services import By, unmask
from minewatch.office.register.protection import Eyes

SECRETS = ["王小明", "飞云大道", "0510700012", "0510799999", "203.0.113.5", "bc1qfarmwallet"]


def delivered(deliver: Deliver) -> Finding:
    days = [reading(date(2026, 5, 1), *[1.0] * 96), reading(date(2026, 5, 4), *([2.0, 4.0] * 48))]
    deliver(finding(), evidence=[evidence()], flows=[flow()], interval_readings=days)
    return Finding.objects.get()


def test_the_curve_has_gaps_where_nothing_was_read(deliver: Deliver) -> None:
    found = delivered(deliver)
    shown = selectors.exhibit_of(found.pk, Eyes(None, AT, in_the_clear=True))
    assert shown is not None
    (curve,) = shown["curves"]
    assert curve["hourly"]["first_day"] == "2026-05-01"
    assert curve["hourly"]["kw"] == [1.0] * 24 + [None] * 48 + [3.0] * 24
    assert [day["day"] for day in curve["metered"]] == ["2026-05-04"]
    assert shown["block"]["power_kw"] == 420.0
    assert shown["flows"][0]["workers"][0]["submitted"] == 912
    assert shown["flows"][0]["evidence_lines"]


def test_nothing_protected_is_shown_until_it_is_unmasked(deliver: Deliver, account: OpenAccount) -> None:
    found = delivered(deliver)
    officer = account("li.na", "energy-510703", Role.OFFICER)
    eyes = Eyes(officer.pk, AT)
    text = f"{selectors.finding_page(found.pk, eyes)} {selectors.exhibit_of(found.pk, eyes)}"
    assert [secret for secret in SECRETS if secret in text] == []
    unmask(("site", found.site_id), "*", "现场核查", (By(officer, AT), AT + timedelta(hours=1)))
    text = f"{selectors.finding_page(found.pk, Eyes(officer.pk, AT))}"
    text += f"{selectors.exhibit_of(found.pk, Eyes(officer.pk, AT))}"
    assert [secret for secret in SECRETS if secret not in text] == []


def test_a_delivery_says_in_words_what_it_put_aside(deliver: Deliver) -> None:
    done = deliver(finding(region_code="990000"))
    shown = selectors.delivery(done.pk)
    assert shown is not None
    assert shown.aside[0].finding_id == "F-S-farm-R-1"
    assert "990000" in shown.aside[0].text


def test_a_finding_outside_the_region_is_not_there(deliver: Deliver, account: OpenAccount) -> None:
    found = delivered(deliver)
    far = account("zhao", "energy-620000", Role.OFFICER)
    with scoped(scope_of(far)):
        eyes = Eyes(far.pk, AT)
        assert selectors.findings_of(found.site_id) == []
        assert selectors.finding_page(found.pk, eyes) is None
        assert selectors.exhibit_of(found.pk, eyes) is None


def test_a_finding_page_says_all_in_the_language_in_force(deliver: Deliver) -> None:
    from django.utils import translation

    found = delivered(deliver)
    eyes = Eyes(None, OFFICE.at, in_the_clear=True)
    with translation.override("en"):
        page = selectors.finding_page(found.pk, eyes)
    assert page is not None
    assert page.reasons[0].text.startswith("the lease names")
    assert page.links[1].to_id == "王小明"
    assert page.values["period_start_at"] == found.period_start_at
    assert page.named["usage_points"][0].name == "0510700012"
    assert page.line.state == "standing"
