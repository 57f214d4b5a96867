"""The part of the country a query may see. Without an active scope a scoped query raises: it fails closed.

A request, a job and a command each open one scope. Where a later app narrows further (a task is the
assigned agency's), its manager says so in ``within``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Any, ClassVar, TypeVar

from django.db import models

_Row = TypeVar("_Row", bound=models.Model)


@dataclass(frozen=True)
class Scope:
    """What an actor may see: regions below ``region_path``, in the eyes of one agency.

    ``actor_id`` and ``agency_id`` are None for the office's own work (intake, reminders), which names its
    ``reason`` instead.
    """

    region_path: str
    actor_id: int | None = None
    agency_id: int | None = None
    reason: str = ""


class NoScope(RuntimeError):  # noqa: N818 - named for what is missing
    """A scoped query was made outside of any scope."""


_ACTIVE: ContextVar[Scope | None] = ContextVar("active_scope", default=None)


def active() -> Scope:
    """Return the scope in force; raises NoScope without one."""
    scope = _ACTIVE.get()
    if scope is None:
        raise NoScope("no scope is active: open one with scoped(...)")
    return scope


@contextmanager
def scoped(scope: Scope) -> Iterator[Scope]:
    """Put ``scope`` in force for the block."""
    token = _ACTIVE.set(scope)
    try:
        yield scope
    finally:
        _ACTIVE.reset(token)


def whole(reason: str) -> Scope:
    """Return the scope of the office's own work: every region. ``reason`` says which work."""
    return Scope(region_path="", reason=reason)


class ScopedManager(models.Manager[_Row]):
    """Gives only rows inside the active scope, found by ``region_lookup`` of the model."""

    def get_queryset(self) -> models.QuerySet[_Row]:
        """Return the rows that the active scope shows; raises NoScope without one."""
        scope = active()
        rows = super().get_queryset()
        model: Any = self.model
        if scope.region_path:
            rows = rows.filter(**{f"{model.region_lookup}__path__startswith": scope.region_path})
        return rows


class Scoped(models.Model):
    """Base of rows that belong to a region."""

    region_lookup: ClassVar[str] = "region"
    """Lookup from the row to its region."""

    objects: ClassVar[ScopedManager[Any]] = ScopedManager()

    class Meta:
        """No table of its own."""

        abstract = True
