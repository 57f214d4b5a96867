"""Enterprises, premises, usage points, plants, lines and sites from files: judged and written in numbers."""

from collections.abc import Callable, Mapping, Sequence
from functools import cache, cached_property, partial
from typing import Any

from django.db import models
from django.utils.translation import gettext_lazy as _

from minewatch.office.platform.masking import MASKS
from minewatch.office.platform.models import Region
from minewatch.office.platform.refusals import Refused
from minewatch.office.register.bulk import register_many, state_many
from minewatch.office.register.canonical import address_key, bare, network
from minewatch.office.register.checks import problems, stated_fields
from minewatch.office.register.facts import WEIGHT, Said, Standing, aimed, standings, values_of, weigh
from minewatch.office.register.imports import cells, finding
from minewatch.office.register.imports.headers import LANGUAGES
from minewatch.office.register.imports.kind import Kind
from minewatch.office.register.imports.models import ImportRow
from minewatch.office.register.imports.rows import (
    PLACE,
    Fault,
    Field,
    Given,
    Judged,
    Outcome,
    Setting,
    kept,
    wrong,
)
from minewatch.office.register.models import (
    Enterprise,
    Line,
    Plant,
    Premises,
    Registered,
    Site,
    Source,
    UsagePoint,
)
from minewatch.office.register.protection import PROTECTED
from minewatch.office.register.services import new_site_codes
from minewatch.office.register.titles import FIELDS, KINDS, TARIFFS

_SHARES = frozenset(["mining_share", "interruptible_share"])
_IMPORT = WEIGHT[Source.Kind.IMPORT]


