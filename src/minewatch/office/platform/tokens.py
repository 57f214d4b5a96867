"""Tokens: keys by which programs act for an account, never beyond what the account may do at that moment.

A key is random and shown once, to its keeper alone: a security administrator prepares the token of a
machine's account, but the person who keeps the machine draws the key, since no administrator reads cases.
"""

import hashlib
import hmac
import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import NamedTuple

from django.conf import settings
from django.db import transaction

from minewatch.office.platform import audit
from minewatch.office.platform.allowances import take
from minewatch.office.platform.models import Region, Token, User
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.scope import Scope
from minewatch.office.platform.services import By

_MARK = "mwt"
_SECRET_BYTES, _PREFIX_BYTES = 32, 5
_SHOWN_USED_S = 60
_USED_AUDITED = timedelta(hours=1)


class TokenGiven(NamedTuple):
    """A token to make: what it is for, permissions, region, and the days until it expires."""

    name: str
    permissions: frozenset[str]
    region: Region
    days: int


class Holder(NamedTuple):
    """Who comes with a token that holds, and what is left of its permissions and region at this moment."""

    token: Token
    permissions: frozenset[str]
    scope: Scope


class TokenRefused(Exception):  # noqa: N818 - a refusal is no error
    """A key was not taken; ``why``: unknown, wrong, not_drawn, revoked, expired, owner."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def longest_days() -> int:
    """Return the days that a token lasts at most."""
    return int(settings.TOKEN_DAYS)


@transaction.atomic
def make(given: TokenGiven, by: By) -> tuple[Token, str]:
    """Make a token for the own account; return it with its key. Raises Refused beyond what it may."""
    if by.user is None:
        raise Refused("account_unknown", username="")
    token = _make(by.user, by.user, given, by)
    return token, _draw(token, by)


@transaction.atomic
def prepare(user: User, keeper: User, given: TokenGiven, by: By) -> Token:
    """Prepare a token of a machine's account, whose key a keeper of the same agency draws.

    Raises Refused where the account is no machine's, or the keeper administers or is of another agency.
    """
    if not user.is_machine:
        raise Refused("token_not_machine", username=user.username)
    if keeper.administers or keeper.is_machine or keeper.agency_id != user.agency_id or not keeper.is_active:
        raise Refused("token_keeper", username=keeper.username)
    return _make(user, keeper, given, by)


@transaction.atomic
def draw(token: Token, by: By) -> str:
    """Return the key of a prepared token, once. Raises Refused for anybody but its keeper, and later."""
    row = Token.objects.select_for_update(of=("self",)).select_related("user", "keeper").get(pk=token.pk)
    if by.user is None or row.keeper_id != by.user.pk:
        raise Refused("token_keeper", username=by.user.username if by.user else "")
    if row.hash or row.revoked_at or row.expires_at <= by.at:
        raise Refused("token_drawn")
    return _draw(row, by)


@transaction.atomic
def revoke(token: Token, by: By) -> None:
    """End a token at once; a second time does nothing."""
    if Token.objects.filter(pk=token.pk, revoked_at=None).update(revoked_at=by.at):
        audit.record(by.act("token_revoked", ("token", token.prefix)), {"owner": token.user.username})


@transaction.atomic
def revoke_all(user: User, by: By) -> None:
    """End all tokens of an account, and those that it keeps."""
    for token in _open(user):
        revoke(token, by)


def _open(user: User) -> Iterable[Token]:
    owned = Token.objects.filter(revoked_at=None).select_related("user")
    return [*owned.filter(user=user), *owned.filter(keeper=user).exclude(user=user)]


def hold(key: str, address: str, now: datetime) -> Holder:
    """Return who comes with a key and what the token may do now. Raises TokenRefused, which is audited."""
    mark, _, rest = key.partition("_")
    prefix, _, secret = rest.partition("_")
    token = _find(prefix) if mark == _MARK else None
    why = _problem(token, secret, now)
    if why or token is None:
        _note_refusal(token, why, address, now)
        raise TokenRefused(why)
    _note_use(token, address, now)
    user = token.user
    permissions = frozenset(token.permissions) & user.permissions_held
    return Holder(token, permissions, Scope(_path(token), actor_id=user.pk, agency_id=user.agency_id))


@transaction.atomic
def note_write(token: Token, what: str, by: By) -> None:
    """Note that a token changes something; the entries of the act itself share the request's id."""
    audit.record(by.act("token_used", ("token", token.prefix)), {"what": what})


