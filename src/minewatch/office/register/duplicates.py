"""Entries that may be one thing: what speaks for it is said with each pair, and a person decides."""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import combinations
from typing import Any

from django.apps import apps
from django.db.models import Count, F, QuerySet, Window
from django.db.models.functions import RowNumber
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from minewatch.office.register.canonical import bare
from minewatch.office.register.history import history
from minewatch.office.register.models import (
    Enterprise,
    Line,
    Link,
    Merge,
    Premises,
    Registered,
    Site,
    UsagePoint,
)
from minewatch.office.register.protection import Eyes

_MOST_IN_A_GROUP = 12
_ALIKE = 0.6

WHY: dict[str, str | Promise] = {
    "same_name": _("Same name, legal form aside"),
    "same_phone": _("Same telephone number, similar name"),
    "same_address": _("Same address"),
    "same_number": _("Same account number, zeros in front aside"),
    "same_line": _("Same addresses, ports and time"),
    "shared_account": _("Sites with the same electricity account"),
    "shared_line": _("Sites with the same network line"),
    "shared_premises": _("Sites at the same place"),
}
"""What speaks for two entries being one."""


@dataclass(frozen=True)
class Candidate:
    """Two entries that may be one, as they are shown, why, and how alike their names are (0 to 1)."""

    kind: str
    first_id: int
    second_id: int
    first: str
    second: str
    why: str
    alike: float


def alike(first: str, second: str) -> float:
    """Return how many pairs of neighbouring characters two names share (Dice), 0 to 1."""
    a, b = Counter(_pairs(bare(first))), Counter(_pairs(bare(second)))
    total = sum(a.values()) + sum(b.values())
    return 2 * sum((a & b).values()) / total if total else float(bare(first) == bare(second))


def candidates(kind: str, eyes: Eyes, most: int = 200) -> list[Candidate]:
    """Return pairs of entries of a kind that may be one, in the active scope, likeliest first."""
    found: dict[tuple[int, int], Candidate] = {}
    for why, pairs in _LOOKS[kind]:
        for first, second in pairs(most):
            score = alike(str(first), str(second))
            if why not in _NEEDS_LIKE_NAMES or score >= _ALIKE:
                pair = (first.pk, second.pk)
                names = eyes.named(first), eyes.named(second)
                found.setdefault(pair, Candidate(kind, *pair, *names, why, round(score, 3)))
    return sorted(found.values(), key=lambda one: (-one.alike, one.first_id, one.second_id))[:most]


@dataclass(frozen=True)
class MergeShown:
    """A merge that was made; the two entries are named as they are shown."""

    id: int
    kind: str
    kept: str
    merged: str
    reason: str
    by: str
    at: datetime
    undone_at: datetime | None


def merges(kind: str = "") -> "QuerySet[Merge]":
    """Return the merges (of a kind) in scope."""
    rows: QuerySet[Merge] = Merge.objects.select_related("by")
    return rows.filter(kind=kind) if kind else rows


def shown_merges(rows: Sequence[Merge], eyes: Eyes) -> list[MergeShown]:
    """Return merges as they are shown; a query for each kind among them."""
    names: dict[tuple[str, int], str] = {}
    for kind in {row.kind for row in rows}:
        ids = {pk for row in rows if row.kind == kind for pk in (row.kept_id, row.merged_id)}
        model: Any = apps.get_model("register", kind)
        names |= {(kind, pk): eyes.named(thing) for pk, thing in model._base_manager.in_bulk(ids).items()}
    return [
        MergeShown(
            row.pk,
            row.kind,
            names[row.kind, row.kept_id],
            names[row.kind, row.merged_id],
            row.reason,
            row.by.get_username() if row.by else "",
            row.at,
            row.undone_at,
        )
        for row in rows
    ]


@dataclass(frozen=True)
class Side:
    """A field of two entries side by side."""

    title: str
    first: str
    second: str

    @property
    def differs(self) -> bool:
        """Tell whether both say something, and not the same."""
        return bool(self.first and self.second and self.first != self.second)


def side_by_side(kind: str, first: int, second: int, eyes: Eyes) -> list[Side] | None:
    """Return the fields of two entries that are set in one of them; None where one is not in scope."""
    model: Any = apps.get_model("register", kind)
    found = model.objects.filter(merged_into=None).in_bulk([first, second])
    if len(found) != 2:
        return None
    told = {pk: {one.title: one.entries[0].value for one in history(kind, pk, eyes)} for pk in found}
    titles = dict.fromkeys([*told[first], *told[second]])
    return [Side(title, told[first].get(title, ""), told[second].get(title, "")) for title in titles]


_NEEDS_LIKE_NAMES = {"same_phone"}


def _pairs(text: str) -> Iterator[str]:
    return (text[at : at + 2] for at in range(len(text) - 1))


Look = Callable[[int], Iterator[tuple[Any, Any]]]


def _same(model: type[Registered], key: str, *others: str) -> Look:
    """Return a look for rows that have the same ``key``, which must be set, and the same in ``others``."""
    columns = (key, *others)

    def look(most: int) -> Iterator[tuple[Any, Any]]:
        unset = None if key.endswith("_id") else ""
        rows = model.objects.filter(merged_into=None).exclude(**{key: unset})
        counted = rows.values_list(*columns).annotate(number=Count("pk")).filter(number__gt=1)
        groups = [tuple(group[:-1]) for group in counted.order_by("-number", key)[:most]]
        place = Window(RowNumber(), partition_by=list(columns), order_by="pk")
        alike = rows.filter(**{f"{key}__in": {group[0] for group in groups}}).annotate(place=place)
        members: dict[tuple[Any, ...], list[Any]] = defaultdict(list)
        for row in alike.filter(place__lte=_MOST_IN_A_GROUP).order_by("pk"):
            members[tuple(getattr(row, column) for column in columns)].append(row)
        for group in groups:
            yield from combinations(members[group], 2)

    return look


def _sharing(end: str) -> Look:
    """Return a look for sites that have the same usage point or line linked now."""

    def look(most: int) -> Iterator[tuple[Any, Any]]:
        live = {"ended_at": None, "site__merged_into": None}
        pairs = (
            Link.objects.filter(**live, **{f"{end}__links__{name}": value for name, value in live.items()})
            .filter(**{f"{end}__links__site__gt": F("site")})
            .order_by("site", f"{end}__links__site")
            .values_list("site", f"{end}__links__site")
            .distinct()[:most]
        )
        sites = Site.objects.in_bulk({pk for pair in pairs for pk in pair})
        # the other site may lie outside of the scope
        yield from ((sites[a], sites[b]) for a, b in pairs if a in sites and b in sites)

    return look


_LOOKS: dict[str, list[tuple[str, Look]]] = {
    "enterprise": [("same_name", _same(Enterprise, "name_key")), ("same_phone", _same(Enterprise, "phone"))],
    "premises": [("same_address", _same(Premises, "address_key", "region_id"))],
    "usagepoint": [("same_number", _same(UsagePoint, "number_key"))],
    "line": [("same_line", _same(Line, "prefix", "port_low", "port_high", "valid_from"))],
    "site": [
        ("shared_account", _sharing("usage_point")),
        ("shared_line", _sharing("line")),
        ("shared_premises", _same(Site, "premises_id")),
    ],
}
KINDS = tuple(_LOOKS)
"""Kinds of things that can have duplicates."""
