"""The page that shows the interface and lets one try it; its scripts are the office's own."""

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from minewatch.office.web.api.gate import OPEN
from minewatch.office.web.doors import permitted


@permitted("platform.use_tokens")
@require_safe
def docs(request: HttpRequest) -> HttpResponse:
    """Show the operations of the interface."""
    options = {"url": OPEN, "deepLinking": True, "layout": "BaseLayout", "persistAuthorization": False}
    return render(request, "web/api/docs.html", {"options": options, "document": OPEN})
