"""Changes to regions, agencies and accounts. Each opens its transaction and writes its audit entry in it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.contrib.auth.password_validation import validate_password
from django.db import transaction

from minewatch.office.platform import audit
from minewatch.office.platform.models import Agency, PasswordUsed, Region, RoleGiven, Unmasking, User
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.roles import Administrator, Role
from minewatch.office.platform.selectors import forget_regions


class By(NamedTuple):
    """Who acts and when."""

    user: User | None
    at: datetime

    def act(self, action: str, subject: tuple[str, object]) -> audit.Act:
        """Return the act for the audit chain; without a user it is the office's own."""
        agency = self.user.agency.code if self.user and self.user.agency else ""
        actor = self.user.get_username() if self.user else "office"
        return audit.Act(actor, agency, action, (subject[0], str(subject[1])), self.at)


class RegionGiven(NamedTuple):
    """A region as it comes from a table: ``parent`` is a code, empty for the nation.

    ``ended`` is the year in which the code ended, ``successor`` the code that took its place.
    """

    code: str
    level: str
    name_zh: str
    name_en: str = ""
    parent: str = ""
    ended: int | None = None
    successor: str = ""


@transaction.atomic
def add_regions(regions: Iterable[RegionGiven], by: By) -> int:
    """Add the regions that are not there yet, parents first; return how many were added.

    Raises Refused where a parent is unknown.
    """
    known = {region.code: region for region in Region.objects.select_for_update()}
    added = []
    for given in regions:
        if given.code not in known:
            known[given.code] = _below(known, given)
            added.append(known[given.code])
    Region.objects.bulk_create(added, batch_size=500)
    forget_regions()
    if added:
        parents = [row for row in known.values() if row.numchild]
        Region.objects.bulk_update(parents, ["numchild"], batch_size=500)
        details = {"number": len(added), "codes": [row.code for row in added[:100]]}
        audit.record(by.act("regions_added", ("region", "")), details)
    return len(added)


def _below(known: Mapping[str, Region], given: RegionGiven) -> Region:
    """Return a new row behind the last child of its parent: none is ever deleted, so the number is free."""
    if given.parent and given.parent not in known:
        raise Refused("region_without_parent", code=given.code, parent=given.parent)
    parent = known.get(given.parent)
    if parent is None:
        depth, number = 1, 1 + sum(row.depth == 1 for row in known.values())
    else:
        parent.numchild += 1
        depth, number = parent.depth + 1, parent.numchild
    path = Region._get_path(parent.path if parent else None, depth, number)
    names = {"code": given.code, "level": given.level, "name_zh": given.name_zh, "name_en": given.name_en}
    return Region(path=path, depth=depth, numchild=0, **names)


@transaction.atomic
def add_park(county: str, names: tuple[str, str], by: By) -> Region:
    """Add a park (Chinese and English name) below a county, with the next free code of the county's parks."""
    above = Region.objects.select_for_update().filter(code=county, level=Region.Level.COUNTY).first()
    if above is None:
        raise Refused("county_unknown", code=county)
    code = f"{county}-{1 + above.numchild:02d}"
    add_regions([RegionGiven(code, Region.Level.PARK, *names, parent=county)], by)
    return Region.objects.get(code=code)


class AgencyGiven(NamedTuple):
    """An agency as it comes from a form; ``region`` is a code."""

    code: str
    kind: str
    name_zh: str
    region: str
    name_en: str = ""


@transaction.atomic
def add_agency(given: AgencyGiven, by: By) -> Agency:
    """Add an agency. Raises Refused where its code is taken or its region unknown."""
    region = Region.objects.filter(code=given.region).first()
    if region is None:
        raise Refused("region_unknown", code=given.region)
    if Agency.objects.filter(code=given.code).exists():
        raise Refused("agency_exists", code=given.code)
    values = {"code": given.code, "kind": given.kind, "name_zh": given.name_zh, "name_en": given.name_en}
    agency = Agency.objects.create(region=region, **values)
    audit.record(by.act("agency_added", ("agency", agency.code)), values | {"region": region.code})
    return agency