def note_missing(token: Token, permission: str, by: By) -> None:
    """Note that a token was used for what it may not do; once a minute for each."""
    _note_seldom(f"{token.prefix} {permission}", {"why": "permission", "permission": permission}, by, token)


def _make(user: User, keeper: User, given: TokenGiven, by: By) -> Token:
    if user.administers:
        raise Refused("token_of_administrator")
    if not 1 <= given.days <= longest_days():
        raise Refused("token_days", most=longest_days())
    beyond = given.permissions - user.permissions_held
    if beyond or not given.permissions:
        raise Refused("token_beyond", permissions=", ".join(sorted(beyond)))
    if user.region is None or not given.region.path.startswith(user.region.path):
        raise Refused("region_outside", region=given.region.name_zh, agency=str(user.agency or ""))
    token = Token.objects.create(
        user=user,
        keeper=keeper,
        name=given.name,
        prefix=secrets.token_hex(_PREFIX_BYTES),
        permissions=sorted(given.permissions),
        region=given.region,
        made_by=by.user or user,
        made_at=by.at,
        expires_at=by.at + timedelta(days=given.days),
    )
    details = {
        "owner": user.username,
        "keeper": keeper.username,
        "permissions": token.permissions,
        "region": given.region.code,
        "expires_at": token.expires_at,
    }
    audit.record(by.act("token_made", ("token", token.prefix)), details)
    return token


def _draw(token: Token, by: By) -> str:
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    token.hash = _hash(secret)
    token.save(update_fields=["hash"])
    audit.record(by.act("token_drawn", ("token", token.prefix)), {"owner": token.user.username})
    return f"{_MARK}_{token.prefix}_{secret}"


def _hash(secret: str) -> str:
    """Return the hash under which a key is kept: it has 256 random bits, so a fast hash hides it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _find(prefix: str) -> Token | None:
    related = ("user__agency", "user__region", "region")
    return Token.objects.select_related(*related).filter(prefix=prefix).first()


def _problem(token: Token | None, secret: str, now: datetime) -> str:
    if token is None:
        return "unknown"
    if not token.hash:
        return "not_drawn"
    if not hmac.compare_digest(_hash(secret), token.hash):
        return "wrong"
    if token.revoked_at is not None:
        return "revoked"
    if token.expires_at <= now:
        return "expired"
    owner = token.user
    return "" if owner.is_active and not owner.administers and owner.region is not None else "owner"


def _path(token: Token) -> str:
    """Return the part of the tree where both the token's region and the owner's present one are."""
    own = token.user.region.path if token.user.region else "-"
    if token.region.path.startswith(own):
        return token.region.path
    return own if own.startswith(token.region.path) else "-"


def _note_use(token: Token, address: str, now: datetime) -> None:
    """Keep when and from where a token was last used; in the audit chain once an hour and address."""
    before, known = token.used_at, token.used_from == address
    if known and before is not None and (now - before).total_seconds() < _SHOWN_USED_S:
        return
    with transaction.atomic():
        Token.objects.filter(pk=token.pk).update(used_at=now, used_from=address)
        if not known or before is None or before.replace(minute=0, second=0) + _USED_AUDITED <= now:
            by = By(token.user, now)
            audit.record(by.act("token_used", ("token", token.prefix)), {"address": address})


def _note_refusal(token: Token | None, why: str, address: str, now: datetime) -> None:
    who = token.prefix if token else address
    _note_seldom(f"{who} {why}", {"why": why, "address": address}, By(None, now), token)


def _note_seldom(key: str, details: dict[str, str], by: By, token: Token | None) -> None:
    """Note a refusal once a minute, so that nobody fills the chain by trying."""
    with transaction.atomic():
        if take(f"refused {key}"[:120], 1, by.at) == 0:
            audit.record(by.act("token_refused", ("token", token.prefix if token else "")), details)
