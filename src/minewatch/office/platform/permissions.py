"""Django's authorization by role."""

from typing import Any

from django.core.exceptions import PermissionDenied

from minewatch.office.platform.models import User


class RoleBackend:
    """Answers ``has_perm`` from the roles that an account holds; nobody is a superuser."""

    def authenticate(self, *_: Any, **__: Any) -> None:
        """Let the other backends authenticate."""

    def has_perm(self, user: Any, permission: str, _row: Any = None) -> bool:
        """Tell whether one of the account's roles holds ``permission``.

        Raises PermissionDenied where none does: Django then asks no other backend, which would look for
        permissions of its own in two queries.
        """
        if isinstance(user, User) and user.is_active and permission in user.permissions_held:
            return True
        raise PermissionDenied(permission)
