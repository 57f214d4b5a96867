"""How the console writes quantities. Nothing is written for what is not known, or no key of a row ('')."""

from typing import TypeGuard

from django import template
from django.utils.translation import gettext as _

from minewatch.office.register.titles import tariff_text
from minewatch.office.web.listing.columns import per_cent

register = template.Library()

_PREFIXES = ("", "k", "M", "G", "T", "P", "E", "Z")
_STEP = 1000.0


def _known(value: object) -> TypeGuard[float]:
    """Tell whether there is a number: a template that finds none gives an empty text."""
    return value is not None and value != ""


@register.filter
def number(value: float | None, digits: int = 0) -> str:
    """Write a number with its thousands apart."""
    return f"{value:,.{digits}f}" if _known(value) else ""


@register.filter
def share(value: float | None, digits: int = 1) -> str:
    """Write a share of 1 in per cent."""
    return per_cent(value, digits) if _known(value) else ""


@register.filter
def hash_rate(value: float | None) -> str:
    """Write a hash rate in H/s with a prefix; its algorithm is to stand beside it."""
    if not _known(value):
        return ""
    step = 0
    while value >= _STEP and step < len(_PREFIXES) - 1:
        value, step = value / _STEP, step + 1
    return f"{value:,.3g} {_PREFIXES[step]}H/s"


@register.filter
def kilowatts(value: float | None) -> str:
    """Write a power in kW, small ones with a decimal."""
    if not _known(value):
        return ""
    return _("%(power)s kW") % {"power": f"{value:,.{0 if value >= 10 else 1}f}"}


@register.filter
def between(low: float | None, high: float | None) -> str:
    """Write the bounds of an estimate."""
    return f"{low:,.0f}–{high:,.0f}" if _known(low) and _known(high) else ""


@register.filter
def tariff(code: str) -> str:
    """Write a tariff class in words."""
    return tariff_text(code)


@register.filter
def result_name(name: str) -> str:
    """Write what a number in the result of long work counts."""
    words = {
        "error": _("Error"),
        "rows": _("Rows"),
        "taken": _("New"),
        "known": _("Known already"),
        "aside": _("Put aside"),
        "replaced": _("Earlier ones replaced"),
        "withdrawn": _("Earlier ones withdrawn"),
        "changed": _("Changed"),
    }
    return words.get(name, name)