class ThingKind(Kind):
    """A kind of thing of the register; ``names`` are its fields in files, ``needed`` those of a new one."""

    def __init__(
        self,
        model: type[Registered],
        names: Mapping[str, str],
        needed: Sequence[str],
        find: finding.Finder,
        key: Callable[[Mapping[str, Any]], str],
    ) -> None:
        self.model, self.names, self.needed, self._find, self._key = model, names, needed, find, key
        self.name = str(model._meta.model_name)  # type: ignore[misc]
        self.title = KINDS[self.name]  # type: ignore[misc]

    @cached_property
    def fields(self) -> Sequence[Field]:
        """Return a column for each field."""
        return [self._field(name, example) for name, example in self.names.items()]

    def judge(self, rows: Sequence[Given], setting: Setting) -> list[Judged]:
        """Say what each row would do."""
        said = {given.number for given in rows if "region_id" in given.values}
        for given in rows:
            _settle_region(given, setting)
        finding.name_enterprises(rows, setting.places)
        if self.model is not Premises:
            finding.name_premises(rows)
        finding.name_carriers(rows)
        return self._decide(rows, setting, said, lock=False)

    def apply(self, rows: Sequence[ImportRow], setting: Setting, said: Said) -> list[ImportRow]:
        """Write rows that wait: those that would still do what the preview showed."""
        given = [self._restored(row) for row in rows]
        own_region = {row.number for row in rows if "region_id" in row.values}
        judged = self._decide(given, setting, own_region, lock=True)
        to_write = [pair for pair in zip(rows, judged, strict=True) if _still_holds(*pair)]
        _register_places([now for _row, now in to_write], said)
        self._write_new([pair for pair in to_write if pair[1].thing_id is None], said)
        self._write_known([pair for pair in to_write if pair[1].thing_id is not None], said)
        return list(rows)

    def _field(self, name: str, example: str) -> Field:
        model_field = stated_fields(self.model)[name]
        title = _("Address") if name == "premises_id" else FIELDS[name]
        mask = "address" if name == "premises_id" else PROTECTED.get(self.name, {}).get(name, "")
        choices: list[Any] = [label for _value, label in model_field.flatchoices]
        return Field(name, title, _reader(name, model_field), name in self.needed, mask, example, choices)

    def _decide(
        self, rows: Sequence[Given], setting: Setting, own_region: set[int], *, lock: bool
    ) -> list[Judged]:
        found = self._find(rows, setting.places, lock=lock)
        known = {number: thing for number, thing in found.items() if isinstance(thing, Registered)}
        stood = standings(self.model, {thing.pk for thing in known.values()})
        shown = self._unmasked(rows, known)
        judged = []
        for given in rows:
            thing = found.get(given.number)
            if isinstance(thing, Fault):
                judged.append(wrong(given, thing))
            elif thing is None:
                judged.append(self._new(given))
            else:
                if given.number not in own_region:
                    del given.values["region_id"]
                one = self._known(given, thing, stood[thing.pk], shown.get(given.number, {}))
                is_elsewhere = not setting.places.sees(thing.region_id)
                judged.append(wrong(given, Fault(self.needed[0], "elsewhere")) if is_elsewhere else one)
        return judged

    def _new(self, given: Given) -> Judged:
        faults = [Fault(name, "masked", said) for name, said in given.masked.items()]
        missing = [name for name in self.needed if not given.values.get(name) and name not in given.masked]
        faults += [Fault(name, "missing") for name in missing if not _is_told(given, name)]
        stated = {name: value for name, value in given.values.items() if name != PLACE}
        faults += [Fault(one.field, one.code, str(one.value)) for one in problems(self.model, stated)]
        if faults or given.faults:
            return wrong(given, *faults)
        values = kept(given.values)
        return Judged(given.number, Outcome.NEW, self._key(given.values), values=values, waits=True)

    def _known(self, given: Given, thing: Registered, stood: Standing, shown: Mapping[str, str]) -> Judged:
        faults = [
            Fault(name, "masked", said) for name, said in given.masked.items() if shown.get(name) != said
        ]
        stated = {name: value for name, value in given.values.items() if name != PLACE}
        try:
            target = aimed(thing, stated)
        except Refused as refusal:
            values = refusal.values
            faults.append(
                Fault(values.get("field", self.needed[0]), refusal.code, str(values.get("value", "")))
            )
        if faults or given.faults:
            return wrong(given, *faults)
        before = values_of(thing, stated)
        decision = weigh(before, values_of(target, stated), stood, Source.Kind.IMPORT)
        changes = {name: [before[name], value] for name, value in decision.changed.items()}
        disputes = {name: [before[name], value] for name, value in decision.disputed.items()}
        if place := given.values.get(PLACE):
            is_free = stood.weights.get("premises_id", -1) <= _IMPORT
            (changes if is_free else disputes)["premises_id"] = [
                getattr(thing, "premises_id", None),
                place[1],
            ]
        outcome = Outcome.CHANGED if changes else Outcome.DISPUTED if disputes else Outcome.SAME
        waits = bool(changes or disputes or decision.confirmed)
        values = kept(given.values) if waits else {}
        return Judged(given.number, outcome, f"#{thing.pk}", thing.pk, values, changes, disputes, waits=waits)

    def _unmasked(self, rows: Sequence[Given], known: Mapping[int, Registered]) -> dict[int, dict[str, str]]:
        """Return what masked cells would show of the things that they mean."""
        masked = [given for given in rows if given.masked and given.number in known]
        ids = {getattr(known[given.number], "premises_id", None) for given in masked}
        premises = Premises._base_manager.in_bulk([pk for pk in ids if pk]) if masked else {}
        shown: dict[int, dict[str, str]] = {}
        for given in masked:
            thing = known[given.number]
            place = premises.get(getattr(thing, "premises_id", None) or 0)
            shown[given.number] = {
                name: MASKS[self.by_name[name].mask](
                    (place.address if place else "") if name == "premises_id" else str(getattr(thing, name))
                )
                for name in given.masked
            }
        return shown

    def _restored(self, row: ImportRow) -> Given:
        fields = stated_fields(self.model)
        given = Given(row.number)
        for name, value in row.values.items():
            is_own = name != PLACE and not fields[name].is_relation
            given.values[name] = fields[name].to_python(value) if is_own else value
        given.values.setdefault("region_id", None)
        return given

    def _write_new(self, pairs: Sequence[tuple[ImportRow, Judged]], said: Said) -> None:
        if self.model is Site:
            _give_codes([now.values for _row, now in pairs])
        fields = stated_fields(self.model)
        things = []
        for _row, now in pairs:
            stated = {name: value for name, value in now.values.items() if name != PLACE}
            things.append(
                self.model(
                    **{
                        name: value if fields[name].is_relation else fields[name].to_python(value)
                        for name, value in stated.items()
                    }
                )
            )
        done = _all_or_each(things, lambda some: register_many(some, said))
        for (row, _now), refusal in zip(pairs, done, strict=True):
            _settle(row, refusal)

    def _write_known(self, pairs: Sequence[tuple[ImportRow, Judged]], said: Said) -> None:
        stated = [
            (now.thing_id or 0, {name: value for name, value in now.values.items() if name != PLACE})
            for _row, now in pairs
        ]
        done = _all_or_each(stated, lambda some: state_many(self.model, dict(some), said))
        for (row, _now), refusal in zip(pairs, done, strict=True):
            _settle(row, refusal)


