"""Which fields are protected, and what a person is shown of them: masked, unless unmasked for a purpose."""

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

from minewatch.office.platform.masking import MASKS
from minewatch.office.platform.models import Unmasking
from minewatch.office.platform.services import By
from minewatch.office.register.models import Registered

PROTECTED: dict[str, dict[str, str]] = {
    "enterprise": {"legal_representative": "name", "phone": "number"},
    "premises": {"address": "address"},
    "usagepoint": {"number": "number", "customer_name": "name"},
    "line": {"prefix": "ip", "holder_name": "name"},
    "sighting": {"address": "ip"},
}
"""By kind of thing: protected fields and the class by which each is masked."""

EVERY_FIELD = "*"
"""Field of an unmasking that opens all fields of its subject."""

Subject = tuple[str, object]


@dataclass(frozen=True)
class Eyes:
    """Who looks, and when. Nobody (None) sees protected fields masked.

    ``in_the_clear`` is for an export whose account may show them, and whose purpose was noted.
    """

    user_id: int | None
    now: datetime
    in_the_clear: bool = False

    @cached_property
    def opened(self) -> frozenset[tuple[str, str, str]]:
        """Return what is unmasked for the account now, as (kind, id, field)."""
        if self.user_id is None:
            return frozenset()
        rows = Unmasking.objects.filter(user_id=self.user_id, until__gt=self.now)
        return frozenset(rows.values_list("subject_kind", "subject_id", "field"))

    def sees(self, subject: Subject, field: str) -> bool:
        """Tell whether a protected field of a subject is unmasked."""
        if self.in_the_clear:
            return True
        kind, number = subject[0], str(subject[1])
        return (kind, number, field) in self.opened or (kind, number, EVERY_FIELD) in self.opened

    def show(self, subject: Subject, field: str, value: str, page: Subject | None = None) -> str:
        """Return a field as it is shown; unmasking the ``page`` it stands on opens it too."""
        field_class = PROTECTED.get(subject[0], {}).get(field)
        if not field_class or not value or self.sees(subject, field):
            return value
        if page is not None and self.sees(page, EVERY_FIELD):
            return value
        address, slash, length = value.partition("/") if field_class == "ip" else (value, "", "")
        return MASKS[field_class](address) + slash + length

    def place(self, subject: Subject, degrees: float | None, page: Subject | None = None) -> float | None:
        """Return a coordinate of premises: to a kilometre where their address is masked."""
        is_open = self.sees(subject, "address") or (page is not None and self.sees(page, EVERY_FIELD))
        return degrees if degrees is None or is_open else round(degrees, 2)

    def named(self, thing: Registered) -> str:
        """Return what a thing is called, as it is shown."""
        kind = str(thing._meta.model_name)
        return self.show((kind, thing.pk), _CALLED_BY.get(kind, ""), str(thing))


_CALLED_BY = {"premises": "address", "usagepoint": "number", "line": "prefix"}


def eyes_of(by: By) -> Eyes:
    """Return the eyes of who acts."""
    return Eyes(by.user.pk if by.user else None, by.at)
