"""Rows of every model of the office in several regions, each text a marker that tells its region and field.

A model that is new is planted without a word here, as long as its values may be anything; where they may not,
``GIVEN`` says what they are.
"""

import hashlib
import json
import uuid
import zlib
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any

from django.apps import apps
from django.db import IntegrityError, models, transaction

from minewatch.office.conftest import AT, OFFICE, PASSWORD
from minewatch.office.intake.exhibits import plain
from minewatch.office.intake.tests.conftest import evidence, finding, flow
from minewatch.office.platform.models import Agency, Region, User
from minewatch.office.platform.roles import Administrator, Role
from minewatch.office.platform.services import (
    AccountGiven,
    AgencyGiven,
    RegionGiven,
    add_agency,
    add_regions,
    open_account,
)
from minewatch.office.register.canonical import settle
from minewatch.office.register.files import place_of
from minewatch.office.register.models import Registered
from minewatch.office.register.protection import PROTECTED
from minewatch.office.verify.inspections.routing import Terms

REGIONS = [
    RegionGiven("100000", "nation", "全国"),
    RegionGiven("510000", "province", "四川省", parent="100000"),
    RegionGiven("510700", "city", "绵阳市", parent="510000"),
    RegionGiven("510703", "county", "涪城区", parent="510700"),
    RegionGiven("510704", "county", "游仙区", parent="510700"),
    RegionGiven("620000", "province", "甘肃省", parent="100000"),
    RegionGiven("620100", "city", "兰州市", parent="620000"),
    RegionGiven("620102", "county", "城关区", parent="620100"),
]
PLANTED_IN = ("510703", "510704", "510000", "620102")
"""A county, its neighbour, the province above both, and a county of another province."""

NOT_PLANTED = {
    *("platform.region", "platform.agency", "platform.user"),  # the beds themselves
    *("platform.rolegiven", "platform.passwordused"),
    *("platform.auditentry", "platform.audithead", "platform.allowance"),
    *("platform.eventtaken", "platform.unmasking"),
}
"""Models whose rows belong to no region, or are not read by one."""

ONE_OF = {"register.link": ("usage_point", "plant", "line"), "inspections.recusal": ("site", "enterprise")}
"""Fields of a model of which exactly one is set."""

HEAPED_ON = {"register.site", "verify.case", "inspections.inspection", "inspections.sheet", "verify.batch"}
"""Models on whose first row others can be heaped."""

SECOND = 500
"""What is added to the id of a second row of a model in the same region."""

_SHARES = ("posterior", "q_value", "probability", "mining_share", "interruptible_share")
_HEAP = 100  # slots from here on are of heaps
_PLACE = {"lon": 104.7, "lat": 31.4, "accuracy_m": 5.0}
_CONTENT = b"\x89PNG\r\n\x1a\n" + b"walk"


@dataclass(frozen=True)
class Marker:
    """Where a marker was planted."""

    bed: str
    field: str
    is_protected: bool


