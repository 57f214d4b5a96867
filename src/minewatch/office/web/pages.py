"""Pages that belong to no app: the overview, the choice of language, the sign of life."""

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe
from django.views.i18n import set_language as change_language

from minewatch.office.web.middleware import public

set_language = public(change_language)


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """Show the overview of the account."""
    return render(request, "web/home.html")


@public
@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """Say that the office and its database answer."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok\n", content_type="text/plain")
