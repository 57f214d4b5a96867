"""Reading what everybody may read: results and draws, from nothing but what was published."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Exists, OuterRef, QuerySet
from django.utils.functional import Promise

from minewatch.office.verify.inspections.models import Draw, Inspection, Publication
from minewatch.office.verify.inspections.publishing import RESULTS


@dataclass(frozen=True)
class ResultShown:
    """A published result."""

    content: Mapping[str, Any]
    result: str | Promise
    origin: str
    at: datetime


@dataclass(frozen=True)
class PublicDraw:
    """A draw as the public sees it."""

    number: str
    title: str
    agency: str
    state: str
    state_text: str
    announced_at: datetime
    public_at: datetime
    randomness: str
    commitment: str
    seed: str
    value: str
    reason: str
    cases: int
    inspectors: int
    wanted: int
    drawn: Sequence[Mapping[str, Any]]


def public_results() -> "QuerySet[Publication]":
    """Return the newest publication of each inspection, for everybody to read: no table but its own."""
    later = Publication.objects.filter(inspection=OuterRef("inspection"), revision__gt=OuterRef("revision"))
    return Publication.objects.filter(~Exists(later)).order_by("-at", "-pk")


def present_result(row: Publication) -> ResultShown:
    """Return a published result as it is shown."""
    origin = str(Inspection.Origin(row.content["origin"]).label)
    return ResultShown(row.content, RESULTS[row.content["result"]], origin, row.at)


def public_draws() -> "QuerySet[Draw]":
    """Return all draws, for everybody to read."""
    return Draw.objects.select_related("agency").order_by("-announced_at", "-pk")


def public_draw(draw: Draw) -> PublicDraw:
    """Return what the public sees of a draw: what its file says."""
    outcome = draw.outcome or {}
    announced = draw.announced
    return PublicDraw(
        number=draw.number,
        title=draw.title,
        agency=announced["agency"],
        state=draw.state,
        state_text=draw.get_state_display(),
        announced_at=draw.announced_at,
        public_at=draw.public_at,
        randomness=announced["randomness"]["source"],
        commitment=draw.commitment,
        seed=outcome.get("seed", ""),
        value=outcome.get("randomness_value", ""),
        reason=draw.reason,
        cases=len(announced["objects"]),
        inspectors=len(announced["inspectors"]),
        wanted=announced["objects_wanted"],
        drawn=outcome.get("drawn", ()),
    )
