"""What the site page and the overview show of the work on cases."""

from typing import Any

from django.utils.translation import gettext_lazy as _

from minewatch.office.platform.services import By
from minewatch.office.verify.selectors import case_of_site, case_page, queue_of
from minewatch.office.web.cases.pages import case_context
from minewatch.office.web.panels import OverviewPanel, Panel


def _of_site(site_id: int, who: By) -> dict[str, Any]:
    found = case_of_site(site_id)
    page = case_page(found.number, who.at) if found else None
    return case_context(page, who) if page else {"case": None, "site_id": site_id}


def _of_agency(who: By) -> dict[str, Any]:
    return {"queue": queue_of(who)}


CASE = Panel("case", _("Case"), "web/cases/site_panel.html", _of_site, "verify.see_cases")
QUEUE = OverviewPanel(
    "queue", _("Work queue"), "web/cases/overview_panel.html", _of_agency, "verify.see_cases"
)
