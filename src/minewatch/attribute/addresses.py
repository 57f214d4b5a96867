"""Addresses as people write them, taken apart so that two spellings of one door give one key.

Only what is written is used: a place without county, a road known in two towns or "opposite the school" gives
no key but a refusal, because a wrong door accuses a neighbour. Chinese order (large to small) and Latin
order (small to large) are read; numerals, width and traditional forms are made equal.
"""

import re
import unicodedata
from typing import NamedTuple

_SIMPLIFIED = str.maketrans(
    "號樓棟區縣鎮鄉莊東國廣場園層單門電業灣橋龍雲興華陽漢濱義學寧",
    "号楼栋区县镇乡庄东国广场园层单门电业湾桥龙云兴华阳汉滨义学宁",
)
_DIGITS = {c: n for n, c in enumerate("〇一二三四五六七八九")} | {"零": 0, "两": 2}
_NUMERAL = re.compile(r"[〇零一二两三四五六七八九十百]+(?=号|段|组|社|队|栋|幢|座|单元|楼|层|室|期)")
_RELATIVE = re.compile(r"对面|附近|旁边?|隔壁|背后|以[东南西北]|\b(near|opposite|behind|next to)\b")
_HEAD = re.compile(
    r"(?:[^\d省]{2,7}?(?:省|自治区))?"
    r"(?:[^\d市县区镇乡路街村]{2,8}?(?:自治州|市|盟|州))?"
    r"(?P<county>[^\d镇乡路街村号]{1,8}?(?:自治县|县|(?<![小社园库厂校景发业矿牧林住])区|市|旗))?"
)
_TOWN = re.compile(r"(?P<town>[^\d号路村]{1,8}?(?:镇|乡|街道办事处|街道|办事处))(?![路街村])")
_VILLAGE = re.compile(
    r"(?P<village>[^\d号路街]{1,10}?)(?:(?:村民委员会|村委会|村|社区|居委会)(?![路街])(?:(?P<group>\d+)(?:村民小组|组|社|队))?"
    r"|(?P<bare>\d+)(?:村民小组|组|社))"
)
_ESTATE = (
    "工业园区|产业园区|工业园|产业园|科技园|物流园|园区|开发区|集中区"
    "|小区|花园|家园|苑|广场|市场|大厦|新城|园"
)
_COMPOUND = re.compile(
    rf"(?P<compound>[^\d号]{{1,14}}?(?:(?:{_ESTATE})+(?![路街巷])(?:(?P<phase>\d+)期)?"
    r"|(?=\d+(?:栋|幢|座|号楼|号厂房|-\d))))"
)
_ROAD = re.compile(
    r"(?P<road>[^\d号]{1,12}?(?:大道|大街|路|街|巷|弄|胡同|道|线))(?:(?P<part>[东南西北中]?\d+)段)?(?=\d)"
)
_NUMBER = re.compile(r"(?P<number>\d+(?:[-之]\d+)*[a-z]?)(?:号|#)(?!楼|院|厂房)")
_BUILDING = re.compile(r"(?P<building>\d+|[a-z])(?:号楼|号院|号厂房|栋|幢|座|(?=-\d))")
_REST = re.compile(r"单元|号楼|号院|号厂房|门面|门市|商铺|[附层楼室房户号栋幢座#]|[\s,.\-()]+")
_FLAT_WITHOUT_ROOM = re.compile(r"单元\D*$")

_LATIN_UNIT = re.compile(r"\b(?:apt|apartment|unit|room|rm|suite|building|bldg|block)\.? ?([\w-]+)")
_LATIN_ROAD = re.compile(
    r"(?:\bno\.? ?)?(?P<number>\d+[a-z]?),? (?P<road>[a-z][a-z' -]*?)"
    r" (?P<suffix>road|rd|street|st|avenue|ave|lane|ln|lu|jie|xiang|dadao)\b"
)
_LATIN_TOWN = re.compile(r"(?P<town>[a-z][a-z' -]*?) (?:town|township|zhen|xiang)\b")
_LATIN_COUNTY = re.compile(r"(?P<county>[a-z][a-z' -]*?) (?:county|district|xian|qu)\b")
_LATIN_SUFFIX = {"rd": "road", "lu": "road", "st": "street", "jie": "street", "ave": "avenue", "ln": "lane"}


