"""Lets Babel read Django's templates: they become the Python-like text that Django gives to xgettext."""

import io
from collections.abc import Iterator
from typing import Any

from babel.messages.extract import extract_python
from django.conf import settings
from django.utils.translation.template import templatize


def extract(file: Any, keywords: Any, comment_tags: Any, options: Any) -> Iterator[Any]:
    """Yield the messages of a template, as Babel's extractors do."""
    if not settings.configured:
        settings.configure()
    text = templatize(file.read().decode("utf-8"))
    yield from extract_python(io.BytesIO(text.encode("utf-8")), keywords, comment_tags, options)
