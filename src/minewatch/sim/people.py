"""Who stands behind an account: the name the grid company knows, the enterprise, its landlord, their papers.

Assumed shares: one flat in five is still in a former owner's or a parent's name; half of the small trades are
individual businesses, a fifth have no papers at all; nearly half of all mines sit in rented rooms whose
account is in the landlord's name, and three in five of their companies are registered somewhere else.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from types import MappingProxyType
from typing import Any

from minewatch.sim.county import CountyPlan, Customer
from minewatch.sim.loads.shapes import Rng
from minewatch.sim.mines import nothing_else
from minewatch.sim.names import COMPANY, INDIVIDUAL, INSTITUTION, company, credit_code, person, pick
from minewatch.sim.places import GRID, REGISTER, Place, place_of, region_names, written
from minewatch.sim.streams import stream


@dataclass(frozen=True)
class Enterprise:
    """One entry of the business register, as rows of the table ``enterprises`` have it."""

    enterprise_id: str
    enterprise_name: str
    uscc: str
    registered_address: str
    business_address: str | None
    region_code: str
    industry_code: str | None
    business_scope: str
    registered_on: date
    closed_on: date | None = None


@dataclass(frozen=True)
class Identity:
    """An account's papers: what the grid company wrote, who runs the place and who owns it.

    ``role`` says what ``enterprises`` has at the premises: ``operator`` first, then ``landlord``, ``former``.
    """

    customer_name: str
    uscc: str | None
    address: str
    place: Place
    occupant: str
    enterprises: tuple[tuple[str, Enterprise], ...] = ()

    @property
    def operator(self) -> Enterprise | None:
        """Enterprise that runs the place, where there is one."""
        return next((enterprise for role, enterprise in self.enterprises if role == "operator"), None)


@dataclass(frozen=True)
class _Trade:
    """Words in a company's name, its scope, and where such premises lie."""

    words: tuple[str, ...]
    scope: str
    setting: str = "street"
    individual: float = 0.0
    unregistered: float = 0.0


_TRADES: Mapping[str, _Trade] = MappingProxyType(
    {
        "shop": _Trade(("百货", "副食", "服装", "五金", "药房"), "日用百货零售;食品销售", "street", 0.5, 0.2),
        "restaurant": _Trade(("餐饮", "饭庄", "火锅"), "餐饮服务", "street", 0.5, 0.2),
        "office": _Trade(("商贸", "咨询", "信息科技", "工程管理"), "企业管理咨询;技术服务;会议服务"),
        "hotel": _Trade(("酒店", "宾馆", "民宿"), "住宿服务"),
        "farm": _Trade(("养殖", "生态农业", "畜牧"), "牲畜饲养;家禽饲养;农产品销售", "village", 0.5, 0.25),
        "irrigation": _Trade(("农业开发", "种植"), "灌溉服务;蔬菜种植", "village", 0.1, 0.7),
        "construction_site": _Trade(("建筑工程", "建设"), "房屋建筑工程施工"),
        "workshop": _Trade(("机械加工", "家具", "石材"), "机械零件加工;家具制造", "park", 0.5, 0.15),
        "one_shift": _Trade(("机电", "塑料制品", "五金制品"), "五金制品制造;塑料制品制造", "park"),
        "two_shift": _Trade(("汽车零部件", "食品", "塑业"), "汽车零部件制造;食品生产", "park"),
        "three_shift": _Trade(("纺织", "电子材料", "塑胶"), "纺纱加工;电子专用材料制造", "park"),
        "continuous_process": _Trade(
            ("化工", "纸业", "建材", "纺织"), "基础化学原料制造;水泥制品制造", "park"
        ),
        "telecom_base_station": _Trade(("通信设施",), "通信基础设施建设与维护", "village"),
        "server_room": _Trade(("信息技术", "数据服务", "网络科技"), "信息系统运行维护;软件开发"),
        "gpu_server": _Trade(("智能科技", "影视动画", "数字科技"), "人工智能应用软件开发;动漫制作"),
        "data_centre": _Trade(("数据", "云计算"), "互联网数据中心业务;云计算技术服务", "park"),
        "cold_store": _Trade(("冷链物流", "食品冷藏"), "低温仓储;食品销售", "park"),
        "ev_charger": _Trade(("新能源", "充电服务"), "电动汽车充电基础设施运营"),
        "aquaculture": _Trade(("水产养殖", "渔业"), "水产养殖", "village", 0.5, 0.25),
        "electric_heating": _Trade(("供热", "物业服务"), "热力供应;物业管理"),
        "grow_house": _Trade(("农业科技", "食用菌"), "食用菌种植;蔬菜种植", "village", 0.2, 0.1),
        "pumping_station": _Trade(("自来水", "水务"), "自来水生产与供应", "village"),
        "building_services": _Trade(("物业", "物业服务"), "物业管理"),
        "other": _Trade(("商贸", "实业"), "一般经营"),
        "fuel_station": _Trade(("石化", "加油站"), "成品油零售"),
    }
)
_PUBLIC: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "school": ("中学", "中心小学", "职业中学"),
        "hospital": ("中心卫生院", "中医医院"),
        "street_light": ("市政设施管理所", "路灯管理站"),
    }
)
_SHELL = (
    ("农业科技", "农产品种植;农业技术推广"),
    ("信息科技", "软件开发;计算机系统服务;区块链技术相关软件和服务"),
    ("新能源科技", "新能源技术研发;充电桩安装"),
    ("商贸", "日用百货销售;电子产品销售"),
    ("网络科技", "网络技术服务;游戏软件开发"),
    ("大数据", "大数据服务;数据处理和存储支持服务"),
    ("电子科技", "计算机整机制造;电子元器件销售"),
    ("文化传媒", "组织文化艺术交流活动;动漫制作"),
)
_BEYOND = 60
"""House numbers from which no account is."""