class Address(NamedTuple):
    """Parts of one address; None where it does not say.

    ``place`` is a road, an estate or a village with its group, ``number`` the street number or building in
    it, ``unit`` what tells doors of one building apart. ``relative``: the text says only what it is near.
    ``whole_door`` is False for a flat whose room is missing.
    """

    county: str | None = None
    town: str | None = None
    place: str | None = None
    number: str | None = None
    unit: str = ""
    relative: bool = False
    whole_door: bool = True


def parse_address(text: str | None) -> Address:
    """Take one address apart; what is not recognised stays in ``unit``, so that doors are not merged."""
    if not text or not text.strip():
        return Address()
    plain = unicodedata.normalize("NFKC", text).lower().translate(_SIMPLIFIED)
    relative = _RELATIVE.search(plain) is not None
    parsed = _parse_latin(plain) if plain.isascii() else _parse_chinese(plain)
    return parsed._replace(relative=relative)


def _parse_chinese(text: str) -> Address:
    compact = re.sub(r"[\s,。、;]+", "", text)
    rest = _NUMERAL.sub(lambda match: str(_number_of(match[0])), compact)
    found: dict[str, str] = {}
    for pattern in (_HEAD, _TOWN, _VILLAGE, _COMPOUND, _ROAD, _NUMBER, _COMPOUND, _BUILDING):
        if match := pattern.match(rest):
            found |= {name: value for name, value in match.groupdict().items() if value}
            rest = rest[match.end() :]
            if pattern is _NUMBER and "road" in found:
                found.pop("compound", None)  # the park that the road runs through; an estate comes after
    place, number, unit = _place(found)
    units = "-".join(part for part in (*unit, *_REST.split(rest)) if part)
    whole = not _FLAT_WITHOUT_ROOM.search(rest)
    return Address(found.get("county"), found.get("town"), place, number, units, whole_door=whole)


def _place(found: dict[str, str]) -> tuple[str | None, str | None, tuple[str, ...]]:
    """Return place, number and first part of the unit.

    An estate with its building goes before the road it stands on, which half of the writers leave out.
    """
    building, number = found.get("building"), found.get("number")
    if "compound" in found and building:
        return found["compound"] + found.get("phase", ""), f"{building}栋", ()
    unit = (building,) if building else ()
    if "road" in found:
        return found["road"] + found.get("part", ""), number, unit
    if "compound" in found:
        return found["compound"] + found.get("phase", ""), number, unit
    if "village" in found:
        return f"{found['village']}村{found.get('group') or found.get('bare', '')}", number, unit
    return None, number, unit


def _parse_latin(text: str) -> Address:
    text = re.sub(r"[ \t]+", " ", text.strip())
    unit = "-".join(sorted(_LATIN_UNIT.findall(text)))
    bare = _LATIN_UNIT.sub("", text)
    road = _LATIN_ROAD.search(bare)
    town, county = _LATIN_TOWN.search(bare), _LATIN_COUNTY.search(bare)
    place = f"{road['road']} {_LATIN_SUFFIX.get(road['suffix'], road['suffix'])}" if road else None
    return Address(
        county["county"].strip() if county else None,
        town["town"].strip() if town else None,
        place,
        road["number"] if road else None,
        unit,
    )


def _number_of(numeral: str) -> int:
    """Return a Chinese numeral up to 999 as a number: 二十三 → 23, 一〇五 → 105."""
    if not any(c in numeral for c in "十百"):
        return int("".join(str(_DIGITS[c]) for c in numeral))
    total, digit = 0, 0
    for c in numeral:
        if c in "十百":
            total += (digit or 1) * (10 if c == "十" else 100)
            digit = 0
        else:
            digit = _DIGITS[c]
    return total + digit
