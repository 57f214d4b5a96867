"""What a kind of thing that files bring can do."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import ClassVar

from django.utils.functional import Promise

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
