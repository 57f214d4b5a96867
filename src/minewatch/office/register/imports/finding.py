"""Which thing of the register a row means: some queries for a chunk of rows, whatever their number.

The look-ups see the whole register: an entry outside of the account's region is an error of the row, and not
a new entry.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from minewatch.office.platform.models import Agency
from minewatch.office.register.canonical import address_key, bare, name_key, number_key
from minewatch.office.register.imports.places import Gazetteer
from minewatch.office.register.imports.rows import PLACE, Fault, Given
from minewatch.office.register.models import Enterprise, Line, Premises, Registered, Site

Found = dict[int, Registered | Fault]
"""By number of the row: its thing, or why it cannot be told; a row of a new thing is not in it."""


def by_unique(model: type[Registered], name: str) -> "Finder":
    """Return a finder by a number or code that is there once in the register."""

    def find(rows: Sequence[Given], _places: Gazetteer, *, lock: bool) -> Found:
        wanted = {given.values[name] for given in rows if name in given.values}
        things = {
            getattr(thing, name): thing for thing in _rows(model, lock).filter(**{f"{name}__in": wanted})
        }
        return {given.number: things[said] for given in rows if (said := given.values.get(name)) in things}

    return find


def usage_points(rows: Sequence[Given], places: Gazetteer, *, lock: bool, model: type[Any]) -> Found:
    """Find accounts by number; one that lost its zeros is not taken for a new one."""
    found = by_unique(model, "number")(rows, places, lock=lock)
    missing = {
        number_key(given.values["number"]): given
        for given in rows
        if given.number not in found and "number" in given.values
    }
    close = model._base_manager.filter(number_key__in=list(missing)).values_list("number", "number_key")
    for number, key in close:
        said = missing[key].values["number"]
        if number.endswith(said):
            found[missing[key].number] = Fault("number", "zeros_lost", said)
    return found


def enterprises(rows: Sequence[Given], places: Gazetteer, *, lock: bool) -> Found:
    """Find enterprises by code, else by name among those of the account's region."""
    codes = {given.values["uscc"] for given in rows if "uscc" in given.values}
    keys = {name_key(given.values["name"]) for given in rows if "name" in given.values}
    present = _rows(Enterprise, lock).filter(merged_into=None)
    by_code = {one.uscc: one for one in present.filter(uscc__in=codes)}
    by_name: dict[str, list[Enterprise]] = defaultdict(list)
    for one in present.filter(name_key__in=keys):
        if places.sees(one.region_id):
            by_name[bare(one.name)].append(one)
    found: Found = {}
    for given in rows:
        code, name = given.values.get("uscc"), bare(given.values.get("name", ""))
        same = [one for one in by_name.get(name, []) if not code or not one.uscc]
        if code in by_code:
            found[given.number] = by_code[code]
        elif same:
            found[given.number] = (
                same[0] if len(same) == 1 else Fault("name", "ambiguous", given.values["name"])
            )
    return found


def premises(rows: Sequence[Given], _places: Gazetteer, *, lock: bool) -> Found:
    """Find premises by address within their region."""
    there = addresses(
        ((given.values["region_id"], given.values.get("address", "")) for given in rows), lock=lock
    )
    found: Found = {}
    for given in rows:
        same = there.get((given.values["region_id"], address_key(given.values.get("address", ""))), [])
        if same:
            found[given.number] = same[0]
    return found


def addresses(wanted: Iterable[tuple[int, str]], *, lock: bool) -> dict[tuple[int, str], list[Premises]]:
    """Return premises by region and key of the address, oldest first."""
    keys = {address_key(address) for _region, address in wanted if address}
    there: dict[tuple[int, str], list[Premises]] = defaultdict(list)
    for one in _rows(Premises, lock).filter(merged_into=None, address_key__in=keys).order_by("pk"):
        there[one.region_id, one.address_key].append(one)
    return there


