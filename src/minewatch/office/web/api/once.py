"""Requests that are done once: the answer under an ``Idempotency-Key`` stands in the act's transaction.

Who asks again with the same key gets the same answer; what was refused was not done and may be asked again.
"""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils.translation import gettext_lazy as _

from minewatch.office.platform.models import RequestDone, User
from minewatch.office.platform.refusals import Refused, describe
from minewatch.office.platform.tokens import note_write
from minewatch.office.web.api.doors import by, holder_of

HEADER = "Idempotency-Key"
_LONGEST = 200

describe(
    {
        "idempotency_key": _("An Idempotency-Key has up to %(most)s printable ASCII characters."),
        "idempotency_key_reused": _("This Idempotency-Key came with another request before."),
    }
)


@transaction.atomic
def once(request: HttpRequest, content: bytes, act: Callable[[], dict[str, Any]]) -> HttpResponse:
    """Do ``act`` and return what it gives; the same request with the same key gets that again."""
    who = by(request)
    row = _claimed(request, content, who.user, who.at)
    if row is not None and row.status:
        return JsonResponse(row.answer, status=row.status, headers={"Idempotent-Replayed": "true"})
    note_write(holder_of(request).token, f"{request.method} {request.path}"[:200], who)
    answer = JsonResponse(act())
    if row is not None:
        RequestDone.objects.filter(pk=row.pk).update(status=200, answer=json.loads(answer.content))
    return answer


def _claimed(request: HttpRequest, content: bytes, user: User | None, now: datetime) -> RequestDone | None:
    key = request.headers.get(HEADER)
    if key is None:
        return None
    if not 0 < len(key) <= _LONGEST or not (key.isascii() and key.isprintable()):
        raise Refused("idempotency_key", most=_LONGEST)
    digest = hashlib.sha256(f"{request.method} {request.get_full_path()}\n".encode() + content).hexdigest()
    made = {"digest": digest, "at": now}
    row, _is_new = RequestDone.objects.get_or_create(user=user, key=key, defaults=made)
    if row.digest != digest:
        raise Refused("idempotency_key_reused")
    return row