_NOTES = ("", "", "", "", "(自主申报)", "(集群注册)", "(住改商)")


def identities(plan: CountyPlan, number: int, customers: Sequence[Customer]) -> dict[int, Identity]:
    """Return customer number → papers for the customers of partition ``number``."""
    return {customer.number: _identity(plan, number, customer) for customer in customers}


def _setting(rng: Rng, customer: Customer) -> str:
    """Where the premises lie; for accounts behind one door the same."""
    kind = customer.kind
    if customer.mine is not None and nothing_else(customer.mine.kind):
        return pick(rng, ("park", "park", "village", "street"))
    if kind in ("household", "empty_home"):
        return "estate" if rng.random() < 0.5 else "village"
    return _TRADES[kind].setting if kind in _TRADES else "street"


def enterprise_rows(papers: Mapping[int, Identity]) -> list[dict[str, Any]]:
    """Return rows of the table ``enterprises``, each enterprise once, ordered by its number."""
    entries = {
        enterprise.enterprise_id: enterprise
        for identity in papers.values()
        for _, enterprise in identity.enterprises
    }
    return [vars(entries[key]) for key in sorted(entries)]


def link_rows(customers: Sequence[Customer], papers: Mapping[int, Identity]) -> Iterator[dict[str, Any]]:
    """Yield rows of ``truth_enterprises``: which enterprise is what at which account."""
    for customer in customers:
        for role, enterprise in papers[customer.number].enterprises:
            yield {
                "usage_point_id": customer.usage_point_id,
                "enterprise_id": enterprise.enterprise_id,
                "role": role,
            }


def line_holder(plan: CountyPlan, number: int, customer: Customer, plant_name: str) -> Identity:
    """Return the papers of a mine on a plant's private line; ``customer`` stands for its place and mine."""
    place = replace(place_of(plan, number, customer.premises, "village"), setting="plant", site=plant_name)
    rng = stream(plan.seed, number, customer.number, "papers")
    return _Writer(plan, number, customer, place, rng).farm_of_machines()


def tap_holder(plan: CountyPlan, number: int, customer: Customer) -> Identity:
    """Return the papers of a mine on a feeder's line: in a village, beyond its last house."""
    place = place_of(plan, number, customer.premises, "village")
    place = replace(place, number=place.number + _BEYOND)
    rng = stream(plan.seed, number, customer.number, "papers")
    return _Writer(plan, number, customer, place, rng).farm_of_machines()


def _identity(plan: CountyPlan, number: int, customer: Customer) -> Identity:
    premises = stream(plan.seed, number, customer.premises, "premises")
    place = place_of(plan, number, customer.premises, _setting(premises, customer))
    rng = stream(plan.seed, number, customer.number, "papers")
    writer = _Writer(plan, number, customer, place, rng)
    if customer.mine is not None and nothing_else(customer.mine.kind):
        return writer.farm_of_machines()
    if customer.kind in ("household", "empty_home"):
        return writer.home()
    return writer.institution() if customer.kind in _PUBLIC else writer.business()


