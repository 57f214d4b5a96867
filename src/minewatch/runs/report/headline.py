"""The finding in two sentences: who, how much, since when; and how sure."""

from collections.abc import Mapping
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from minewatch.runs.report.data import Row
from minewatch.runs.report.wording import Words, day_words, interval, number, percent
from minewatch.schema.evidence import FindingKind


class _Claim(NamedTuple):
    """English begins with the claim; in Chinese the time stands between ``subject_zh`` and ``deed_zh``."""

    en: str
    subject_zh: str
    deed_zh: str


_CLAIMS = {
    FindingKind.ACTIVE: _Claim(
        "This site has probably mined cryptocurrency", "该场所疑似", "从事虚拟货币“挖矿”"
    ),
    FindingKind.PASSIVE_VICTIM: _Claim(
        "Computers here have probably mined for an intruder without the user's knowledge",
        "该用户的计算机疑似",
        "被植入木马并被动“挖矿”",
    ),
    FindingKind.UNMETERED_SUPPLY: _Claim(
        "A mine has probably been supplied here without a meter", "该处疑似", "绕越计量向“挖矿”供电"
    ),
    FindingKind.PLANT_DIVERSION: _Claim(
        "A power plant has probably supplied a mine off the grid", "该电厂疑似", "网前直供“挖矿”负荷"
    ),
}


_PARTS = ("plants", "transformers", "feeders", "usage_points", "endpoints")


def title(finding: Mapping[str, Any]) -> str:
    """Return who or what the finding is about: enterprise, else address, else its first part, else its id."""
    parts = [item["name"] for key in _PARTS for item in finding[key] or ()]
    names = [finding["enterprise_name"], finding["address"], *parts, finding["finding_id"]]
    return next(str(name) for name in names if name and name.strip())


def headline(finding: Row, zone: ZoneInfo) -> Words:
    """Return the sentence with claim, time, and power with interval."""
    claim = _CLAIMS.get(finding["kind"], _CLAIMS[FindingKind.ACTIVE])
    time, power = _time(finding, zone), _power(finding)
    return Words(
        f"{claim.en} {time.en}{power.en}.", f"{claim.subject_zh}{time.zh}{claim.deed_zh}{power.zh}。"
    )


def sureness(finding: Row, rate: float) -> Words:
    """Return the sentence with probability, q-value and the stated rate of the list."""
    posterior, q_value, stated = percent(finding["posterior"]), percent(finding["q_value"]), percent(rate)
    return Words(
        f"Probability {posterior}. Among the listed sites down to this one, {q_value} are expected to be "
        f"innocent; the list as a whole is held to {stated}.",
        f"概率{posterior}。清单中排至本条为止，预计误报比例{q_value}；全清单控制在{stated}以内。",
    )


def _power(finding: Row) -> Words:
    if finding["power_kw"] is None:
        return Words("; its power could not be estimated", "，功率未能估计")
    power, ends = number(finding["power_kw"]), interval(finding["power_kw_low"], finding["power_kw_high"])
    if not ends:
        return Words(f", with about {power} kW", f"，功率约{power} kW")
    return Words(
        f", with about {power} kW (90% interval {ends} kW)", f"，功率约{power} kW（90%区间{ends} kW）"
    )


def _time(finding: Row, zone: ZoneInfo) -> Words:
    onset, ended = finding["onset_at"], finding["ended_at"]
    start = day_words(onset, zone) if onset else Words("before the data begin", "现有数据开始之前")
    if ended is None:
        return Words(f"since {start.en}", f"自{start.zh}起")
    end = day_words(ended, zone)
    return Words(f"from {start.en} to {end.en}", f"自{start.zh}至{end.zh}")
