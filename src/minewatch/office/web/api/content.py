"""The content of a request that is a file: read in pieces, and no further than it may be large."""

from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils.translation import gettext_lazy as _

from minewatch.office.platform.refusals import Refused, describe
from minewatch.office.web.api.problems import TOO_LARGE

_PIECE = 1 << 20

describe(
    {
        TOO_LARGE: _("The content is larger than %(most_mb)s MB."),
        "content_missing": _("The request has no content."),
    }
)


def taken(request: HttpRequest, most_mb: int | None = None) -> bytes:
    """Return the content of a request. Raises Refused where there is none, or it is too large."""
    most_mb = settings.FINDINGS_MB if most_mb is None else most_mb
    most, content = most_mb << 20, bytearray()
    if int(request.headers.get("Content-Length") or 0) > most:
        raise Refused(TOO_LARGE, most_mb=most_mb)
    while piece := request.read(_PIECE):
        content += piece
        if len(content) > most:
            raise Refused(TOO_LARGE, most_mb=most_mb)
    if not content:
        raise Refused("content_missing")
    return bytes(content)


def takes(media_type: str) -> dict[str, Any]:
    """Return the words of the document for an operation whose content is a file."""
    content = {media_type: {"schema": {"type": "string", "format": "binary"}}}
    return {"requestBody": {"required": True, "content": content}}
