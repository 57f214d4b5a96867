"""Looking after accounts: passwords, suspension, agency, second factor, and roles that take two people."""

from allauth.mfa.models import Authenticator
from allauth.usersessions.models import UserSession
from axes.utils import reset as forget_failures
from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from minewatch.office.platform import audit, tokens
from minewatch.office.platform.models import Agency, PasswordUsed, Region, RoleAsked, RoleGiven, User
from minewatch.office.platform.passwords import make_password
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.roles import Role
from minewatch.office.platform.services import By

_SHORTEST_REASON = 4


@transaction.atomic
def change_password(user: User, password: str, by: By) -> None:
    """Give an account the password that its owner chose. Raises Django's ValidationError where it is weak."""
    validate_password(password, user)
    _set_password(user, password, by, temporary=False)
    audit.record(by.act("password_changed", ("user", user.username)))


@transaction.atomic
def reset_password(user: User, by: By) -> str:
    """Return a new password for an account, to be changed at the first login; its sessions end."""
    _not_oneself(user, by)
    if user.is_machine:
        raise Refused("machine_account", username=user.username)
    password = make_password()
    _set_password(user, password, by, temporary=True)
    _end_sessions(user)
    audit.record(by.act("password_reset", ("user", user.username)))
    return password


def _set_password(user: User, password: str, by: By, *, temporary: bool) -> None:
    user.set_password(password)
    user.password_changed_at, user.password_is_temporary = by.at, temporary
    user.save()
    PasswordUsed.objects.create(user=user, hash=user.password, at=by.at)


@transaction.atomic
def suspend(user: User, reason: str, by: By) -> None:
    """Close an account until it is restored; its sessions and tokens end. No account is deleted."""
    _not_oneself(user, by)
    _with_reason(reason)
    User.objects.filter(pk=user.pk).update(is_active=False)
    _end_sessions(user)
    tokens.revoke_all(user, by)
    audit.record(by.act("account_suspended", ("user", user.username)), {"reason": reason.strip()})


@transaction.atomic
def restore(user: User, by: By) -> None:
    """Open a suspended account again."""
    _not_oneself(user, by)
    User.objects.filter(pk=user.pk).update(is_active=True)
    audit.record(by.act("account_restored", ("user", user.username)))


@transaction.atomic
def unlock(user: User, by: By) -> None:
    """Open an account at once that wrong passwords have locked."""
    _not_oneself(user, by)
    forget_failures(username=user.username)
    audit.record(by.act("account_unlocked", ("user", user.username)))


@transaction.atomic
def remove_second_factor(user: User, by: By) -> None:
    """Take away an account's second factors (a lost telephone): it sets up new ones; its sessions end."""
    _not_oneself(user, by)
    Authenticator.objects.filter(user=user).delete()
    _end_sessions(user)
    audit.record(by.act("second_factor_removed", ("user", user.username)))


@transaction.atomic
def place(user: User, agency: Agency, region: Region, by: By) -> None:
    """Move an account to an agency, and to a region that is the agency's or lies inside of it.

    Raises Refused where the region is outside of the agency's.
    """
    _not_oneself(user, by)
    if not region.path.startswith(agency.region.path):
        raise Refused("region_outside", region=region.name_zh, agency=agency.name_zh)
    before = {"agency": user.agency and user.agency.code, "region": user.region and user.region.code}
    User.objects.filter(pk=user.pk).update(agency=agency, region=region)
    _end_sessions(user)
    after = {"agency": agency.code, "region": region.code}
    audit.record(by.act("account_placed", ("user", user.username)), {"before": before, "after": after})


@transaction.atomic
def ask_role(user: User, role: Role, reason: str, by: By) -> RoleAsked:
    """Ask for a role that takes two administrators. Raises Refused without a reason, or where it is held."""
    _not_oneself(user, by)
    _with_reason(reason)
    if by.user is None:
        raise Refused("second_person")
    if user.administers:
        raise Refused("administrator_with_roles", username=user.username)
    if user.is_machine:
        raise Refused("machine_approves")
    asked = RoleAsked.objects.filter(user=user, role=role, decided_at=None).exists()
    if asked or RoleGiven.objects.filter(user=user, role=role).exists():
        raise Refused("role_there", username=user.username, role=role.label)
    row = RoleAsked.objects.create(
        user=user, role=role, reason=reason.strip(), asked_by=by.user, asked_at=by.at
    )
    audit.record(by.act("role_asked", ("user", user.username)), {"role": role, "reason": row.reason})
    return row


@transaction.atomic
def decide_role(asked: RoleAsked, given: bool, by: By) -> None:
    """Give or refuse a role that another administrator asked for.

    Raises Refused where the one who decides asked, is the account itself, or it is decided already.
    """
    row = RoleAsked.objects.select_for_update().get(pk=asked.pk)
    _not_oneself(row.user, by)
    if by.user is None or row.asked_by_id == by.user.pk:
        raise Refused("second_person")
    if row.decided_at is not None:
        raise Refused("decided_already")
    row.decided_by, row.decided_at, row.given = by.user, by.at, given
    row.save()
    if given:
        RoleGiven.objects.create(user=row.user, role=row.role, given_by=by.user, given_at=by.at)
    details = {"role": row.role, "given": given, "asked_by": row.asked_by.username, "reason": row.reason}
    audit.record(by.act("role_decided", ("user", row.user.username)), details)


@transaction.atomic
def note_login(action: str, username: str, address: str, by: By) -> None:
    """Note a login, its failure or its end, with the address it came from."""
    audit.record(by.act(action, ("user", username)), {"address": address})


def _not_oneself(user: User, by: By) -> None:
    if by.user is not None and by.user.pk == user.pk:
        raise Refused("own_account")


def _with_reason(reason: str) -> None:
    if len(reason.strip()) < _SHORTEST_REASON:
        raise Refused("reason_missing")


def _end_sessions(user: User) -> None:
    for session in UserSession.objects.filter(user=user):
        session.end()
