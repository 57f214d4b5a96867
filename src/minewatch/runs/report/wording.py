"""Numbers, times and codes as a person reads them, in Chinese and English."""

import json
import math
import re
import tomllib
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from importlib import resources
from typing import NamedTuple
from zoneinfo import ZoneInfo

from markupsafe import Markup

from minewatch.runs.report.data import Row
from minewatch.runs.report.scales import chinese_date, english_date
from minewatch.schema.load_classes import load_class_name, load_class_names
from minewatch.schema.reasons import catalogue

_PREFIXES = (
    (1e18, "E"),
    (1e15, "P"),
    (1e12, "T"),
    (1e9, "G"),
    (1e6, "M"),
    (1e3, "k"),
    (1.0, ""),
    (1e-3, "m"),
    (1e-6, "µ"),
    (1e-9, "n"),
    (1e-12, "p"),
    (1e-15, "f"),
)


class Words(NamedTuple):
    """One expression in both languages."""

    en: str
    zh: str

    def __html__(self) -> Markup:
        """Both, each marked with its language; the page shows one of them."""
        return say(self.en, self.zh)


def say(en: object, zh: object) -> Markup:
    """Return both languages as marked HTML; arguments are escaped unless they are markup."""
    return Markup('<span lang="zh-Hans">{}</span><span lang="en">{}</span>').format(zh, en)


def word(topic: str, code: str | None) -> Words:
    """Return the words for a code of ``words.toml``; an unknown code as it is, none as a dash."""
    if not code:
        return Words("–", "–")
    entry = _vocabulary().get(topic, {}).get(code)
    return Words(entry["en"], entry["zh"]) if entry else Words(code, code)


def innocent(code: str | None) -> Words:
    """Return the words for an innocent explanation: a class of load, or of traffic."""
    if code and code in load_class_names():
        return Words(*(load_class_name(code, language) for language in ("en", "zh")))
    return word("innocent", code)


@cache
def _vocabulary() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    text = resources.files(__package__).joinpath("words.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def refusal(code: str) -> Words:
    """Return the sentence of a reason code with its values left open."""
    sentences = catalogue().get(code)
    if sentences is None:
        return Words(code, code)
    return Words(*(re.sub(r"\{[^}]*\}", "…", sentences[language]) for language in ("en", "zh")))


def reason_values(values: str) -> list[tuple[str, str]]:
    """Return the values of a reason (JSON object as text) as pairs; text that is no object as one pair."""
    try:
        entries = json.loads(values or "{}")
    except ValueError:
        return [("", values)]
    if not isinstance(entries, dict):
        return [("", values)]
    return [(name, f"{v:,.6g}" if isinstance(v, float) else str(v)) for name, v in sorted(entries.items())]


def by_code(reasons: Sequence[Row]) -> list[tuple[Row, list[Row]]]:
    """Return reasons (rows of the type ``REASON``) as the first of each code and the others of that code."""
    groups: dict[str, list[Row]] = {}
    for item in reasons:
        groups.setdefault(item["code"], []).append(item)
    return [(first, rest) for first, *rest in groups.values()]


def number(value: float | None) -> str:
    """Return three digits, or the whole number from 100 on: ``0.874``, ``12.3``, ``52,400``; none: a dash."""
    if value is None or not math.isfinite(value):
        return "–"
    if value == 0:
        return "0"
    rounded = abs(float(f"{value:.3g}"))
    decimals = min(6, max(0, 2 - math.floor(math.log10(rounded))))
    return f"{value:,.{decimals}f}"


def interval(low: float | None, high: float | None) -> str:
    """Return ``298–327``, or nothing where an end is missing."""
    return "" if low is None or high is None else f"{number(low)}–{number(high)}"


def with_prefix(value: float | None, unit: str) -> str:
    """Return a value with an SI prefix: ``10.2 PH/s``; none: a dash."""
    if value is None or not math.isfinite(value) or value <= 0:
        return "–" if value != 0 else f"0 {unit}"
    factor, prefix = _prefix(value)
    return f"{number(value / factor)} {prefix}{unit}"


def interval_with_prefix(low: float | None, high: float | None, unit: str) -> str:
    """Return ``9.80–10.8 PH/s``, or nothing where an end is missing."""
    if low is None or high is None:
        return ""
    factor, prefix = _prefix(high)
    return f"{number(low / factor)}–{number(high / factor)} {prefix}{unit}"


def _prefix(value: float) -> tuple[float, str]:
    return next((pair for pair in _PREFIXES if value >= pair[0] * 0.9995), _PREFIXES[-1])


def joule_per_hash(value: float) -> str:
    """Return energy a hash as the trade writes it: ``29.5 J/TH``, ``360 J/GH``, ``0.6 J/MH``."""
    factor, prefix = next((p for p in _PREFIXES if value * p[0] < 1000 and p[0] >= 1), (1.0, ""))
    return f"{number(value * factor)} J/{prefix}H"


def percent(share: float | None) -> str:
    """Return a probability, never rounded to certainty: ``99.7%``, ``>99.9%``, ``<0.1%``."""
    if share is None or not math.isfinite(share):
        return "–"
    if 0 < share < 0.001:
        return "<0.1%"
    if 0.999 < share < 1:
        return ">99.9%"
    return f"{100 * share:.1f}%".replace(".0%", "%")


def clock(instant: datetime | None, zone: ZoneInfo) -> str:
    """Return ``2026-03-03 14:15`` in the zone; none: a dash."""
    return "–" if instant is None else f"{instant.astimezone(zone):%Y-%m-%d %H:%M}"


def day_words(instant: datetime, zone: ZoneInfo) -> Words:
    """Return the local day of an instant: ``3 Mar 2026``, ``2026年3月3日``."""
    day = instant.astimezone(zone).date()
    return Words(english_date(day), chinese_date(day))
