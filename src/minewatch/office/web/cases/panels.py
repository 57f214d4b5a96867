"""What the site page and the overview show of the work on cases."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from minewatch.office.platform.services import By
from minewatch.office.verify.duties import duties, duties_of
from minewatch.office.verify.selectors import case_of_site, case_page, queue_of
from minewatch.office.web.cases.pages import case_context
from minewatch.office.web.overview.concerns import figures_for
from minewatch.office.web.panels import OverviewPanel, Panel


def _of_site(site_id: int, who: By) -> dict[str, Any]:
    found = case_of_site(site_id)
    page = case_page(found.number, who.at) if found else None
    return case_context(page, who) if page else {"case": None, "site_id": site_id}


def _of_agency(who: By) -> dict[str, Any]:
    agency = who.user.agency if who.user else None
    owed = duties_of(agency, who.at) if agency else None
    return {"queue": queue_of(who), "owed": owed}


def _of_everybody(who: By) -> dict[str, Any]:
    return {"rows": duties(who.at)}


def _concerns(who: By) -> dict[str, Any]:
    agency = who.user.agency if who.user else None
    return {"figures": figures_for(agency), "kind": agency.get_kind_display() if agency else ""}


_SEE = "verify.see_cases"
CASE = Panel("case", _("Case"), "web/cases/site_panel.html", _of_site, _SEE)
QUEUE = OverviewPanel("queue", _("What we owe"), "web/cases/overview_panel.html", _of_agency, _SEE)
CONCERNS = OverviewPanel("concerns", _("What concerns us"), "web/cases/concerns.html", _concerns, _SEE)
OWED = OverviewPanel("owed", _("Who owes what"), "web/cases/owed_by.html", _of_everybody, _SEE)
