"""What a phone keeps to work without a network: the files, and the worker that answers with them."""

import hashlib
import json
from functools import cache
from pathlib import Path

from django.contrib.staticfiles import finders
from django.templatetags.static import static
from django.urls import reverse

FILES = (
    "vendor/tabler.min.css",
    "vendor/idb.js",
    "web/office.css",
    "web/theme.js",
    "web/icon.svg",
    "web/field/field.css",
    "web/field/manifest.webmanifest",
    "web/field/page.js",
    "web/field/form.js",
    "web/field/dom.js",
    "web/field/store.js",
    "web/field/sync.js",
)
_WORKER = "web/field/worker.js"


def worker_script(shell: bytes) -> str:
    """Return the service worker: it changes with ``shell`` (the page) and with every file that it keeps."""
    digest = hashlib.sha256(shell)
    for name in (*FILES, _WORKER):
        digest.update(_content(name))
    kept = [reverse("field"), *(static(name) for name in FILES)]
    head = f"const VERSION = {json.dumps(digest.hexdigest()[:16])};\nconst KEPT = {json.dumps(kept)};\n"
    return head + _content(_WORKER).decode()


@cache
def _content(name: str) -> bytes:
    found = finders.find(name)
    return Path(found).read_bytes() if isinstance(found, str) else b""
