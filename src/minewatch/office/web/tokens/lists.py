"""Lists of tokens."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from django import forms
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from minewatch.office.platform import programs
from minewatch.office.platform.scope import active
from minewatch.office.web.listing import Column, FilterForm, Kind, Listing, Sight

COLOURS: Mapping[str, str] = {
    "valid": "green",
    "waiting": "yellow",
    "expired": "secondary",
    "revoked": "red",
    "dead": "red",
}


class TokenFilters(FilterForm):
    """Filters of tokens."""

    text = forms.CharField(label=_("Name, prefix or account"), max_length=80)
    open = forms.BooleanField(label=_("Not revoked"))


class TokenListing(Listing):
    """The tokens of the own account, and those that it keeps for machines."""

    name, title, permission = "tokens", _("My tokens"), "platform.use_tokens"
    filters, order = TokenFilters, "-made_at"
    adding = ("token_new", _("New token"), "platform.use_tokens")
    note = _("A token lets a program act for you, never beyond what you may do yourself at that moment.")
    columns: ClassVar[Sequence[Column]] = (
        Column(
            "name", _("What it is for"), sort="name", link=lambda row: reverse("token", args=[row.prefix])
        ),
        Column("prefix", _("Prefix"), sort="prefix"),
        Column("owner", _("Account"), sort="user__username"),
        Column("state_text", _("State"), colour=lambda row: COLOURS[row.state]),
        Column("region", _("Region"), sort="region__path"),
        Column("permissions", _("Permissions"), Kind.NUMBER, value=lambda row: len(row.permissions)),
        Column("expires_at", _("Expires"), Kind.DAY, sort="expires_at"),
        Column("used_at", _("Last used"), Kind.TIME, sort="used_at", nullable=True),
        Column("made_at", _("Created"), Kind.DAY, sort="made_at"),
    )

    def select(self, said: Mapping[str, Any]) -> Any:
        """Return the tokens of the account."""
        return programs.tokens({**said, "of": active().actor_id})

    def present(self, rows: Sequence[Any], sight: Sight) -> Sequence[Any]:
        """Return tokens without their hashes."""
        return [programs.token_row(row, sight.by.at) for row in rows]


class AllTokenListing(TokenListing):
    """All tokens, for the security administrator."""

    name, title, permission = "all_tokens", _("Tokens"), "platform.manage_users"
    adding = ("machine_new", _("New machine account"), "platform.manage_users")
    note = _("Keys are shown to their keepers alone; tokens are prepared for accounts of machines.")
    columns = (
        Column(
            "name", _("What it is for"), sort="name", link=lambda row: reverse("any_token", args=[row.prefix])
        ),
        *TokenListing.columns[1:3],
        Column("keeper", _("Keeper"), sort="keeper__username"),
        *TokenListing.columns[3:],
    )

    def select(self, said: Mapping[str, Any]) -> Any:
        """Return all tokens."""
        return programs.tokens(said)
