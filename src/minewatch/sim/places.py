"""Premises, and their addresses as the grid company, carriers and the business register write them.

Towns, villages, roads and estates are invented. The same premises are written differently in each register:
parts are left out or abbreviated, digits are half-width, full-width or Chinese, there are spaces and typing
errors, and a building is 栋, 幢 or a bare number. How often is assumed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from minewatch.sim.county import CountyPlan
from minewatch.sim.loads.shapes import Rng
from minewatch.sim.names import pick
from minewatch.sim.streams import stream

_KNOWN = {"511823": ("四川省", "雅安市", "汉源县"), "511824": ("四川省", "雅安市", "石棉县")}
_PROVINCES = {
    "11": "北京市", "12": "天津市", "13": "河北省", "14": "山西省", "15": "内蒙古自治区",
    "21": "辽宁省", "22": "吉林省", "23": "黑龙江省", "31": "上海市", "32": "江苏省", "33": "浙江省",
    "34": "安徽省", "35": "福建省", "36": "江西省", "37": "山东省", "41": "河南省", "42": "湖北省",
    "43": "湖南省", "44": "广东省", "45": "广西壮族自治区", "46": "海南省", "50": "重庆市",
    "51": "四川省", "52": "贵州省", "53": "云南省", "54": "西藏自治区", "61": "陕西省", "62": "甘肃省",
    "63": "青海省", "64": "宁夏回族自治区", "65": "新疆维吾尔自治区",
}  # fmt: skip
_LAND_FIRST = "清白青石双大小龙云金长红黄松竹杨柳梅桥水"
_LAND_LAST = "溪岩坪湾坝沟岭坡河塘滩山林桥垭坎"
_ROADS = ("枫林", "滨河", "迎宾", "新民", "解放", "建设", "文化", "朝阳", "西环", "北门", "振兴", "平安")
_ESTATES = ("锦绣花园", "阳光家园", "滨河新城", "翠竹苑", "书香里", "怡景名都", "幸福小区", "和顺小区")
_PARKS = ("工业园区", "农产品加工园", "创业园", "物流园")
_CHINESE = "零一二三四五六七八九"
_TYPOS = MappingProxyType(
    {
        "溪": "西",
        "岩": "崖",
        "坪": "平",
        "坝": "坎",
        "镇": "真",
        "村": "寸",
        "园": "圆",
        "阳": "杨",
        "滨": "宾",
        "青": "清",
    }
)
_FULL_WIDTH = {ord(character): ord(character) + 0xFEE0 for character in "0123456789-"}


@dataclass(frozen=True)
class Place:
    """The true address of one door, part by part; parts that do not apply are empty.

    ``setting`` is village, estate, street, park or plant.
    """

    setting: str
    province: str
    city: str
    county: str
    town: str
    site: str
    number: int
    building: int = 0
    unit: int = 0
    room: int = 0


class _Style(NamedTuple):
    """Chances of a short front, no town, no last part, full-width digits, spaces, a typing error."""

    short: float
    no_town: float
    late: float
    digits: float
    spaces: float
    typo: float


GRID, CARRIER, REGISTER = "grid", "carrier", "register"
"""Who writes an address."""

_STYLES: Mapping[str, _Style] = MappingProxyType(
    {
        GRID: _Style(0.75, 0.1, 0.15, 0.2, 0.04, 0.03),
        CARRIER: _Style(0.85, 0.2, 0.2, 0.3, 0.15, 0.04),
        REGISTER: _Style(0.05, 0.02, 0.05, 0.1, 0.01, 0.01),
    }
)


@lru_cache(maxsize=64)
def region_names(region_code: str) -> tuple[str, str, str]:
    """Return (province, city, county) of a region; where only the province is known the rest is invented."""
    if region_code in _KNOWN:
        return _KNOWN[region_code]
    rng = stream(0, "region", region_code)
    return _PROVINCES.get(region_code[:2], "某省"), f"{_land(rng)}市", f"{_land(rng)}县"


@lru_cache(maxsize=256)
def _gazetteer(
    plan: CountyPlan, number: int
) -> tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Town, villages, roads and estates of a partition."""
    rng = stream(plan.seed, number, "gazetteer")
    villages = tuple({f"{_land(rng)}村": None for _ in range(10)})
    roads = tuple(f"{name}路" for name in rng.permutation(_ROADS)[:6])
    return (
        f"{_land(rng)}{pick(rng, '镇镇镇乡')}",
        villages,
        roads,
        tuple(map(str, rng.permutation(_ESTATES)[:5])),
    )


