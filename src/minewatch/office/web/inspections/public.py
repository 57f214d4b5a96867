"""Pages that everybody may read without a login: results of inspections, draws, and their files."""

import json
from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from minewatch.office.platform.paging import page_of
from minewatch.office.platform.scope import scoped, whole
from minewatch.office.verify.inspections import draws, public
from minewatch.office.verify.inspections.models import Draw, Publication
from minewatch.office.web.middleware import public as open_to_all

_SIZE, _MOST_DRAWS, _MOST_IN_FILE = 50, 50, 10_000
_WHY = "what is published"


@open_to_all
@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """Show published results and draws."""
    number = request.GET.get("page", "")
    wanted = int(number) if number.isascii() and number.isdigit() and len(number) < 6 else 1
    with scoped(whole(_WHY)):
        page = page_of(public.public_results(), wanted, _SIZE, _presented)
        shown = [public.public_draw(row) for row in public.public_draws()[:_MOST_DRAWS]]
    return render(request, "web/inspections/public.html", {"page": page, "draws": shown})


@open_to_all
@require_safe
def draw(request: HttpRequest, number: str) -> HttpResponse:
    """Show a draw as everybody may see it."""
    with scoped(whole(_WHY)):
        shown = public.public_draw(_draw(number))
    return render(request, "web/inspections/public_draw.html", {"draw": shown})


@open_to_all
@require_safe
def draw_file(_request: HttpRequest, number: str) -> HttpResponse:
    """Give the file of a draw, which ``minewatch office draw-check`` reads."""
    with scoped(whole(_WHY)):
        return _json(draws.file_of(_draw(number)), f"draw-{number}.json")


@open_to_all
@require_safe
def results_file(_request: HttpRequest) -> HttpResponse:
    """Give the published results as a file, the newest first."""
    with scoped(whole(_WHY)):
        rows = [
            row.content | {"published_at": row.at.isoformat()}
            for row in public.public_results()[:_MOST_IN_FILE]
        ]
    return _json({"format": "minewatch-results/1", "results": rows}, "results.json")


def _presented(rows: Sequence[Publication]) -> list[public.ResultShown]:
    return [public.present_result(row) for row in rows]


def _draw(number: str) -> Draw:
    found = Draw.objects.select_related("agency").filter(number=number).first()
    if found is None:
        raise Http404(number)
    return found


def _json(value: Any, name: str) -> HttpResponse:
    text = json.dumps(value, ensure_ascii=False, indent=1)
    headers = {"Content-Disposition": f'inline; filename="{name}"'}
    return HttpResponse(text, content_type="application/json; charset=utf-8", headers=headers)
