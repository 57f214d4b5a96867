"""Who may do what: roles as sets of permissions, and the three administrators that see no case.

A permission is ``<app>.<verb>_<thing>``. An app adds its own to a role with ``grant`` when Django loads it,
so that this module knows no later app. Source of the three administrators: GB/T 22239-2019 8.1.5.
"""

from collections.abc import Iterable

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _


class Role(TextChoices):
    """A role in the work on cases."""

    VIEWER = "viewer", _("Viewer")
    ANALYST = "analyst", _("Analyst")
    OFFICER = "officer", _("Case officer")
    SUPERVISOR = "supervisor", _("Supervisor")
    INSPECTOR = "inspector", _("Inspector")
    CLERK = "clerk", _("Clerk")


class Administrator(TextChoices):
    """One of the three administrators; such an account has no role in cases."""

    SYSTEM = "system", _("System administrator")
    SECURITY = "security", _("Security administrator")
    AUDIT = "audit", _("Audit administrator")


_GRANTED: dict[str, set[str]] = {
    Administrator.SYSTEM: {
        "platform.manage_agencies",
        "platform.manage_regions",
        "platform.see_work",
        "platform.see_hooks",
    },
    Administrator.SECURITY: {"platform.manage_users", "platform.see_users"},
    Administrator.AUDIT: {"platform.see_audit", "platform.export_audit"},
}


def grant(roles: Iterable[Role], permissions: Iterable[str]) -> None:
    """Let each of ``roles`` do ``permissions``. Administrators get nothing through here."""
    added = set(permissions)
    for role in roles:
        _GRANTED.setdefault(Role(role), set()).update(added)


def permissions_of(roles: Iterable[str]) -> frozenset[str]:
    """Return what an account with ``roles`` (values of ``Role`` or ``Administrator``) may do."""
    return frozenset().union(*(_GRANTED.get(role, set()) for role in roles))