@dataclass
class Bed:
    """What is planted in one region; ``key`` is the code or number of its things, ``pk`` their id."""

    code: str
    number: int
    accounts: Mapping[str, User]
    markers: dict[str, Marker]
    rows: dict[tuple[type[models.Model], int], models.Model] = field(default_factory=dict)
    used: int = 0
    heaped: bool = False

    @property
    def key(self) -> str:
        return self.marker("key", is_protected=False, number=0)

    @property
    def pk(self) -> int:
        return 1000 * self.number

    @cached_property
    def region(self) -> Region:
        return Region.objects.get(code=self.code)

    @cached_property
    def agency(self) -> Agency:
        return Agency.objects.get(code=f"energy-{self.code}")

    def marker(self, name: str, *, is_protected: bool, number: int | None = None) -> str:
        """Return a marker that is new, or the one of a number."""
        if number is None:
            self.used += 1
            number = self.used
        text = f"Z{'ABCDEFGH'[self.number]}Q{number:04d}"
        self.markers.setdefault(text, Marker(self.code, name, is_protected))
        return text

    def address(self, name: str, *, is_protected: bool) -> str:
        """Return a new marker that is an IP address."""
        self.used += 1
        text = f"10.1{self.number}.{100 + self.used // 100 % 100}.{100 + self.used % 100}"
        self.markers[text] = Marker(self.code, name, is_protected)
        return text

    def plant(self, model: type[Any], slot: int = 0) -> Any:
        """Return the row of a model in this region; made with all it hangs on where it is not there yet."""
        found = self.rows.get((model, slot))
        if found is None:
            values = {one.name: self._value(one, slot) for one in model._meta.concrete_fields}
            _keep_one(model, values)
            row = model(**{name: value for name, value in values.items() if value is not models.NOT_PROVIDED})
            if isinstance(row, Registered):
                settle(row)
            row.save(force_insert=True)
            self.rows[model, slot] = found = row
        return found

    def spread(self, number: int) -> None:
        """Plant every model a number of times, each with a site and a case of its own."""
        for slot in range(number):
            for model in planted_models():
                self.plant(model, slot)

    def heap(self, number: int) -> None:
        """Hang a number of rows more of every model on the first site and case, where that may be."""
        self.heaped = True
        for slot in range(_HEAP, _HEAP + number):
            for model in planted_models():
                with suppress(IntegrityError), transaction.atomic():
                    self.plant(model, slot)
        self.heaped = False

    def _value(self, one: Any, slot: int) -> Any:
        label = one.model._meta.label_lower
        for key in (f"{label}.{one.name}", one.name):
            if key in GIVEN:
                return GIVEN[key](self, slot)
        if one.primary_key:
            return self.pk + slot * SECOND
        if one.is_relation:
            return self._related(one, slot)
        if one.choices:
            return next(value for value, _ in one.flatchoices if value not in ("", None))
        return self._plain(one, label, slot)

    def _related(self, one: Any, slot: int) -> Any:
        model = one.related_model
        known = {Region: "region", Agency: "agency"}
        if model in known:
            return getattr(self, known[model])
        if model is User:
            return self.accounts["all"]
        order = planted_models()
        if model not in order or (one.null and order.index(model) >= order.index(one.model)):
            return None  # what comes later hangs on this
        return self.plant(model, 0 if self.heaped and model._meta.label_lower in HEAPED_ON else slot)

    def _plain(self, one: Any, label: str, slot: int) -> Any:  # noqa: C901, PLR0911, PLR0912 - a line for each type
        is_protected = one.name in PROTECTED.get(label.partition(".")[2], {})
        name = f"{label}.{one.name}"
        self_dating = (models.DateTimeField, models.DateField, models.BooleanField)
        if isinstance(one, self_dating) and (one.null or isinstance(one, models.BooleanField)):
            return None if one.null else bool(one.get_default())
        self.used += 1
        match one:
            case models.DateTimeField():
                return AT + timedelta(minutes=self.used)
            case models.DateField():
                return (AT + timedelta(days=self.used % 300)).date()
            case models.FloatField():
                return _PLACE.get(one.name, 0.9 if one.name in _SHARES else 7000.0 * self.number + self.used)
            case models.IntegerField():
                return 1 if one.name == "revision" else self.number * 100 + self.used % 30_000
            case models.UUIDField():
                return uuid.UUID(int=self.pk + slot)
            case models.GenericIPAddressField():
                return self.address(name, is_protected=is_protected)
            case models.JSONField():
                return {"note": self.marker(name, is_protected=False)}
            case models.BinaryField():
                return b""
            case models.URLField():
                return f"https://{self.marker(name, is_protected=False)}.example"
            case _ if one.max_length is not None and one.max_length < 7:
                return ""
            case _ if one.unique and one.name in ("code", "number") and not (is_protected or slot):
                return self.key
            case _:
                return self.marker(name, is_protected=is_protected)


def _keep_one(model: type[models.Model], values: dict[str, Any]) -> None:
    for name in ONE_OF.get(model._meta.label_lower, ())[1:]:
        values[name] = None


def _file(_bed: Bed, _slot: int) -> str:
    sha256 = hashlib.sha256(_CONTENT).hexdigest()
    place_of(sha256).parent.mkdir(parents=True, exist_ok=True)
    place_of(sha256).write_bytes(_CONTENT)
    return sha256


