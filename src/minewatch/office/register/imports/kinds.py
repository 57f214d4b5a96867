"""Kinds of things that files bring, by name."""

from functools import cache

from minewatch.office.platform.refusals import Refused
from minewatch.office.register.imports.kind import Kind
from minewatch.office.register.imports.machines import Machines
from minewatch.office.register.imports.things import THINGS


@cache
def kinds() -> dict[str, Kind]:
    """Return the kinds by name, in the order in which they are offered."""
    return {kind.name: kind for kind in (*THINGS, Machines())}


def kind_named(name: str) -> Kind:
    """Return a kind; raises Refused where there is none."""
    kind = kinds().get(name)
    if kind is None:
        raise Refused("kind_unknown")
    return kind
