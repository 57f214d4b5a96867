"""Who lives in a partition: customers with their class, place in the grid, tariff and mine."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache

from minewatch.sim.classes import CLASSES, CustomerClass, shares
from minewatch.sim.county import CountyPlan, Customer, MinePlan
from minewatch.sim.loads.shapes import Rng, log_uniform
from minewatch.sim.mines import MINE_KINDS, draw_mine, mine_kind
from minewatch.sim.streams import stream

DEDICATED_KVA = 100.0
"""From this contract size a customer has a transformer of its own (专变)."""

INFECTED = 0.16
"""Share of offices, schools, hospitals and server rooms with a mining trojan: about a fifth of all mining
addresses then are victims, as Jiangsu found (21 %)."""

MOVED_BOXES = 1 / 60
"""Share of meter boxes that the archive has under the transformer before, assumed; with single meters that
makes about 2 % of accounts. Areas are reported with 1 to 5 % before their archives are cleaned."""

READ_DAILY, SILENT = 0.03, 0.004
"""Share of homes whose meter is read once a day, and of accounts with no readings at all; both assumed."""

_CENTRES = {"511823": (102.65, 29.35), "511824": (102.36, 29.23)}


@dataclass(frozen=True)
class _Slot:
    """An account before it has a place in the grid."""

    kind: str
    mine: MinePlan | None


def roster(plan: CountyPlan, number: int) -> tuple[Customer, ...]:
    """Return the customers of partition ``number``, ordered by their number."""
    first, last = plan.bounds(number)
    rng = stream(plan.seed, number, "roster")
    slots = list(_slots(plan, number, first, last))
    order = rng.permutation(len(slots))
    placed = _Placement(plan, number, rng)
    return tuple(placed.customer(first + n, slots[int(slot)]) for n, slot in enumerate(order))


def _slots(plan: CountyPlan, number: int, first: int, last: int) -> Iterator[_Slot]:
    """Yield one slot per account: mines by quota of the whole county, then classes by theirs."""
    left = last - first
    for mine_number in range(*_quota(plan, "mines", plan.share_of_mines, first, last)):
        kind = mine_kind(plan, mine_number)
        for mine in _accounts(plan, mine_number, kind):
            if left:
                left -= 1
                rng = stream(plan.seed, number, "host", mine_number, left)
                yield _Slot(str(rng.choice(MINE_KINDS[kind].hosts)), mine)
    for name, share in shares(plan.mix).items():
        if name != "household":
            low, high = _quota(plan, name, share, first, last)
            for _ in range(min(high - low, left)):
                left -= 1
                yield _Slot(name, None)
    for _ in range(left):
        yield _Slot("household", None)


def _quota(plan: CountyPlan, topic: str, share: float, first: int, last: int) -> tuple[int, int]:
    """Return the numbers of ``topic`` that fall to a partition: exact over the county, by any order."""
    offset = _offset(plan.seed, topic)
    return int(share * first + offset), int(share * last + offset)


@lru_cache(maxsize=256)
def _offset(seed: int, topic: str) -> float:
    return float(stream(seed, "county", "quota", topic).random())


def _accounts(plan: CountyPlan, mine_number: int, kind: str) -> Iterator[MinePlan]:
    rng = stream(plan.seed, "county", "mine", mine_number)
    mine = draw_mine(rng, plan, kind, f"S{mine_number:06d}")
    yield mine
    for _ in range(MINE_KINDS[kind].accounts - 1):
        other = draw_mine(rng, plan, kind, mine.site)
        yield replace(other, onset_on=mine.onset_on, end_on=mine.end_on, hiding=mine.hiding)


class _Area:
    """The area of a shared transformer (公变台区) while it fills: its meters hang in boxes of 2 to 12.

    One box in 60 stands in the archive under the transformer that it hung on before the area was split.
    """

    def __init__(self, rng: Rng, transformer_id: str, room: int, before: str) -> None:
        self._rng, self.transformer_id, self.room, self._before = rng, transformer_id, room, before
        self.box, self._left, self.claimed = -1, 0, transformer_id

    def hang(self) -> None:
        """Hang one more meter: in ``box``, by the archive under ``claimed``."""
        self.room -= 1
        if self._left == 0:
            self.box, self._left = self.box + 1, int(self._rng.integers(2, 13))
            moved = self._before and self._rng.random() < MOVED_BOXES
            self.claimed = self._before if moved else self.transformer_id
        self._left -= 1


class _Placement:
    """Gives accounts of one partition their place: shared transformers fill up, large ones get their own."""

    def __init__(self, plan: CountyPlan, number: int, rng: Rng) -> None:
        self._plan, self._number, self._rng = plan, number, rng
        self._region = plan.region_of(number)
        self._transformers = 0
        self._areas: list[_Area] = []
        self._site_premises: dict[str, int] = {}
        east, north = _CENTRES.get(self._region, (104.0, 30.5))
        self._place = (east + rng.normal(0, 0.15), north + rng.normal(0, 0.12))

    def customer(self, number: int, slot: _Slot) -> Customer:
        rng = stream(self._plan.seed, self._number, number, "customer")
        spec = CLASSES[slot.kind]
        contract = _contract_kva(rng, spec, slot.mine)
        own = contract >= DEDICATED_KVA
        transformer, box, claimed = (self._next(), 0, "") if own else self._hung(rng)
        premises = number
        if slot.mine is not None:
            premises = self._site_premises.setdefault(slot.mine.site, number)
        return Customer(
            number=number,
            usage_point_id=f"0{self._region[:2]}{number:010d}",
            kind=slot.kind,
            tariff_class=_tariff(rng, spec, slot.mine, contract),
            industry_code=_industry(rng, spec, slot.mine),
            contract_kva=contract,
            voltage_kv=10.0 if own else (0.22 if contract < 12 else 0.38),
            transformer_id=transformer,
            claimed_transformer_id=transformer if own else self._claimed(rng, claimed),
            feeder_id=feeder_of(transformer),
            phase=None if contract >= 12 else int(rng.integers(0, 3)),
            premises=premises,
            region_code=self._region,
            lon=round(self._place[0] + rng.normal(0, 0.02), 6),
            lat=round(self._place[1] + rng.normal(0, 0.02), 6),
            opened_on=_opened(rng, self._plan, spec, slot.mine),
            closed_on=None,
            mine=slot.mine,
            infected=int(rng.integers(1, 40)) if _is_victim(rng, slot) else 0,
            box=box,
            reading=_reading(self._plan, self._number, number, slot),
        )

    def _next(self) -> str:
        self._transformers += 1
        return f"T{self._region}-{self._number:05d}-{self._transformers:03d}"

    def _hung(self, rng: Rng) -> tuple[str, int, str]:
        """Return a shared transformer with room, the meter's box, and what the archive says of the box."""
        if not self._areas or self._areas[-1].room == 0:
            before = self._areas[-1].transformer_id if self._areas else ""
            name, room = self._next(), int(rng.integers(40, 200))
            boxes = stream(self._plan.seed, self._number, name, "boxes")
            self._areas.append(_Area(boxes, name, room, before))
        area = self._areas[-1]
        area.hang()
        return area.transformer_id, area.box, area.claimed

    def _claimed(self, rng: Rng, of_box: str) -> str:
        """One in 200 on a shared transformer stands in the archive under another one."""
        if self._transformers < 2 or rng.random() > 0.005:
            return of_box
        return self._areas[int(rng.integers(len(self._areas)))].transformer_id


