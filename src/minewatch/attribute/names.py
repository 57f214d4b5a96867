"""Names of enterprises and persons, and unified social credit codes, as keys that can be compared."""

import re
import unicodedata

_COMPANY_FORMS = re.compile(
    r"(?:(集团)?(股份有限责任公司|有限责任公司|股份有限公司|股份公司|有限公司|总公司|分公司|公司|个体工商户"
    r"|农民专业合作社|专业合作社|合作社|(有限|普通)合伙(企业)?))+$"
)
_LATIN_FORMS = re.compile(r"\b(co|company|corp|corporation|inc|llc|ltd|limited|plc|gmbh)\b")
_PLACE_HEAD = re.compile(r"^(?:[^省市县]{2,3}省)?(?:[^省市县]{2,4}市)?(?:[^省市县]{1,4}县)?")
_NOISE = re.compile(r"[^\w*]+|_")
_USCC = re.compile(r"[0-9A-HJ-NP-RTUW-Y]{18}")
_USCC_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
_USCC_WEIGHTS = (1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28)
_MASK = "*"
_PUBLIC_CODES = ("11", "12", "13", "19", "51", "52", "53")
_PUBLIC_NAME = re.compile(
    r"(大学|学院|学校|中学|小学|幼儿园|医院|卫生院|图书馆|博物馆|研究院|研究所|人民政府|街道办事处|委员会|管理所|管理站|局)$"
)


def name_key(name: str | None) -> str | None:
    """Return ``name`` without width, spacing, punctuation, place and company form; None if nothing is left.

    A masked name (张**) is no name: it would match every other Zhang.
    """
    if not name or _MASK in (text := unicodedata.normalize("NFKC", name).lower()):
        return None
    bare = _NOISE.sub("", _LATIN_FORMS.sub("", text))
    stem = _COMPANY_FORMS.sub("", bare)
    local = _PLACE_HEAD.sub("", stem)
    return (local if len(local) >= 2 else stem) or None


def uscc_key(uscc: str | None) -> str | None:
    """Return a unified social credit code in capitals, or None where its check character is wrong.

    GB 32100-2015: weighted sum modulo 31 over an alphabet without I, O, S, V and Z.
    """
    text = unicodedata.normalize("NFKC", uscc or "").strip().upper()
    if not _USCC.fullmatch(text):
        return None
    total = sum(w * _USCC_ALPHABET.index(c) for w, c in zip(_USCC_WEIGHTS, text[:17], strict=True))
    return text if _USCC_ALPHABET[(31 - total % 31) % 31] == text[17] else None


def is_public_body(name: str | None, uscc: str | None) -> bool:
    """Tell whether a party is an office, school, hospital or the like, by its credit code, else its name.

    GB 32100-2015, table 1: 11 state organ, 12 and 13 public institution, 51 to 53 association, foundation.
    """
    if code := uscc_key(uscc):
        return code.startswith(_PUBLIC_CODES)
    return bool(_PUBLIC_NAME.search(unicodedata.normalize("NFKC", name or "").strip()))