@transaction.atomic
def change_agency(agency: Agency, values: Mapping[str, Any], by: By) -> None:
    """Change names of an agency, or whether it works (``active``).

    Raises Refused where it is to end while accounts stand in it.
    """
    before = {name: getattr(agency, name) for name in values}
    if before == dict(values):
        return
    if not values.get("active", True) and agency.users.filter(is_active=True).exists():
        raise Refused("agency_has_accounts", code=agency.code)
    Agency.objects.filter(pk=agency.pk).update(**values)
    audit.record(by.act("agency_changed", ("agency", agency.code)), {"before": before, "after": dict(values)})


class AccountGiven(NamedTuple):
    """An account to open: roles in cases, or one of the three administrators, never both."""

    username: str
    password: str
    agency: str
    roles: tuple[Role, ...] = ()
    administers: Administrator | None = None
    full_name: str = ""
    is_temporary: bool = False  # the password is changed at the first login


TAKES_TWO = frozenset([Role.SUPERVISOR])
"""Roles that approve what hurts: two security administrators give one (``accounts.ask_role``)."""


@transaction.atomic
def open_account(given: AccountGiven, by: By) -> User:
    """Open an account in an agency; its region is the agency's.

    Raises Refused where the name is taken, the agency unknown, roles and administration are combined, or an
    account gives what takes two people or administers, and Django's ValidationError where the password is
    weak.
    """
    if given.roles and given.administers:
        raise Refused("administrator_with_roles", username=given.username)
    if by.user is not None and (given.administers or TAKES_TWO & set(given.roles)):
        raise Refused("takes_two")
    if User.objects.filter(username=given.username).exists():
        raise Refused("account_exists", username=given.username)
    agency = Agency.objects.filter(code=given.agency).select_related("region").first()
    if agency is None:
        raise Refused("agency_unknown", code=given.agency)
    user = User(
        username=given.username,
        agency=agency,
        region=agency.region,
        administers=given.administers or "",
        last_name=given.full_name,
        password_changed_at=by.at,
        password_is_temporary=given.is_temporary,
    )
    validate_password(given.password, user)
    user.set_password(given.password)
    user.save()
    PasswordUsed.objects.create(user=user, hash=user.password, at=by.at)
    details = {"agency": agency.code, "administers": user.administers, "roles": sorted(given.roles)}
    audit.record(by.act("account_opened", ("user", user.username)), details)
    for role in given.roles:
        RoleGiven.objects.create(user=user, role=role, given_by=by.user, given_at=by.at)
    return user


@transaction.atomic
def set_roles(user: User, roles: Iterable[Role], by: By) -> None:
    """Give an account exactly ``roles``. Nobody changes the own; an administrator has none."""
    wanted = {Role(role) for role in roles}
    if user.administers and wanted:
        raise Refused("administrator_with_roles", username=user.username)
    if by.user is not None and by.user.pk == user.pk:
        raise Refused("own_roles", username=user.username)
    held = {Role(given.role) for given in RoleGiven.objects.select_for_update().filter(user=user)}
    if by.user is not None and (wanted - held) & TAKES_TWO:
        raise Refused("takes_two")
    RoleGiven.objects.filter(user=user, role__in=held - wanted).delete()
    for role in sorted(wanted - held):
        RoleGiven.objects.create(user=user, role=role, given_by=by.user, given_at=by.at)
    if held != wanted:
        details = {"before": sorted(held), "after": sorted(wanted)}
        audit.record(by.act("roles_set", ("user", user.username)), details)


@transaction.atomic
def unmask(subject: tuple[str, object], field: str, purpose: str, span: tuple[By, datetime]) -> None:
    """Let the acting account see a protected field until a time. Raises Refused without a purpose."""
    by, until = span
    if by.user is None or len(purpose.strip()) < 4:
        raise Refused("purpose_missing", field=field)
    kind, number = subject[0], str(subject[1])
    values = {"subject_kind": kind, "subject_id": number, "field": field, "purpose": purpose.strip()}
    Unmasking.objects.create(user=by.user, at=by.at, until=until, **values)
    audit.record(by.act("unmasked", (kind, number)), {"field": field, "purpose": purpose, "until": until})
