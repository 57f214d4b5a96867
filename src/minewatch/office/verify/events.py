"""What cases do when something happens elsewhere: the hour, a finding."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from minewatch.office.intake.models import Finding
from minewatch.office.platform.events import subscribe
from minewatch.office.platform.scope import scoped, whole
from minewatch.office.platform.services import By
from minewatch.office.register.models import Site
from minewatch.office.register.selectors import kept
from minewatch.office.verify.batches import leading_agency
from minewatch.office.verify.flow import ENDED
from minewatch.office.verify.joining import join, part
from minewatch.office.verify.models import Case
from minewatch.office.verify.reminders import remind
from minewatch.office.verify.services import open_case, reopen


@subscribe("platform.hour_began")
def hour_began(_payload: Mapping[str, Any], at: datetime) -> None:
    """Send reminders and escalate what is overdue."""
    with scoped(whole("reminders")):
        remind(at)


@subscribe("intake.finding_taken")
def finding_taken(payload: Mapping[str, Any], at: datetime) -> None:
    """Open the case of a new site with the agency that leads there; open an ended one again.

    A finding is a recurrence where it stands and its period began after the case had ended.
    """
    with scoped(whole("findings")):
        site = kept(Site.objects.select_related("region").get(pk=payload["site"]))
        finding = Finding.objects.get(pk=payload["finding"])
        case = Case.objects.filter(site=site).first()
        by, words = By(None, at), f"finding {finding.finding_id}"
        if case is None:
            holder = leading_agency(site.region)
            if holder is not None:
                open_case(site, holder, words, by)
        elif case.state in ENDED and _stands_after(finding, case.moved_at):
            reopen(case, words, by)


@subscribe("register.site_merged")
def site_merged(payload: Mapping[str, Any], at: datetime) -> None:
    """Join the cases of two sites that are one."""
    with scoped(whole("merged sites")):
        join(payload["kept"], payload["merged"], By(None, at))


@subscribe("register.site_unmerged")
def site_unmerged(payload: Mapping[str, Any], at: datetime) -> None:
    """Part their cases again."""
    with scoped(whole("merged sites")):
        part(payload["merged"], By(None, at))


def _stands_after(finding: Finding, ended_at: datetime) -> bool:
    return finding.state == Finding.State.STANDING and finding.period_start_at >= ended_at
