"""Accounts of other systems: opened by a security administrator, without a password, with tokens."""

from django.db import transaction

from minewatch.office.platform import audit
from minewatch.office.platform.models import Agency, RoleGiven, User
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.roles import Role
from minewatch.office.platform.services import TAKES_TWO, By


@transaction.atomic
def open_machine(username: str, title: str, agency: str, roles: frozenset[Role], by: By) -> User:
    """Open an account for another system of an agency.

    Raises Refused where the name is taken, the agency unknown, or a role takes two people.
    """
    if TAKES_TWO & roles:
        raise Refused("machine_approves")
    if User.objects.filter(username=username).exists():
        raise Refused("account_exists", username=username)
    found = Agency.objects.filter(code=agency).select_related("region").first()
    if found is None:
        raise Refused("agency_unknown", code=agency)
    user = User(username=username, last_name=title, agency=found, region=found.region, is_machine=True)
    user.set_unusable_password()
    user.save()
    details = {"agency": found.code, "roles": sorted(roles)}
    audit.record(by.act("machine_opened", ("user", username)), details)
    for role in sorted(roles):
        RoleGiven.objects.create(user=user, role=role, given_by=by.user, given_at=by.at)
    return user
