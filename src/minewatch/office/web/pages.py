"""Pages that belong to no app: the choice of language, the sign of life."""

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.views.decorators.http import require_safe
from django.views.i18n import set_language as change_language

from minewatch.office.web.middleware import public

set_language = public(change_language)


@public
@require_safe
def healthz(_request: HttpRequest) -> HttpResponse:
    """Say that the office and its database answer."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok\n", content_type="text/plain")
