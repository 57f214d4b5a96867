"""Refusals of a service: what was asked is not done, and why, for a person."""

from collections.abc import Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

_TEXTS: dict[str, str | Promise] = {}


def describe(texts: Mapping[str, str | Promise]) -> None:
    """Say in words what the refusals of an app mean: by code, a template for ``values``."""
    _TEXTS.update(texts)


describe(
    {
        "region_without_parent": _("Region %(code)s stands below %(parent)s, which is not known."),
        "region_unknown": _("There is no region %(code)s."),
        "agency_exists": _("There is an agency %(code)s already."),
        "agency_unknown": _("There is no agency %(code)s."),
        "account_exists": _("The name %(username)s is taken."),
        "administrator_with_roles": _("%(username)s: an administrator has no role in cases."),
        "own_roles": _("%(username)s: nobody changes the own roles."),
        "purpose_missing": _("Say what %(field)s is needed for."),
    }
)


class Refused(Exception):  # noqa: N818 - a refusal is no error
    """What was asked was not done; ``code`` and ``values`` say why, ``str()`` in the language in force."""

    def __init__(self, code: str, /, **values: Any) -> None:
        super().__init__(code)
        self.code, self.values = code, values

    def __str__(self) -> str:
        return str(_TEXTS[self.code]) % self.values
