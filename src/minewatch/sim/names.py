"""Invented names of people and companies, and credit codes (统一社会信用代码) with valid checks.

Names are put together from lists of ordinary syllables; a likeness with a real company is chance.
"""

from collections.abc import Sequence

from minewatch.sim.loads.shapes import Rng

_SURNAMES = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董潘袁蔡蒋余"
_GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰涛明超秀霞平刚桂英华玉兰文斌建国志辉红梅春燕德林永福安成"
_BRAND_FIRST = "禾岚沐翎瑾砚渠穗珩峪澄榆柏湛屹昀桐蓝拓启"
_BRAND_LAST = "屿筠泽岭川禾源森澜序远舟谷野原岸栖丰"

_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_INNER_WEIGHTS = (3, 7, 9, 10, 5, 8, 4, 2)

COMPANY, INDIVIDUAL, INSTITUTION = "91", "92", "12"
"""First two characters of a credit code: company, individual business (个体工商户), public institution."""


def pick(rng: Rng, values: Sequence[str]) -> str:
    """Draw one of ``values`` evenly."""
    return values[int(rng.integers(len(values)))]


def person(rng: Rng) -> str:
    """Return the name of a person, of two or three characters."""
    given = "".join(pick(rng, _GIVEN) for _ in range(1 + int(rng.random() < 0.75)))
    return pick(rng, _SURNAMES) + given


def brand(rng: Rng) -> str:
    """Return the two characters that tell one company from another."""
    return pick(rng, _BRAND_FIRST) + pick(rng, _BRAND_LAST)


def company(rng: Rng, place: str, trade: str) -> str:
    """Return a company's name: place, brand, ``trade``, form."""
    form = "有限责任公司" if rng.random() < 0.25 else "有限公司"
    return f"{place}{brand(rng)}{trade}{form}"


def credit_code(rng: Rng, kind: str, region_code: str) -> str:
    """Return a credit code of GB 32100-2015 whose organisation code (GB 11714) is valid too.

    ``kind`` is one of ``COMPANY``, ``INDIVIDUAL``, ``INSTITUTION``; ``region_code`` is the place of
    registration, which need not be where the business is.
    """
    body = ["M", "A", *(pick(rng, _USCC_ALPHABET) for _ in range(6))]
    inner = (
        11
        - sum(weight * _value(character) for weight, character in zip(_INNER_WEIGHTS, body, strict=True)) % 11
    )
    code = f"{kind}{region_code}{''.join(body)}{'0123456789X0'[inner]}"
    total = sum(
        weight * _USCC_ALPHABET.index(character)
        for weight, character in zip(_USCC_WEIGHTS, code, strict=True)
    )
    return code + _USCC_ALPHABET[(31 - total % 31) % 31]


def _value(character: str) -> int:
    """Value in GB 11714: digits as they are, A to Z as 10 to 35."""
    return int(character, 36)