def _finding(bed: Bed, _slot: int) -> Any:
    texts = {
        name: bed.marker(f"finding.{name}", is_protected=True) for name in ("address", "enterprise_name")
    }
    return json.loads(json.dumps(finding(**texts), default=str))


def _exhibit(bed: Bed, _slot: int) -> bytes:
    number = bed.marker("exhibit.subject_id", is_protected=True)
    address = bed.address("exhibit.src_ip", is_protected=True)
    shown = {
        "curves": [],
        "evidence": [evidence() | {"subject_id": number}],
        "flows": [flow() | {"src_ip": address, "agent": bed.marker("exhibit.agent", is_protected=False)}],
        "flows_left_out": 0,
    }
    return zlib.compress(json.dumps(plain(shown)).encode())


def _said(bed: Bed, _slot: int) -> Any:
    inspectors = [bed.plant(apps.get_model("inspections.inspector"), slot).pk for slot in (0, 1)]
    terms = asdict(Terms(start=(104.7, 31.4)))
    return {"terms": terms, "visit_h": 2.0, "days": ["2026-05-05"], "teams": [inspectors]}


def _announced(bed: Bed, _slot: int) -> Any:
    return {
        "number": bed.key,
        "agency": bed.agency.name_zh,
        "region": bed.code,
        "randomness": {"source": "SSQ", "public_at": AT.isoformat()},
        "objects": [{"token": "c" * 64, "weight": 1}],
        "inspectors": [{"token": "d" * 64}],
        "recusals": [],
        "objects_wanted": 1,
        "inspectors_each": 2,
    }


def _published(bed: Bed, _slot: int) -> Any:
    name = bed.marker("inspections.publication.content", is_protected=False)
    named = {"agency": bed.agency.name_zh, "region": bed.region.name_zh, "object": {"name": name, "uscc": ""}}
    told = {"format": "1", "number": bed.key, "inspected_on": "2026-05-04", "correction": "", "draw": None}
    return named | told | {"origin": "order", "result": "found", "revision": 1}


def _second(model: str) -> Callable[[Bed, int], Any]:
    return lambda bed, slot: bed.plant(apps.get_model(model), slot + 1)


def _user(bed: Bed, slot: int) -> User:
    if slot < 2:
        return bed.accounts["all" if not slot else str(Role.INSPECTOR)]
    name = f"inspector-{bed.code}-{slot}"
    given = AccountGiven(name, PASSWORD, bed.agency.code, (Role.INSPECTOR,), None)
    return User.objects.filter(username=name).first() or open_account(given, OFFICE)


