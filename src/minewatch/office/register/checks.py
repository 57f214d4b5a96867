"""What no source may say: codes whose check digit is wrong, shares above one, prefixes that are none."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, NamedTuple

from django.core.exceptions import ValidationError
from django.db.models import Field

from minewatch.office.register import canonical
from minewatch.office.register.models import Registered

_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_LETTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_OUTER = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_INNER = (3, 7, 9, 10, 5, 8, 4, 2)


class Problem(NamedTuple):
    """A value that cannot stand: its field and the code of the refusal."""

    field: str
    code: str
    value: Any


def is_uscc(text: str) -> bool:
    """Tell whether both check digits of a unified social credit code hold (GB 32100-2015, GB 11714)."""
    if len(text) != 18 or set(text) - set(_ALPHABET):
        return False
    outer = sum(w * _ALPHABET.index(c) for w, c in zip(_OUTER, text, strict=False))
    inner = 11 - sum(w * _LETTERS.index(c) for w, c in zip(_INNER, text[8:16], strict=True)) % 11
    return _ALPHABET[-outer % 31] == text[17] and "0123456789X0"[inner] == text[16]


def _is_prefix(text: str) -> bool:
    try:
        canonical.network(text)
    except ValueError:
        return False
    return True


def _between(low: float, high: float) -> Callable[[Any], bool]:
    return lambda value: low <= value <= high


_CHECKS: Mapping[str, Callable[[Any], bool]] = {
    "uscc": lambda value: is_uscc(canonical.bare(value)),
    "prefix": _is_prefix,
    "lon": _between(-180, 180),
    "lat": _between(-90, 90),
    "mining_share": _between(0, 1),
    "interruptible_share": _between(0, 1),
    "posterior": _between(0, 1),
    "port_low": _between(0, 65535),
    "port_high": _between(0, 65535),
    "voltage_kv": _between(0, 1200),
    "contract_kva": _between(0, 5_000_000),
    "power_kw": _between(0, 5_000_000),
    "planned_power_kw": _between(0, 5_000_000),
}


def problems(model: type[Registered], values: Mapping[str, Any]) -> list[Problem]:
    """Return what is wrong with ``values`` of fields of a model; fields left empty are let be."""
    fields = stated_fields(model)
    found = []
    for name, value in values.items():
        if name not in fields:
            found.append(Problem(name, "field_unknown", value))
        elif value not in (None, "", {}) and not _fits(fields[name], value):
            found.append(Problem(name, "uscc_wrong" if name == "uscc" else "value_wrong", value))
    return found


@cache
def stated_fields(model: type[Registered]) -> dict[str, Field[Any, Any]]:
    """Return the fields of a model that sources state, by the name in statements (``premises_id``)."""
    left_out = {"id", "created_at", "merged_into", *model.derived}
    return {field.attname: field for field in model._meta.concrete_fields if field.name not in left_out}


def _fits(field: Field[Any, Any], value: Any) -> bool:
    if field.is_relation:
        return isinstance(value, int)  # that the row is there the database looks after
    try:
        known = field.clean(value, None)
        return field.name not in _CHECKS or _CHECKS[field.name](known)
    except ValidationError:
        return False