class _Writer:
    """Writes one account's papers, always in the same order of draws."""

    def __init__(self, plan: CountyPlan, number: int, customer: Customer, place: Place, rng: Rng) -> None:
        self._plan, self._number, self._customer, self._place, self._rng = plan, number, customer, place, rng

    def home(self) -> Identity:
        occupant = person(self._rng)
        known = occupant if self._rng.random() < 0.8 else person(self._rng)
        return self._papers(known, None, occupant, ())

    def institution(self) -> Identity:
        words = pick(self._rng, _PUBLIC[self._customer.kind])
        name = f"{self._place.county}{self._place.town}{words}"
        entry = self._enterprise(name, INSTITUTION, "公益服务", 0)
        return self._papers(name, entry.uscc, name, (("operator", entry),))

    def business(self) -> Identity:
        trade, rng = _TRADES[self._customer.kind], self._rng
        draw = rng.random()
        if draw < trade.unregistered:
            name = person(rng)
            return self._papers(name, None, name, ())
        if draw < trade.unregistered + trade.individual:
            owner = person(rng)
            name = f"{self._place.county}{self._place.town}{owner[-1]}记{pick(rng, trade.words)}店"
            entry = self._enterprise(name, INDIVIDUAL, trade.scope, 0)
            return self._papers(owner if rng.random() < 0.6 else name, None, owner, (("operator", entry),))
        name = company(rng, self._place.county[:-1], pick(rng, trade.words))
        entry = self._enterprise(name, COMPANY, trade.scope, 0)
        return self._rented((("operator", entry),), entry, 0.15)

    def farm_of_machines(self) -> Identity:
        """Write a company with an innocuous name, often in rented rooms."""
        word, scope = _SHELL[int(self._rng.integers(len(_SHELL)))]
        name = company(self._rng, self._place.county[:-1], word)
        entry = self._enterprise(name, COMPANY, scope, 0, elsewhere=0.6)
        return self._rented((("operator", entry),), entry, 0.45)

    def _rented(
        self, enterprises: tuple[tuple[str, Enterprise], ...], operator: Enterprise, chance: float
    ) -> Identity:
        """Account in the operator's name, or with ``chance`` in its landlord's: a person or a company."""
        rng, known, uscc = (
            self._rng,
            operator.enterprise_name,
            operator.uscc if self._rng.random() < 0.55 else None,
        )
        if rng.random() < chance:
            known, uscc = person(rng), None
            if rng.random() < 0.5:
                landlord = self._enterprise(
                    company(rng, self._place.county[:-1], pick(rng, ("实业", "物业管理", "农机", "丝绸"))),
                    COMPANY,
                    "房屋租赁;物业管理",
                    1,
                )
                known, enterprises = landlord.enterprise_name, (*enterprises, ("landlord", landlord))
        if rng.random() < 0.08:
            former = company(rng, self._place.county[:-1], pick(rng, ("贸易", "包装", "食品", "制衣")))
            closed = self._enterprise(former, COMPANY, "日用百货销售", 2, closed=True)
            enterprises = (*enterprises, ("former", closed))
        return self._papers(known, uscc, operator.enterprise_name, enterprises)

    def _papers(
        self, known: str, uscc: str | None, occupant: str, enterprises: tuple[tuple[str, Enterprise], ...]
    ) -> Identity:
        address = written(self._rng, self._place, GRID)
        return Identity(known, uscc, address, self._place, occupant, enterprises)

    def _enterprise(
        self, name: str, form: str, scope: str, entry: int, *, elsewhere: float = 0.15, closed: bool = False
    ) -> Enterprise:
        rng, region = self._rng, self._customer.region_code
        here = written(rng, self._place, REGISTER)
        moved = rng.random() < elsewhere
        registered = _office(rng, region) if moved else here
        told = rng.random() < (0.35 if elsewhere > 0.5 else 0.7 if moved else 0.4)
        age = int(rng.integers(20, 500)) if elsewhere > 0.5 else int(rng.integers(200, 6000))
        born = min(self._customer.opened_on, self._plan.start_on) - timedelta(days=age)
        return Enterprise(
            enterprise_id=f"{region}{self._customer.number:09d}{entry}",
            enterprise_name=name,
            uscc=credit_code(rng, form, region if rng.random() < 0.85 else f"{region[:2]}0100"),
            registered_address=registered + (pick(rng, _NOTES) if form == COMPANY else ""),
            business_address=written(rng, self._place, REGISTER) if told else None,
            region_code=region,
            industry_code=self._customer.industry_code or None,
            business_scope=scope,
            registered_on=born,
            closed_on=self._plan.start_on - timedelta(days=int(rng.integers(1, 400))) if closed else None,
        )


def _office(rng: Rng, region_code: str) -> str:
    """Return a desk in the county town where a service company registers many firms."""
    province, city, county = region_names(region_code)
    return f"{province}{city}{county}城关镇新民路{int(rng.integers(1, 60))}号{int(rng.integers(2, 20))}楼"
