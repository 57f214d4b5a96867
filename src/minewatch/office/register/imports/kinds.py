"""Kinds of things that files bring, by name; what each can do."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cache
from typing import ClassVar

from django.utils.functional import Promise

from minewatch.office.platform.refusals import Refused
from minewatch.office.register.facts import Said
from minewatch.office.register.imports.models import Import, ImportRow
from minewatch.office.register.imports.rows import Field, Given, Judged, Setting


class Kind(ABC):
    """A kind of thing that a file brings, one a row."""

    name: ClassVar[str]
    title: ClassVar[str | Promise]
    note: ClassVar[str | Promise] = ""

    @property
    @abstractmethod
    def fields(self) -> Sequence[Field]:
        """Return the columns that it knows."""

    @abstractmethod
    def judge(self, rows: Sequence[Given], setting: Setting) -> list[Judged]:
        """Say what each row would do; reads the register and changes nothing."""

    @abstractmethod
    def apply(self, rows: Sequence[ImportRow], setting: Setting, said: Said) -> list[ImportRow]:
        """Write rows of an import that wait, in the open transaction; return all rows that this settled.

        A row that cannot be written any more comes back in error.
        """

    def close(self, _one: Import) -> None:
        """Look at the rows of a file together, once all were judged."""
        return

    @property
    def by_name(self) -> dict[str, Field]:
        """Return the fields by name."""
        return {field.name: field for field in self.fields}


@cache
def kinds() -> dict[str, Kind]:
    """Return the kinds by name, in the order in which they are offered."""
    from minewatch.office.register.imports.machines import Machines
    from minewatch.office.register.imports.things import THINGS

    return {kind.name: kind for kind in (*THINGS, Machines())}


def kind_named(name: str) -> Kind:
    """Return a kind; raises Refused where there is none."""
    kind = kinds().get(name)
    if kind is None:
        raise Refused("kind_unknown")
    return kind