GIVEN: dict[str, Callable[[Bed, int], Any]] = {
    "subject_kind": lambda _bed, _slot: "site",
    **dict.fromkeys(("subject_id", "thing_id", "kept_id"), lambda bed, slot: bed.pk + slot * SECOND),
    "merged_id": lambda bed, slot: bed.pk + (slot + 1) * SECOND,
    "register.merge.kind": lambda _bed, _slot: "site",
    "register.import.kind": lambda _bed, _slot: "site",
    "register.import.state": lambda _bed, _slot: "checked",
    "register.import.headers": lambda bed, _slot: [bed.marker("import.headers", is_protected=False)],
    "register.import.counts": lambda _bed, _slot: {"new": 1},
    **dict.fromkeys(
        ("register.import.columns", "register.importrow.changes", "register.importrow.disputes"),
        lambda _bed, _slot: {},
    ),
    "register.importrow.errors": lambda _bed, _slot: [],
    "register.importrow.values": lambda bed, _slot: {"name": bed.marker("importrow", is_protected=False)},
    "register.export.page": lambda _bed, _slot: "sites",
    "register.export.form": lambda _bed, _slot: "csv",
    "register.line.prefix": lambda bed, _slot: bed.address("line.prefix", is_protected=True),
    "register.site.code": lambda bed, slot: (
        bed.key if not slot else bed.marker("site.code", is_protected=False)
    ),
    "register.site.hash_rates": lambda _bed, _slot: {"sha256d": {"value": 3e15, "low": 2e15, "high": 4e15}},
    "register.machinegroup.serials": lambda bed, _slot: [bed.marker("serials", is_protected=False)],
    "register.statement.values": lambda bed, _slot: {"name": bed.marker("statement", is_protected=False)},
    "register.evidencefile.sha256": _file,
    "register.evidencefile.media_type": lambda _bed, _slot: "image/png",
    "intake.finding.row": _finding,
    "intake.exhibit.content": _exhibit,
    "intake.delivery.counts": lambda _bed, _slot: {"taken": 1},
    "intake.delivery.aside": lambda _bed, _slot: [],
    "verify.notice.subject": lambda _bed, _slot: "order",
    "inspections.inspector.user": _user,
    "platform.roleasked.user": _user,
    "inspections.plannedvisit.why": lambda _bed, _slot: "chosen",
    "inspections.plan.said": _said,
    "inspections.plan.totals": lambda _bed, _slot: {
        "visits": 1,
        "value_kwh_day": 1.0,
        "inspector_hours": 4.0,
        "kilometres": 9.0,
    },
    "inspections.draw.announced": _announced,
    "inspections.draw.outcome": lambda _bed, _slot: None,
    "inspections.publication.content": _published,
    "inspections.sheet.answers": lambda _bed, _slot: {},
    "inspections.sheet.readings": lambda _bed, _slot: [],
    "inspections.machinecount.serials": lambda bed, _slot: [bed.marker("serials", is_protected=False)],
    "inspections.inspection.second": _second("inspections.inspector"),
}
"""By model and field, or by field alone, what may not be any text: a function of the bed and the slot."""


@dataclass
class Land:
    """A country with all that is planted in it; accounts by region and role, ``all`` having every role."""

    beds: dict[str, Bed] = field(default_factory=dict)
    accounts: dict[str, dict[str, User]] = field(default_factory=dict)
    markers: dict[str, Marker] = field(default_factory=dict)

    def plant(self, code: str) -> Bed:
        """Plant every model in a region."""
        bed = self.bed(code)
        for model in planted_models():
            bed.plant(model)
        for label in ("register.enterprise", "register.site", "register.usagepoint"):
            bed.plant(apps.get_model(label), 1)
        return bed

    def bed(self, code: str) -> Bed:
        """Return a region's bed, in which nothing is planted yet."""
        return self.beds.setdefault(code, Bed(code, len(self.beds) + 1, self.accounts[code], self.markers))

    def outside(self, user: User) -> list[Bed]:
        """Return the beds that an account does not see."""
        return [bed for bed in self.beds.values() if not self._sees(user, bed)]

    def inside(self, user: User) -> list[Bed]:
        """Return the beds that an account sees."""
        return [bed for bed in self.beds.values() if self._sees(user, bed)]

    @staticmethod
    def _sees(user: User, bed: Bed) -> bool:
        return not user.administers and bool(user.region) and bed.region.path.startswith(user.region.path)


def planted_models() -> list[type[models.Model]]:
    """Return the models of the office that belong to a region or an account."""
    return [
        model
        for model in apps.get_models()
        if model.__module__.startswith("minewatch.") and model._meta.label_lower not in NOT_PLANTED
    ]


def settled() -> Land:
    """Return a country with its agencies and accounts, in which nothing is planted yet."""
    land = Land()
    add_regions(REGIONS, OFFICE)
    for region in REGIONS:
        agency = f"energy-{region.code}"
        add_agency(AgencyGiven(agency, "energy", f"{region.name_zh}能源局", region.code), OFFICE)
        roles = {"all": tuple(Role), **{str(role): (role,) for role in Role}}
        land.accounts[region.code] = {
            name: open_account(AccountGiven(f"{name}-{region.code}", PASSWORD, agency, given, None), OFFICE)
            for name, given in roles.items()
        }
    land.accounts["administrators"] = {
        str(kind): open_account(AccountGiven(f"the-{kind}", PASSWORD, "energy-510000", (), kind), OFFICE)
        for kind in Administrator
    }
    return land
