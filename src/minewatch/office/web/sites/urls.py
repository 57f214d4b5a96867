"""Routes of the register's pages."""

from django.urls import path
from django.utils.translation import gettext_lazy as _

from minewatch.office.web.listing import listed
from minewatch.office.web.panels import PANELS, Panel
from minewatch.office.web.sites import lists, pages
from minewatch.office.web.sites.evidence import evidence_context

PANELS += [
    Panel("evidence", _("Evidence"), "web/sites/evidence.html", evidence_context, "intake.see_findings"),
    Panel("history", _("History"), "web/sites/history.html", pages.history_context, "register.see_history"),
]

urlpatterns = [
    path("sites/", listed(lists.SiteListing), name="sites"),
    path("sites/<str:code>/", pages.site, name="site"),
    path("sites/<str:code>/panels/<slug:key>/", pages.site_panel, name="site_panel"),
    path("sites/<str:code>/unmask/", pages.site_unmask, name="site_unmask"),
    path("enterprises/", listed(lists.EnterpriseListing), name="enterprises"),
    path("usage-points/", listed(lists.UsagePointListing), name="usage_points"),
    path("plants/", listed(lists.PlantListing), name="plants"),
    path("lines/", listed(lists.LineListing), name="lines"),
    path("enterprises/<int:number>/", pages.thing("enterprise"), name="enterprise"),
    path("usage-points/<int:number>/", pages.thing("usagepoint"), name="usage_point"),
    path("plants/<int:number>/", pages.thing("plant"), name="plant"),
    path("lines/<int:number>/", pages.thing("line"), name="line"),
    path("premises/<int:number>/", pages.thing("premises"), name="premises"),
    path("search/", pages.search, name="search"),
]