def feeder_of(transformer_id: str) -> str:
    """Return the feeder of a transformer: twenty transformers hang on one."""
    head, _, tail = transformer_id.rpartition("-")
    return f"F{head[1:]}-{(int(tail) - 1) // 20 + 1:02d}"


def _contract_kva(rng: Rng, spec: CustomerClass, mine: MinePlan | None) -> float:
    low, high = spec.kva
    if mine is None:
        return round(log_uniform(rng, low, high), 1 if high < 100 else 0)
    if mine.kind == "bypass":
        return round(log_uniform(rng, low, min(high, 90)), 1)
    empty = MINE_KINDS[mine.kind].empty
    host = 0.0 if empty else log_uniform(rng, low, max(min(high, 4 * mine.power_kw), low * 1.01))
    needed = (
        (mine.power_kw * rng.uniform(1.05, 1.6) + host * 0.6)
        if mine.kind != "home"
        else mine.power_kw * 1.2 + 4
    )
    return round(float(max(needed, host, low)), 1 if needed < 100 else 0)


def _tariff(rng: Rng, spec: CustomerClass, mine: MinePlan | None, contract_kva: float) -> str:
    if mine is not None and MINE_KINDS[mine.kind].tariff:
        return str(MINE_KINDS[mine.kind].tariff)
    tariff = spec.tariffs[0]
    if not tariff.startswith("commercial"):
        return tariff
    if contract_kva < 100:
        return "commercial_single"
    if contract_kva >= 315:
        return "commercial_two_part"
    return str(rng.choice(("commercial_single", "commercial_two_part")))


def _industry(rng: Rng, spec: CustomerClass, mine: MinePlan | None) -> str:
    if (
        mine is not None
        and MINE_KINDS[mine.kind].empty
        and mine.kind not in ("heating_tariff", "split_accounts")
    ):
        return str(rng.choice(("6550", "6450", "6513", "6422", "3911", "7211", "5211")))
    return str(rng.choice(spec.industries))


def _opened(rng: Rng, plan: CountyPlan, spec: CustomerClass, mine: MinePlan | None) -> date:
    if mine is not None and MINE_KINDS[mine.kind].empty and rng.random() < 0.7:
        return mine.onset_on - timedelta(days=int(rng.integers(1, 40)))
    if rng.random() < spec.habits.opening * plan.days / 365:
        return plan.start_on + timedelta(days=int(rng.integers(0, plan.days)))
    return plan.start_on - timedelta(days=int(rng.integers(30, 7000)))


def _reading(plan: CountyPlan, number: int, customer: int, slot: _Slot) -> str:
    """Return how the account's meter comes in; all by intervals in training, which has views of its own."""
    if plan.mix != "county":
        return "interval"
    draw = stream(plan.seed, number, customer, "reading").random()
    if draw < SILENT and slot.mine is None:
        return "silent"
    home = slot.kind in ("household", "empty_home")
    return "daily" if home and draw > 1 - READ_DAILY else "interval"


def _is_victim(rng: Rng, slot: _Slot) -> bool:
    return (
        slot.mine is None
        and slot.kind in ("office", "school", "hospital", "server_room")
        and rng.random() < INFECTED
    )
