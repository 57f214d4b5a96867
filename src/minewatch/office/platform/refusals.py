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
        "county_unknown": _("There is no county %(code)s."),
        "agency_exists": _("There is an agency %(code)s already."),
        "agency_unknown": _("There is no agency %(code)s."),
        "account_exists": _("The name %(username)s is taken."),
        "account_unknown": _("There is no account %(username)s."),
        "administrator_with_roles": _("%(username)s: an administrator has no role in cases."),
        "own_roles": _("%(username)s: nobody changes the own roles."),
        "own_account": _("Nobody administers the own account."),
        "takes_two": _(
            "The operator of the office opens administrators; a supervisor takes two administrators."
        ),
        "second_person": _("Another administrator than the one who asked decides."),
        "decided_already": _("This is decided already."),
        "role_there": _("%(username)s has the role %(role)s, or it is asked for already."),
        "reason_missing": _("Give a reason."),
        "region_outside": _("%(region)s lies outside the region of %(agency)s."),
        "agency_has_accounts": _("Accounts still stand in %(code)s: move or suspend them first."),
        "job_lost": _("It did not come to its end; an operator has to look into it."),
        "token_beyond": _("A token can do something, and no more than its account: %(permissions)s"),
        "token_days": _("A token lasts from one day to %(most)s days."),
        "token_of_administrator": _("An administrator has no tokens."),
        "token_not_machine": _("%(username)s is a person, who makes the own tokens."),
        "token_keeper": _("%(username)s does not keep this token."),
        "token_drawn": _("The key of this token was shown already, or the token has ended."),
        "machine_account": _("%(username)s is the account of a machine: it has tokens and no password."),
        "machine_approves": _("A machine does not approve: no supervisor's account is a machine's."),
        "hook_url": _("%(url)s is no address that a webhook may go to: https is needed."),
        "hook_host_unknown": _("Nobody knows the host %(host)s."),
        "hook_host_inside": _("%(host)s lies in the office's own network and is none of its webhook hosts."),
        "hook_of_others": _("This subscription is %(agency)s's."),
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