def _reader(name: str, field: "models.Field[Any, Any]") -> Callable[[str], Any]:
    if name == "uscc":
        return bare
    if name == "prefix":
        return lambda said: str(network(said))
    if name in _SHARES:
        return cells.share
    if name == "tariff_class":
        return _tariff
    if field.choices:
        return cells.choice(_words(field.choices))
    kinds: Mapping[type, Callable[[str], Any]] = {
        models.FloatField: cells.number,
        models.IntegerField: cells.whole_number,
        models.DateTimeField: cells.moment,
        models.DateField: cells.day,
    }
    return kinds.get(type(field), partial(_text, field.max_length))


def _text(most: int | None, said: str) -> str:
    if most is not None and len(said) > most:
        raise cells.Unreadable("too_long")
    return said


def _tariff(said: str) -> str:
    """Return the code of a tariff class that is said in words, else the words."""
    return _tariff_words().get(said.upper(), said[:40])


@cache
def _tariff_words() -> dict[str, str]:
    return _words(TARIFFS.items())


def _words(choices: Any) -> dict[str, str]:
    from django.utils.translation import override

    words = {str(value).upper(): str(value) for value, _label in choices}
    for language in LANGUAGES:
        with override(language):
            words |= {str(label).upper(): str(value) for value, label in choices}
    return words


def _settle_region(given: Given, setting: Setting) -> None:
    said = given.values.pop("region_id", None)
    given.values["region_id"] = setting.default_region_id
    if said is not None:
        try:
            given.values["region_id"] = setting.places.find(said).id
        except cells.Unreadable as error:
            given.faults.append(Fault("region_id", error.code, said))


def _is_told(given: Given, name: str) -> bool:
    if any(fault.name == name for fault in given.faults):
        return True
    return name == "premises_id" and PLACE in given.values


def _still_holds(row: ImportRow, now: Judged) -> bool:
    """Tell whether a row would still do what its preview showed; else settle it."""
    was = {name: pair[0] for name, pair in {**row.changes, **row.disputes}.items()}
    does = {name: pair[0] for name, pair in {**now.changes, **now.disputes}.items()}
    if now.outcome == row.outcome and was == does:
        return True
    if now.outcome == Outcome.SAME:
        row.outcome, row.waits = Outcome.SAME, False
    else:
        faults = now.faults or [Fault("", "stale")]
        row.outcome, row.waits, row.errors = Outcome.WRONG, False, [fault._asdict() for fault in faults]
    return False


def _register_places(judged: Sequence[Judged], said: Said) -> None:
    """Register the premises that rows bring along, each once, and name them in the rows."""
    wanting = [now for now in judged if PLACE in now.values]
    pairs = [tuple(now.values[PLACE]) for now in wanting]
    there = finding.addresses(pairs, lock=True) if pairs else {}
    ids = {key: same[0].pk for key, same in there.items()}
    new = {(region, address_key(address)): (region, address) for region, address in pairs}
    made = {
        key: Premises(region_id=region, address=address)
        for key, (region, address) in new.items()
        if key not in ids
    }
    register_many(list(made.values()), said)
    ids |= {key: place.pk for key, place in made.items()}
    for now in wanting:
        region, address = now.values.pop(PLACE)
        now.values["premises_id"] = ids[region, address_key(address)]


def _give_codes(values: Sequence[dict[str, Any]]) -> None:
    """Give sites without a code the next free ones of their region."""
    without = [one for one in values if not one.get("code")]
    for region in Region.objects.filter(pk__in={one["region_id"] for one in without}):
        own = [one for one in without if one["region_id"] == region.pk]
        for one, code in zip(own, new_site_codes(region, len(own)), strict=True):
            one["code"] = code


