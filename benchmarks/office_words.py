"""Plausible Chinese names, addresses and numbers for an office of a whole country; nobody's in particular."""

from collections.abc import Sequence

import numpy as np

Rng = np.random.Generator

SURNAMES = tuple("王李张刘陈杨黄赵吴周徐孙马朱胡郭何林罗高郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余")
GIVEN = tuple("伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉萍红玲建国志新文海林峰雪梅春兰天宇晨")
_BRANDS = tuple("清流远航鼎盛华瑞天成恒信宏达云峰金源锦程博雅星辰汇通泰和启明润泽中联浩宇创想立新")
_TRADES = (
    "科技",
    "数据",
    "网络",
    "信息技术",
    "能源",
    "电子",
    "贸易",
    "商贸",
    "农业开发",
    "物流",
    "实业",
    "水电",
)
_FORMS = ("有限公司", "有限责任公司", "股份有限公司")
_ROADS = (
    "人民",
    "解放",
    "建设",
    "中山",
    "和平",
    "新华",
    "滨河",
    "工业",
    "科技",
    "迎宾",
    "文化",
    "长江",
    "朝阳",
)
_PLACES = ("院", "栋", "号楼", "厂区", "仓库", "园区", "村", "组")
_CODE_LETTERS = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_CODE_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_BECH32 = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"


def _drawn(rng: Rng, words: Sequence[str], number: int) -> np.ndarray:
    return np.array(words, dtype=object)[rng.integers(0, len(words), number)]


def people(rng: Rng, number: int) -> list[str]:
    """Return names of people."""
    first, second = _drawn(rng, GIVEN, number), _drawn(rng, (*GIVEN, ""), number)
    return list(_drawn(rng, SURNAMES, number) + first + second)


def companies(rng: Rng, places: Sequence[str]) -> list[str]:
    """Return names of companies, one in each of ``places``."""
    number = len(places)
    brand = _drawn(rng, _BRANDS, number) + _drawn(rng, _BRANDS, number) + _drawn(rng, (*_BRANDS, ""), number)
    trade = _drawn(rng, _TRADES, number) + _drawn(rng, _FORMS, number)
    return [f"{place[:2]}{rest}" for place, rest in zip(places, brand + trade, strict=True)]


def addresses(rng: Rng, places: Sequence[str]) -> list[str]:
    """Return addresses, one in each of ``places``."""
    number = len(places)
    roads, kinds = _drawn(rng, _ROADS, number), _drawn(rng, _PLACES, number)
    doors, parts = rng.integers(1, 900, number), rng.integers(1, 30, number)
    rows = zip(places, roads, doors.tolist(), parts.tolist(), kinds, strict=True)
    return [f"{place}{road}路{door}号{part}{kind}" for place, road, door, part, kind in rows]


def credit_codes(regions: Sequence[str]) -> list[str]:
    """Return unified social credit codes that check, one for each of the region codes, all different."""
    return [_checked(f"91{region[:6]}{number:08d}X") for number, region in enumerate(regions)]


def _checked(body: str) -> str:
    total = sum(
        _CODE_LETTERS.index(letter) * weight for letter, weight in zip(body, _CODE_WEIGHTS, strict=True)
    )
    return body + _CODE_LETTERS[-total % 31]


def wallets(rng: Rng, number: int) -> list[str]:
    """Return wallets and pool accounts, of Bitcoin, Ethereum Classic, Kaspa or a pool's user."""
    drawn = rng.integers(0, 32, (number, 38))
    letters = ["".join(_BECH32[one] for one in row) for row in drawn.tolist()]
    kinds = rng.integers(0, 4, number).tolist()
    return [_wallet(kind, text) for kind, text in zip(kinds, letters, strict=True)]


def _wallet(kind: int, letters: str) -> str:
    if kind == 1:
        return "0x" + letters.encode().hex()[:40]
    return {0: f"bc1q{letters}", 2: f"kaspa:{letters}q", 3: f"{letters[:8]}.farm"}[kind]
