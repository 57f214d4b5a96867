"""The frame of the simulator: the plan of a county, its customers, and what one partition holds."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from zoneinfo import ZoneInfo

import pyarrow as pa

ZONE = ZoneInfo("Asia/Shanghai")


class PlanError(ValueError):
    """A county that cannot be; ``text(language)`` says why in "en" or "zh"."""

    def __init__(self, en: str, zh: str) -> None:
        super().__init__(en, zh)
        self._sentences = {"en": en, "zh": zh}

    def __str__(self) -> str:
        return self._sentences["en"]

    def text(self, language: str) -> str:
        """Return the sentence in ``language``."""
        return self._sentences[language]


@dataclass(frozen=True)
class CountyPlan:
    """Everything that a simulated county follows from: the same plan gives the same bytes.

    ``days`` local days begin on ``start_on``. ``mix`` names the composition ("county" is near nature,
    "training" has as many of each look-alike as of ordinary customers); ``share_of_mines`` is the share of
    customer accounts with mining. A partition holds ``partition_customers`` accounts (the last one fewer).
    Readings are means over ``interval_minutes`` (15, 30 or 60). Without ``voltages`` no meter tells its
    voltage, which saves a quarter of the work; nothing else changes. Raises PlanError for a plan that cannot
    be.
    """

    seed: int
    customers: int
    days: int
    start_on: date = date(2026, 1, 1)
    region_codes: tuple[str, ...] = ("511823", "511824")
    zone: ZoneInfo = ZONE
    share_of_mines: float = 0.01
    mix: str = "county"
    interval_minutes: int = 15
    partition_customers: int = 1000
    voltages: bool = True

    def __post_init__(self) -> None:
        if self.customers < 1 or self.days < 1 or not self.region_codes:
            raise PlanError(
                "a county needs at least one customer, one day and one region",
                "县域至少需要一个用户、一天和一个区划代码",
            )
        if wrong := [code for code in self.region_codes if not (len(code) == 6 and code.isdigit())]:
            raise PlanError(
                f"{wrong[0]!r} is not a region: a GB/T 2260 code has six digits",
                f"{wrong[0]!r}不是区划代码:GB/T 2260 代码为六位数字",
            )
        if not 0 <= self.share_of_mines <= 1:
            raise PlanError(
                f"the share of mines is {self.share_of_mines}; it must lie between 0 and 1",
                f"挖矿用户占比为{self.share_of_mines},应在0与1之间",
            )
        if self.interval_minutes not in (15, 30, 60):
            raise PlanError(
                f"{self.interval_minutes}-minute readings: only 15, 30 and 60 are simulated",
                f"读数间隔{self.interval_minutes}分钟:仅支持15、30、60分钟",
            )
        if self.mix not in ("county", "training"):
            raise PlanError(
                f"no mix is called {self.mix!r}; there are county and training",
                f"没有名为{self.mix!r}的构成;可用 county、training",
            )

    @property
    def partitions(self) -> int:
        """Number of partitions."""
        return -(-self.customers // self.partition_customers)

    @property
    def end_on(self) -> date:
        """First day after the period."""
        return self.start_on + timedelta(days=self.days)

    def region_of(self, partition: int) -> str:
        """Return the GB/T 2260 code of a partition's county."""
        return self.region_codes[partition % len(self.region_codes)]

    def bounds(self, partition: int) -> tuple[int, int]:
        """Return the customer numbers of ``partition`` as (first, last + 1). Raises IndexError outside."""
        if not 0 <= partition < self.partitions:
            raise IndexError(f"partition {partition} of {self.partitions}")
        first = partition * self.partition_customers
        return first, min(first + self.partition_customers, self.customers)


@dataclass(frozen=True)
class MinePlan:
    """Mining behind one account.

    ``kind`` is one of ``minewatch.sim.roster.MINE_KINDS``. Accounts of one operator share ``site``.
    ``machines`` are (model, count); ``power_kw`` is what they draw together at the wall, cooling included, at
    25 degC. ``metered`` is False behind a bypass. ``dialect`` and ``hiding`` are for the network: see
    ``minewatch.sim.roster.DIALECTS`` and ``HIDINGS``. ``onset_on`` may lie before the period; ``end_on`` is
    the first day without, None where it goes on.
    """

    site: str
    kind: str
    machines: tuple[tuple[str, int], ...]
    algorithm: str
    power_kw: float
    onset_on: date
    end_on: date | None
    dialect: str
    hiding: str
    metered: bool = True


@dataclass(frozen=True)
class Customer:
    """One account (usage point) with its place in the grid.

    ``kind`` is one of ``minewatch.sim.classes.CLASSES``; with a mine it is what the account pretends to be.
    ``phase`` is 0, 1, 2, or None for three phases. ``premises`` is the number of the building, the
    same for accounts behind one door. ``claimed_transformer_id`` is what the archive says, which for a few
    is wrong. ``infected`` counts computers that a trojan makes mine (traffic, hardly any power). ``box`` is
    the number of its meter box below the transformer. ``reading`` says how its meter is read: "interval",
    "daily" or, not at all, "silent".
    """

    number: int
    usage_point_id: str
    kind: str
    tariff_class: str
    industry_code: str
    contract_kva: float
    voltage_kv: float
    transformer_id: str
    claimed_transformer_id: str
    feeder_id: str
    phase: int | None
    premises: int
    region_code: str
    lon: float
    lat: float
    opened_on: date
    closed_on: date | None
    mine: MinePlan | None = None
    infected: int = 0
    box: int = 0
    reading: str = "interval"


@dataclass(frozen=True)
class SimulatedPartition:
    """One partition in memory.

    ``tables`` are canonical tables by name (without names, addresses and networks, which
    ``minewatch.sim.people`` adds); ``truth`` the tables of ``minewatch.sim.truth`` that no detector may read.
    """

    number: int
    customers: tuple[Customer, ...]
    tables: Mapping[str, pa.Table] = field(repr=False)
    truth: Mapping[str, pa.Table] = field(repr=False)
