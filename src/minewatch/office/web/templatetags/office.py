"""How the console writes quantities. Nothing is written for what is not known, or no key of a row ('')."""

from django import template
from django.utils.translation import gettext as _

from minewatch.office.register.titles import tariff_text
from minewatch.office.web.listing.columns import per_cent

register = template.Library()

_PREFIXES = ("", "k", "M", "G", "T", "P", "E", "Z")
_STEP = 1000.0
_UNKNOWN = (None, "")


@register.filter
def number(value: float | None, digits: int = 0) -> str:
    """Write a number with its thousands apart."""
    return "" if value in _UNKNOWN else f"{value:,.{digits}f}"


@register.filter
def share(value: float | None, digits: int = 1) -> str:
    """Write a share of 1 in per cent."""
    return "" if value in _UNKNOWN else per_cent(value, digits)


@register.filter
def hash_rate(value: float | None) -> str:
    """Write a hash rate in H/s with a prefix; its algorithm is to stand beside it."""
    if value in _UNKNOWN:
        return ""
    step = 0
    while value >= _STEP and step < len(_PREFIXES) - 1:
        value, step = value / _STEP, step + 1
    return f"{value:,.3g} {_PREFIXES[step]}H/s"


@register.filter
def kilowatts(value: float | None) -> str:
    """Write a power in kW, small ones with a decimal."""
    return "" if value in _UNKNOWN else _("%(power)s kW") % {"power": f"{value:,.{0 if value >= 10 else 1}f}"}


@register.filter
def between(low: float | None, high: float | None) -> str:
    """Write the bounds of an estimate."""
    return "" if low in _UNKNOWN or high in _UNKNOWN else f"{low:,.0f}–{high:,.0f}"


@register.filter
def tariff(code: str) -> str:
    """Write a tariff class in words."""
    return tariff_text(code)
