"""The page of a thing that is no site: its fields by title, masked, and the sites it belongs to."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.apps import apps
from django.utils import timezone

from minewatch.office.register.checks import stated_fields
from minewatch.office.register.models import Registered, Site
from minewatch.office.register.protection import Eyes
from minewatch.office.register.titles import FIELDS, KINDS, tariff_text

_MOST_SITES = 100


@dataclass(frozen=True)
class SiteOfThing:
    """A site that a thing belongs to."""

    code: str
    name: str
    state: str
    power_kw: float | None


@dataclass(frozen=True)
class ThingPage:
    """An enterprise, premises, usage point, plant or line; ``fields`` are (title, value) of what is known."""

    kind: str
    id: int
    kind_title: str
    title: str
    region: str
    fields: tuple[tuple[str, str], ...]
    sites: tuple[SiteOfThing, ...]


def thing_page(kind: str, number: int, eyes: Eyes) -> ThingPage | None:
    """Return a thing for its page, or None where there is none in scope."""
    model: type[Registered] = apps.get_model("register", kind)
    fields_of = stated_fields(model)
    related = [field.name for field in fields_of.values() if field.is_relation]
    thing = model.objects.filter(pk=number).select_related(*related).first()
    if thing is None:
        return None
    known = [(name, _value(thing, name, eyes)) for name in fields_of]
    fields = tuple((str(FIELDS[name]), value) for name, value in known if value)
    title = next(value for name, value in known if value and name != "region_id")
    sites = tuple(_sites_of(kind, number))
    return ThingPage(kind, thing.pk, str(KINDS[kind]), title, str(thing.region), fields, sites)


def _value(thing: Registered, name: str, eyes: Eyes) -> str:
    if stated_fields(type(thing))[name].is_relation:
        other = getattr(thing, name.removesuffix("_id"))
        kind = str(other._meta.model_name) if other is not None else ""
        return "" if other is None else eyes.show((kind, other.pk), "address", str(other))
    title: Any = getattr(thing, f"get_{name}_display", None)
    value = title() if title else getattr(thing, name)
    if name == "tariff_class":
        value = tariff_text(value)
    return eyes.show((str(thing._meta.model_name), thing.pk), name, _text(value))


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return timezone.localtime(value).strftime("%Y-%m-%d %H:%M")
    return value.isoformat() if isinstance(value, date) else "" if value is None else str(value)


def _sites_of(kind: str, number: int) -> list[SiteOfThing]:
    sites = Site.objects.filter(merged_into=None)
    first, *others = (sites.filter(**{way: number}).values_list(*_SHOWN) for way in _WAYS[kind])
    rows = first.union(*others).order_by("code")[:_MOST_SITES]
    return [SiteOfThing(code, name, str(Site.State(state).label), power) for code, name, state, power in rows]


_SHOWN = ("code", "name", "state", "power_kw")
_WAYS = {
    "enterprise": ("parties__enterprise", "links__usage_point__enterprise"),
    "premises": ("premises",),
    "usagepoint": ("links__usage_point",),
    "plant": ("links__plant",),
    "line": ("links__line",),
}
"""From a site to a thing; each way goes by an index, where one condition for all of them reads every site."""
