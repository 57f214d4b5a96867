"""Hash rates as people and tools write them, in hashes a second. The algorithm stands beside the number."""

import math
import re
import unicodedata

_PREFIXES = {"": 1.0, "k": 1e3, "m": 1e6, "g": 1e9, "t": 1e12, "p": 1e15, "e": 1e18}
# Equihash machines count solutions, Cuckoo machines graphs: each is one try, as a hash is elsewhere
_UNIT = re.compile(r"([kmgtpe]?)(h(?:ash(?:es)?)?|sols?|graphs?)?(?:/?s(?:ec)?)?", re.IGNORECASE)
_NUMBER = re.compile(r"[-+]?[\d][\d\s.,']*(?:e[-+]?\d+)?", re.IGNORECASE)
_THOUSANDS = re.compile(r"\d{1,3}([,\s'])\d{3}(?:\1\d{3})*(?:\.\d+)?")


def hash_rate(text: str, unit: str = "") -> float | None:
    """Return what ``text`` (as ``14,18 TH/s``) says in H/s; ``unit`` counts where the text has none.

    None where there is no number, or no unit in either: a number alone may be of any size.
    """
    plain = unicodedata.normalize("NFKC", text).strip()
    found = _NUMBER.match(plain)
    factor = unit_factor(plain[found.end() :] if found else "") or unit_factor(unit)
    value = number(found.group()) if found else None
    return None if value is None or value < 0 or factor is None else value * factor


def number(text: str) -> float | None:
    """Return a number written with either mark of decimals; None where it is none."""
    plain = re.sub(r"[\s'](?=\d{3})", "", text.strip()) if not _THOUSANDS.fullmatch(text.strip()) else text
    plain = plain.strip()
    if _THOUSANDS.fullmatch(plain):
        plain = re.sub(r"[,\s']", "", plain)
    elif plain.rfind(",") > plain.rfind("."):
        plain = plain.replace(".", "").replace(",", ".")
    else:
        plain = plain.replace(",", "")
    try:
        value = float(plain)
    except ValueError:
        return None
    return value if math.isfinite(value) else None


def unit_factor(text: str) -> float | None:
    """Return how many H/s one of a unit (``TH/s``, ``GHS``, ``kSol/s``, ``T``) is; None where it is none."""
    plain = text.strip(" .()[]")
    found = _UNIT.fullmatch(plain)
    return _PREFIXES[found.group(1).lower()] if found and any(found.groups()) else None