def _all_or_each(things: Sequence[Any], write: Callable[[Sequence[Any]], object]) -> list[Refused | None]:
    """Write all at once; where one is refused, each alone. Return by thing why it was refused, if it was."""
    if not things:
        return []
    try:
        write(things)
    except Refused:
        return [_alone(thing, write) for thing in things]
    return [None] * len(things)


def _alone(thing: Any, write: Callable[[Sequence[Any]], object]) -> Refused | None:
    try:
        write([thing])
    except Refused as refusal:
        return refusal
    return None


def _settle(row: ImportRow, refusal: Refused | None) -> None:
    row.waits = False
    if refusal is not None:
        row.outcome, row.errors = Outcome.WRONG, [_fault_of(refusal)._asdict()]


def _fault_of(refusal: Refused, name: str = "") -> Fault:
    said = refusal.values
    return Fault(str(said.get("field", name)), refusal.code, str(said.get("value", "")))


def _place_of(values: Mapping[str, Any]) -> object:
    return values.get("premises_id") or values.get(PLACE)


_REGION = {"region_id": "510703"}
_OWNER = {"enterprise_id": "91510703MA6212342P", "premises_id": "工业路8号"}

THINGS: Sequence[ThingKind] = (
    ThingKind(
        Enterprise,
        {
            "name": "绵阳清流科技有限公司",
            "uscc": "91510703MA6212342P",
            **_REGION,
            "legal_representative": "王小明",
            "phone": "0816-2345678",
            "industry_code": "6450",
            "credit_class": "B",
        },
        ("name",),
        finding.enterprises,
        lambda values: str(values.get("uscc") or f"{values['region_id']} {bare(values['name'])}"),
    ),
    ThingKind(
        Premises,
        {"address": "工业路8号", **_REGION, "floor_area_m2": "1200", "lon": "104.7312", "lat": "31.4521"},
        ("address",),
        finding.premises,
        lambda values: f"{values['region_id']} {address_key(values['address'])}",
    ),
    ThingKind(
        UsagePoint,
        {
            "number": "0051000012345",
            "customer_name": "王小明",
            **_REGION,
            **_OWNER,
            "tariff_class": "大工业",
            "voltage_kv": "10",
            "contract_kva": "2000",
            "price_cny_kwh": "0.52",
            "transformer_id": "T-1024",
            "opened_on": "2021-05-20",
            "closed_on": "",
        },
        ("number",),
        partial(finding.usage_points, model=UsagePoint),
        lambda values: str(values["number"]),
    ),
    ThingKind(
        Plant,
        {
            "number": "SD-0017",
            "name": "清江二级电站",
            **_REGION,
            "kind": "水电",
            "capacity_mw": "12.6",
            **_OWNER,
        },
        ("number", "name"),
        finding.by_unique(Plant, "number"),
        lambda values: str(values["number"]),
    ),
    ThingKind(
        Line,
        {
            "prefix": "203.0.113.0/28",
            "port_low": "0",
            "port_high": "65535",
            **_REGION,
            "carrier_id": "telecom-510000",
            "holder_name": "绵阳清流科技有限公司",
            **_OWNER,
            "valid_from": "2021-05-20 00:00",
            "valid_to": "",
        },
        ("prefix",),
        finding.lines,
        lambda values: " ".join(str(part) for part in finding.line_key(values)),
    ),
    ThingKind(
        Site,
        {
            "code": "",
            "name": "飞云大道仓库",
            **_REGION,
            "premises_id": "工业路8号",
            "phase": "operating",
            "kind": "unknown",
            "planned_start_on": "",
            "planned_power_kw": "",
            "services": "",
            "mining_share": "80%",
            "interruptible_share": "",
            "power_kw": "420",
            "power_low_kw": "",
            "power_high_kw": "",
            "energy_week_kwh": "70000",
            "coin": "BTC",
            "pool": "",
        },
        ("name", "premises_id"),
        finding.sites,
        lambda values: str(
            values.get("code") or f"{values.get('premises_id') or values.get(PLACE)} {values['name']}"
        ),
    ),
)
"""In the order in which a register is filled: those that others refer to come first."""
