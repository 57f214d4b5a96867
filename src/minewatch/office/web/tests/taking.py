"""Taking a list away in a test: asked for, made as the worker does, and fetched."""

from typing import Any

from django.test import Client

from minewatch.office.register.exports.models import Export
from minewatch.office.web.listing import exports


def taken(client: Client, address: str, said: dict[str, str]) -> bytes:
    """Ask for an export, make it, and return the file."""
    answer = client.post(address, {"do": "export", **said})
    assert (answer.status_code, answer["Location"]) == (302, "/exports/")
    export = Export.objects.latest("pk")
    exports.make.func(export.pk, export.work_id)
    file: Any = client.get(f"/exports/{export.pk}/")
    assert file.status_code == 200
    return b"".join(file.streaming_content)
