"""Panels of the site page: each part of the console brings its own, beside its routes."""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.utils.functional import Promise

from minewatch.office.platform.services import By


class Panel(NamedTuple):
    """A part of the site page, loaded on its own: ``context`` gives a template what it shows of a site."""

    key: str
    title: str | Promise
    template: str
    context: Callable[[int, By], dict[str, Any]]
    permission: str


PANELS: list[Panel] = []
"""In the order in which they stand; the one with the key ``case`` stands first."""