def lines(rows: Sequence[Given], _places: Gazetteer, *, lock: bool) -> Found:
    """Find network lines by addresses, ports and the beginning of their validity."""
    wanted = {given.values["prefix"] for given in rows if "prefix" in given.values}
    there = {
        (one.prefix, one.port_low, one.port_high, one.valid_from): one
        for one in _rows(Line, lock).filter(merged_into=None, prefix__in=wanted)
    }
    found: Found = {}
    for given in rows:
        one = there.get(line_key(given.values))
        if one is not None:
            found[given.number] = one
    return found


def line_key(values: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return what tells a network line from another."""
    ports = (values.get("port_low", 0), values.get("port_high", 65535))
    return (values.get("prefix"), *ports, values.get("valid_from"))


def sites(rows: Sequence[Given], places: Gazetteer, *, lock: bool) -> Found:
    """Find sites by code; those of rows without one by their name at the same premises."""
    found = by_unique(Site, "code")([given for given in rows if "code" in given.values], places, lock=lock)
    nameless = [given for given in rows if "code" not in given.values and "premises_id" in given.values]
    at = {given.values["premises_id"] for given in nameless}
    there = {
        (one.premises_id, bare(one.name)): one
        for one in _rows(Site, lock).filter(merged_into=None, premises_id__in=at)
    }
    for given in nameless:
        one = there.get((given.values["premises_id"], bare(given.values.get("name", ""))))
        if one is not None:
            found[given.number] = one
    return found


Finder = Callable[..., Found]


def name_enterprises(rows: Sequence[Given], places: Gazetteer) -> None:
    """Turn what rows say of an enterprise, its code or name, into its id; or into a fault."""
    said = {given.values["enterprise_id"] for given in rows if "enterprise_id" in given.values}
    if not said:
        return
    known: dict[str, list[Enterprise]] = defaultdict(list)
    present = Enterprise._base_manager.filter(merged_into=None)
    for one in present.filter(name_key__in={name_key(word) for word in said}):
        known[bare(one.name)].append(one)
    for one in present.filter(uscc__in={bare(word) for word in said}):
        known[one.uscc or ""].append(one)
    for given in rows:
        if word := given.values.get("enterprise_id"):
            same = [one for one in known.get(bare(word), []) if places.sees(one.region_id)]
            if len(same) == 1:
                given.values["enterprise_id"] = same[0].pk
            else:
                code = "enterprise_ambiguous" if same else "enterprise_unknown"
                given.faults.append(Fault("enterprise_id", code, given.values.pop("enterprise_id")))


def name_premises(rows: Sequence[Given]) -> None:
    """Turn the address of rows into premises that are there, or that are registered along with the row."""
    pairs = [
        (given.values["region_id"], given.values["premises_id"])
        for given in rows
        if "premises_id" in given.values
    ]
    there = addresses(pairs, lock=False) if pairs else {}
    for given in rows:
        if address := given.values.pop("premises_id", None):
            same = there.get((given.values["region_id"], address_key(address)), [])
            if same:
                given.values["premises_id"] = same[0].pk
            else:
                given.values[PLACE] = [given.values["region_id"], address]


def name_carriers(rows: Sequence[Given]) -> None:
    """Turn the code or name of a carrier's agency into its id, or into a fault."""
    if not any("carrier_id" in given.values for given in rows):
        return
    carriers = Agency.objects.filter(kind=Agency.Kind.CARRIER)
    known = {
        word: one.pk for one in carriers for word in (bare(one.code), bare(one.name_zh), bare(one.name_en))
    }
    for given in rows:
        if word := given.values.get("carrier_id"):
            if bare(word) in known:
                given.values["carrier_id"] = known[bare(word)]
            else:
                given.faults.append(Fault("carrier_id", "carrier_unknown", given.values.pop("carrier_id")))


def _rows(model: type[Registered], lock: bool) -> Any:
    rows = model._base_manager.all()
    return rows.select_for_update().order_by("pk") if lock else rows