def _land(rng: Rng) -> str:
    return pick(rng, _LAND_FIRST) + pick(rng, _LAND_LAST)


def place_of(plan: CountyPlan, number: int, premises: int, setting: str) -> Place:
    """Return the place of ``premises`` of partition ``number``; no two premises have the same."""
    town, villages, roads, estates = _gazetteer(plan, number)
    province, city, county = region_names(plan.region_of(number))
    modulus = plan.partition_customers + int(plan.partition_customers % 389 == 0)
    slot = (
        (premises - plan.bounds(number)[0]) * 389 % modulus
    )  # neighbours in number do not live side by side
    base = Place(setting, province, city, county, town, "", 0)
    if setting == "village":
        rest, village = divmod(slot, len(villages))
        house, group = divmod(rest, 8)
        return replace(base, site=villages[village], unit=group + 1, number=house + 1)
    if setting == "estate":
        rest, estate = divmod(slot, len(estates))
        rest, door = divmod(rest, 4)
        rest, floor = divmod(rest, 11)
        building, unit = divmod(rest, 3)
        room = (floor + 1) * 100 + door + 1
        flat = replace(base, building=building + 1, unit=unit + 1, room=room)
        return replace(flat, site=estates[estate], number=estate * 37 + 8)
    rest, road = divmod(slot, len(roads))
    if setting == "park":
        park = f"{roads[road]}{_PARKS[rest % len(_PARKS)]}"
        return replace(base, site=park, number=0, building=rest // len(_PARKS) + 1)
    return replace(base, site=roads[road], number=rest + 1)


def written(rng: Rng, place: Place, who: str) -> str:
    """Return ``place`` as ``who`` (``GRID``, ``CARRIER``, ``REGISTER``) writes it this time."""
    style = _STYLES[who]
    front = _front(rng, place, rng.random() < style.short)
    town = "" if front and rng.random() < style.no_town else place.town
    if town and rng.random() < style.no_town:
        town = town[:-1]
    parts = [front, town, *_door(rng, place, who, rng.random() < style.late)]
    text = (" " if rng.random() < style.spaces else "").join(part for part in parts if part)
    if rng.random() < style.digits:
        text = text.translate(_FULL_WIDTH)
    return _mistyped(rng, text) if rng.random() < style.typo else text


def _front(rng: Rng, place: Place, short: bool) -> str:
    if not short:
        return f"{place.province}{place.city}{place.county}"
    fronts = (
        place.county,
        place.county[:-1],
        f"{place.city}{place.county}",
        f"{place.province[:-1]}{place.city[:-1]}{place.county}",
        "",
    )
    return str(rng.choice(fronts, p=(0.5, 0.12, 0.13, 0.1, 0.15)))


def _door(rng: Rng, place: Place, who: str, late: bool) -> tuple[str, ...]:
    if place.setting == "village":
        word = pick(rng, ("组", "组", "社")) if who != REGISTER else "组"
        group = _CHINESE[place.unit] if rng.random() < 0.25 else str(place.unit)
        village = place.site[:-1] if who == CARRIER and rng.random() < 0.15 else place.site
        return village, f"{group}{word}", "" if late else f"{place.number}号"
    if place.setting == "estate":
        street = f"{_ROADS[place.number % len(_ROADS)]}路{place.number}号" if who == REGISTER else ""
        return street, place.site, _flat(rng, place, late)
    if place.setting == "plant":
        return place.site, pick(rng, ("厂区", "院内", "厂房旁", ""))
    if place.setting == "park":
        hall = pick(rng, ("栋", "幢", "号厂房", "号楼"))
        return place.site, "" if late else f"{place.building}{hall}"
    suffix = pick(rng, ("", "", "", "附1号", "1楼", "门面")) if who != REGISTER else ""
    return place.site, f"{place.number}号", suffix


def _flat(rng: Rng, place: Place, late: bool) -> str:
    if rng.random() < 0.3:
        return f"{place.building}-{place.unit}-{place.room}"
    word = pick(rng, ("栋", "幢", "号楼"))
    room = "" if late else f"{place.room}{pick(rng, ('室', '号', ''))}"
    return f"{place.building}{word}{place.unit}单元{room}"


def _mistyped(rng: Rng, text: str) -> str:
    where = [n for n, character in enumerate(text) if character in _TYPOS]
    if not where:
        return text
    at = where[int(rng.integers(len(where)))]
    return text[:at] + _TYPOS[text[at]] + text[at + 1 :]
