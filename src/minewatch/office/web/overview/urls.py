"""Routes of the overview, the comparison, the map and the long work."""

from django.urls import path
from django.utils.translation import gettext_lazy as _

from minewatch.office.web.overview import map as site_map
from minewatch.office.web.overview import pages
from minewatch.office.web.panels import OVERVIEW, OverviewPanel

_SEE = "register.see_things"
OVERVIEW += [
    OverviewPanel("figures", _("Sites"), "web/overview/figures.html", pages.figures_context, _SEE),
    OverviewPanel("weeks", _("By week"), "web/overview/weeks.html", pages.weeks_context, _SEE),
    OverviewPanel("regions", _("Regions"), "web/overview/regions.html", pages.regions_context, _SEE),
]

urlpatterns = [
    path("", pages.home, name="home"),
    path("overview/<slug:key>/", pages.overview_panel, name="overview_panel"),
    path("compare/", pages.compare, name="compare"),
    path("map/", site_map.page, name="map"),
    path("map/sites.json", site_map.sites, name="map_sites"),
    path("map/outlines.json", site_map.outlines, name="map_outlines"),
    path("works/", pages.works, name="works"),
]
