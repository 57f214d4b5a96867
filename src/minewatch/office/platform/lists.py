"""Rows of the administrators' lists: accounts, roles asked for, agencies, regions, the audit chain.

They belong to no region's scope: the permission of each list decides who sees it, and none holds a case.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from minewatch.office.platform.acts import act_text, subject_text
from minewatch.office.platform.models import Agency, AuditEntry, Region, RoleAsked, User
from minewatch.office.platform.roles import Administrator, Role

Said = Mapping[str, Any]
"""Filters as a form gives them; empty ones are left out."""

_WITHOUT_CASES = frozenset(["user", "agency", "region", "audit", "page"])
"""Kinds of subjects whose details the audit administrator reads: those that tell nothing of a case."""


@dataclass(frozen=True)
class AccountRow:
    """An account in a list."""

    username: str
    full_name: str
    agency: str
    region: str
    roles: str
    is_active: bool
    last_login: datetime | None
    password_changed_at: datetime | None


@dataclass(frozen=True)
class AuditRow:
    """An entry of the audit chain in a list; details only where they tell nothing of a case."""

    seq: int | None
    at: datetime
    actor: str
    agency: str
    action: str
    subject: str
    details: str


def accounts(said: Said) -> "QuerySet[User]":
    """Return accounts by ``text`` (of names), ``agency`` (code), ``role`` and ``active`` (yes or no)."""
    rows = User.objects.select_related("agency", "region").prefetch_related("roles")
    if text := said.get("text"):
        rows = rows.filter(Q(username__icontains=text) | Q(last_name__icontains=text))
    if agency := said.get("agency"):
        rows = rows.filter(agency__code=agency)
    if role := said.get("role"):
        held = Q(administers=role) if role in Administrator.values else Q(roles__role=role, administers="")
        rows = rows.filter(held)
    if active := said.get("active"):
        rows = rows.filter(is_active=active == "yes")
    return rows


def account_row(user: User) -> AccountRow:
    """Return what a list shows of an account."""
    names = [Role(given.role).label for given in user.roles.all()]
    return AccountRow(
        user.username,
        user.last_name,
        user.agency.name_zh if user.agency else "",
        user.region.name_zh if user.region else "",
        str(Administrator(user.administers).label) if user.administers else ", ".join(map(str, names)),
        user.is_active,
        user.last_login,
        user.password_changed_at,
    )


def roles_asked(said: Said) -> "QuerySet[RoleAsked]":
    """Return roles that one administrator asked for; with ``open`` only those not decided."""
    rows = RoleAsked.objects.select_related("user", "asked_by", "decided_by")
    return rows.filter(decided_at=None) if said.get("open") else rows


def agencies(said: Said) -> "QuerySet[Agency]":
    """Return agencies by ``text``, ``kind`` and ``region`` (the code of one above or their own)."""
    rows = Agency.objects.select_related("region")
    if text := said.get("text"):
        rows = rows.filter(Q(code__icontains=text) | Q(name_zh__icontains=text) | Q(name_en__icontains=text))
    if kind := said.get("kind"):
        rows = rows.filter(kind=kind)
    if code := said.get("region"):
        above = Region.objects.filter(code=code).first()
        rows = rows.filter(region__path__startswith=above.path) if above else rows.none()
    return rows


def regions(said: Said) -> "QuerySet[Region]":
    """Return regions by ``text`` (code or name), ``level``, and ``ended`` (those that are no longer)."""
    rows = Region.objects.select_related("successor")
    if text := said.get("text"):
        rows = rows.filter(Q(code__startswith=text) | Q(name_zh__contains=text) | Q(name_en__icontains=text))
    if level := said.get("level"):
        rows = rows.filter(level=level)
    return rows.exclude(valid_to=None) if said.get("ended") else rows.filter(valid_to=None)


def audit_entries(said: Said) -> "QuerySet[AuditEntry]":
    """Return entries by ``actor``, ``agency``, ``action``, ``subject``, and days ``since`` and ``until``."""
    rows = AuditEntry.objects.all()
    for name in ("actor", "agency", "action", "request_id"):
        if said.get(name):
            rows = rows.filter(**{name: said[name]})
    if subject := said.get("subject"):
        kind, _, number = subject.partition(" ")
        rows = rows.filter(subject_kind=kind, **({"subject_id": number.strip()} if number else {}))
    if since := said.get("since"):
        rows = rows.filter(at__gte=_midnight(since))
    if until := said.get("until"):
        rows = rows.filter(at__lt=_midnight(until + timedelta(days=1)))
    return rows


def _midnight(day: date) -> datetime:
    return timezone.make_aware(datetime.combine(day, time()))


def audit_rows(entries: Sequence[AuditEntry]) -> list[AuditRow]:
    """Return what a list shows of entries."""
    return [
        AuditRow(
            entry.seq,
            entry.at,
            entry.actor,
            entry.agency,
            act_text(entry.action),
            subject_text(entry.subject_kind, entry.subject_id),
            _plain(entry.details) if entry.subject_kind in _WITHOUT_CASES else "",
        )
        for entry in entries
    ]


def _plain(details: Mapping[str, Any]) -> str:
    return "; ".join(f"{name}: {value}" for name, value in details.items())
