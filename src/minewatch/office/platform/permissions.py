"""Django's authorization by role."""

from typing import Any

from minewatch.office.platform.models import User


class RoleBackend:
    """Answers ``has_perm`` from the roles that an account holds; nobody is a superuser."""

    def authenticate(self, *_: Any, **__: Any) -> None:
        """Let the other backends authenticate."""

    def has_perm(self, user: Any, permission: str, _row: Any = None) -> bool:
        """Tell whether one of the account's roles holds ``permission``."""
        if not isinstance(user, User) or not user.is_active:
            return False
        return permission in user.permissions_held
