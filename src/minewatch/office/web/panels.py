"""Panels of the site page and of the overview: each part of the console brings its own, beside its routes."""

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


class OverviewPanel(NamedTuple):
    """A part of the overview, loaded on its own; ``context`` gives what it shows to who looks."""

    key: str
    title: str | Promise
    template: str
    context: Callable[[By], dict[str, Any]]
    permission: str


OVERVIEW: list[OverviewPanel] = []
"""In the order in which they stand."""
