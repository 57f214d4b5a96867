"""The map of sites: outlines that the office keeps itself, and the largest sites in view."""

import json
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from minewatch.office.home import home
from minewatch.office.register.models import Site
from minewatch.office.register.overview import spots
from minewatch.office.web.doors import permitted
from minewatch.office.web.sites.lists import STATE_COLOURS

MOST_SPOTS = 2_000
_WHOLE = (-180.0, -90.0, 180.0, 90.0)
_SIDES = 4


@permitted("register.see_things")
@require_safe
def page(request: HttpRequest) -> HttpResponse:
    """Show the map."""
    states = [(value, title, STATE_COLOURS.get(value, "blue")) for value, title in Site.State.choices]
    words = {"sites": _("sites"), "more": _("the largest of"), "power": _("kW")}
    return render(request, "web/overview/map.html", {"states": states, "words": words})


@permitted("register.see_things")
@require_safe
def sites(request: HttpRequest) -> HttpResponse:
    """Give the largest sites inside ``box`` (west,south,east,north) as GeoJSON; ``has_more`` beyond."""
    box = _box(request.GET.get("box", ""))
    if box is None:
        return HttpResponseBadRequest("box")
    wanted = [state for state in request.GET.getlist("state") if state in Site.State.values]
    found, has_more = spots(box, wanted, MOST_SPOTS)
    features = [
        {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [spot.lon, spot.lat]},
            "properties": {
                "code": spot.code,
                "name": spot.name,
                "state": spot.state_text,
                "region": spot.region,
                "colour": STATE_COLOURS.get(spot.state, "blue"),
                "power_kw": spot.power_kw,
            },
        }
        for spot in found
    ]
    return JsonResponse({"type": "FeatureCollection", "features": features, "has_more": has_more})


@permitted("register.see_things")
@require_safe
def outlines(_request: HttpRequest) -> HttpResponse:
    """Give the outlines of regions that the office keeps: every GeoJSON file of ``outlines`` in its home."""
    features: list[Any] = []
    for path in sorted((home().folder / "outlines").glob("*.geojson")):
        content = json.loads(path.read_text("utf-8"))
        features += content.get("features", [])
    return JsonResponse({"type": "FeatureCollection", "features": features})


def _box(text: str) -> tuple[float, ...] | None:
    if not text:
        return _WHOLE
    try:
        sides = tuple(float(side) for side in text.split(","))
    except ValueError:
        return None
    within = len(sides) == _SIDES and all(-360 <= side <= 360 for side in sides)
    return sides if within else None
