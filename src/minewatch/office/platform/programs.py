"""Rows of the lists of tokens and webhooks. Whose they are is said by the caller; none holds a case."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils.translation import gettext as _

from minewatch.office.platform.models import Hook, HookAttempt, HookDelivery, Token

Said = Mapping[str, Any]


@dataclass(frozen=True)
class TokenRow:
    """A token; ``state``: valid, waiting (to be drawn), expired, revoked, dead (its owner is suspended)."""

    prefix: str
    name: str
    owner: str
    owner_agency: str
    keeper: str
    region: str
    permissions: tuple[str, ...]
    state: str
    state_text: str
    made_by: str
    made_at: datetime
    expires_at: datetime
    used_at: datetime | None
    used_from: str

    @property
    def is_open(self) -> bool:
        """Tell whether it can still be used, or drawn."""
        return self.state in ("valid", "waiting")


@dataclass(frozen=True)
class HookRow:
    """A subscription and how its deliveries stand."""

    id: int
    name: str
    agency: str
    region: str
    url: str
    kinds: tuple[str, ...]
    active: bool
    failures: int
    rests_until: datetime | None
    former_until: datetime | None
    made_by: str
    made_at: datetime
    waiting: int
    done: int
    dead: int


@dataclass(frozen=True)
class DeliveryRow:
    """An event on its way, and what came of the last try."""

    id: int
    message_id: str
    kind: str
    state: str
    state_text: str
    tries: int
    made_at: datetime
    next_at: datetime | None
    ended_at: datetime | None
    last: str


def tokens(said: Said) -> "QuerySet[Token]":
    """Return tokens ``of`` an account (owned or kept), by ``text`` (name, prefix, owner) and ``open``."""
    rows = Token.objects.select_related("user__agency", "keeper", "made_by", "region")
    if "of" in said:
        rows = rows.filter(Q(user=said["of"]) | Q(keeper=said["of"]))
    if text := said.get("text"):
        rows = rows.filter(
            Q(prefix__startswith=text) | Q(name__icontains=text) | Q(user__username__icontains=text)
        )
    return rows.filter(revoked_at=None) if said.get("open") else rows


def token_row(token: Token, now: datetime) -> TokenRow:
    """Return what a list shows of a token."""
    state = _state(token, now)
    return TokenRow(
        prefix=token.prefix,
        name=token.name,
        owner=token.user.username,
        owner_agency=token.user.agency.name_zh if token.user.agency else "",
        keeper=token.keeper.username,
        region=token.region.name_zh,
        permissions=tuple(token.permissions),
        state=state,
        state_text=_words()[state],
        made_by=token.made_by.username,
        made_at=token.made_at,
        expires_at=token.expires_at,
        used_at=token.used_at,
        used_from=token.used_from,
    )


def _state(token: Token, now: datetime) -> str:
    if token.revoked_at is not None:
        return "revoked"
    if token.expires_at <= now:
        return "expired"
    if not token.user.is_active or token.user.administers:
        return "dead"
    return "valid" if token.hash else "waiting"


def _words() -> dict[str, str]:
    return {
        "valid": _("Valid"),
        "waiting": _("Not drawn yet"),
        "expired": _("Expired"),
        "revoked": _("Revoked"),
        "dead": _("Owner suspended"),
    }


def hooks(said: Said) -> "QuerySet[Hook]":
    """Return subscriptions, of ``agency`` (an id) where it is said, with their deliveries counted."""
    rows = Hook.objects.select_related("agency", "region", "made_by")
    return rows.filter(agency=said["agency"]) if "agency" in said else rows


def hook_rows(found: list[Hook]) -> list[HookRow]:
    """Return what a list shows of subscriptions; one query."""
    counted = HookDelivery.objects.filter(hook__in=[hook.pk for hook in found]).order_by()
    numbers = {
        (hook, state): number
        for hook, state, number in counted.values_list("hook", "state").annotate(number=Count("pk"))
    }
    return [_hook_row(hook, numbers) for hook in found]


def _hook_row(hook: Hook, numbers: Mapping[tuple[int, str], int]) -> HookRow:
    same = ("id", "name", "url", "active", "failures", "rests_until", "former_until", "made_at")
    return HookRow(
        **{name: getattr(hook, name) for name in same},
        agency=hook.agency.name_zh,
        region=hook.region.name_zh,
        kinds=tuple(hook.kinds),
        made_by=hook.made_by.username,
        waiting=numbers.get((hook.pk, "waiting"), 0),
        done=numbers.get((hook.pk, "done"), 0),
        dead=numbers.get((hook.pk, "dead"), 0),
    )


def deliveries(hook: int, state: str) -> "QuerySet[HookDelivery]":
    """Return the deliveries of a subscription, newest first, of one state where it is said."""
    rows = HookDelivery.objects.filter(hook=hook).order_by("-pk")
    return rows.filter(state=state) if state else rows


def delivery_rows(found: "list[HookDelivery]") -> list[DeliveryRow]:
    """Return what a list shows of deliveries, with what came of the last try; one query."""
    attempts = HookAttempt.objects.filter(delivery__in=[row.pk for row in found]).order_by("pk")
    last = {attempt.delivery_id: attempt for attempt in attempts}
    return [_delivery_row(row, last.get(row.pk)) for row in found]


def _delivery_row(row: HookDelivery, last: HookAttempt | None) -> DeliveryRow:
    is_waiting = row.state == HookDelivery.State.WAITING
    came = "" if last is None else f"{last.status or last.error} ({last.took_ms} ms)"
    return DeliveryRow(
        id=row.pk,
        message_id=f"evt_{row.event_id}_{row.hook_id}",
        kind=row.kind,
        state=row.state,
        state_text=row.get_state_display(),
        tries=row.tries,
        made_at=row.made_at,
        next_at=row.next_at if is_waiting else None,
        ended_at=row.ended_at,
        last=came,
    )
