"""Rules of passwords beyond Django's: kinds of characters, none of the last ones again, and their age.

GB/T 22239-2019 8.1.4.1 a wants complexity and regular change; the numbers are the field's usual ones.
"""

import secrets
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.contrib.auth.hashers import check_password
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _

from minewatch.office.platform.models import PasswordUsed, User

REMEMBERED = 5
"""Passwords of an account, the present one among them, that are not taken again."""

_KINDS_WANTED = 3
_SYLLABLES = [first + second for first in "bdfghklmnprstvz" for second in "aeiou"]


class KindsOfCharacters:
    """Wants three of: small letters, capitals, digits, other characters."""

    def validate(self, password: str, _user: Any = None) -> None:
        """Raise ValidationError where there are too few kinds."""
        kinds = [str.islower, str.isupper, str.isdigit, lambda c: not c.isalnum()]
        if sum(any(map(kind, password)) for kind in kinds) < _KINDS_WANTED:
            raise ValidationError(self.get_help_text(), code="password_kinds")

    def get_help_text(self) -> str:
        """Say what is wanted."""
        return _("Use at least three of: small letters, capitals, digits, other characters.")


class NotUsedBefore:
    """Refuses the last passwords of the account."""

    def validate(self, password: str, user: Any = None) -> None:
        """Raise ValidationError where the account had the password lately."""
        if user is None or user.pk is None:
            return
        used = (
            PasswordUsed.objects.filter(user=user).order_by("-id").values_list("hash", flat=True)[:REMEMBERED]
        )
        if any(check_password(password, known) for known in used):
            raise ValidationError(self.get_help_text(), code="password_used")

    def get_help_text(self) -> str:
        """Say what is refused."""
        return _("None of your last %(number)s passwords is taken again.") % {"number": REMEMBERED}


def must_be_changed(user: User, now: datetime) -> bool:
    """Tell whether an account has to take a new password before anything else.

    So it is after the security administrator gave one, and when it is too old; not where the account logs in
    elsewhere and has none here.
    """
    if user.password_is_temporary:
        return True
    days = settings.PASSWORD_DAYS
    if not days or user.password_changed_at is None or not user.has_usable_password():
        return False
    return now - user.password_changed_at >= timedelta(days=days)


def make_password() -> str:
    """Return a password that can be read out over the telephone: five words of four letters, two digits."""
    words = ["".join(secrets.choice(_SYLLABLES) for _ in range(2)) for _ in range(5)]
    return "-".join([*words, f"{secrets.randbelow(90) + 10}"])
