"""Columns of the list: what ``list_columns.toml`` says of each, and the cell of a finding."""

import tomllib
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from importlib import resources
from types import MappingProxyType
from typing import Any, NamedTuple

from minewatch.runs.report.dossier import Dossier
from minewatch.runs.report.estimates import machine_count
from minewatch.runs.report.headline import title
from minewatch.runs.report.wording import Words, by_code, percent, word


class ListColumn(NamedTuple):
    """A column: ``form`` names its cell format, ``notice`` tells that the notice itself asks for it."""

    key: str
    heading: Words
    meaning: Words
    width: int
    form: str
    unit: str
    notice: bool


@cache
def columns() -> tuple[ListColumn, ...]:
    """Return the columns from left to right."""
    text = resources.files(__package__).joinpath("list_columns.toml").read_text(encoding="utf-8")
    return tuple(_column(entry) for entry in tomllib.loads(text)["column"])


def _column(entry: Mapping[str, Any]) -> ListColumn:
    return ListColumn(
        entry["key"],
        Words(entry["en"], entry["zh"]),
        Words(entry["meaning_en"], entry["meaning_zh"]),
        entry["width"],
        entry["form"],
        entry.get("unit", ""),
        entry.get("notice", False),
    )


def cell(column: ListColumn, dossier: Dossier) -> Any:
    """Return the value of a column for a finding: number, instant, text or None."""
    made = _MADE.get(column.key)
    return dossier.finding.get(column.key) if made is None else made(dossier)


def _words(topic: str, name: str) -> Callable[[Dossier], str]:
    def text(dossier: Dossier) -> str:
        if not dossier.finding[name]:
            return ""
        words = word(topic, dossier.finding[name])
        return words.zh if words.zh == words.en else f"{words.zh}\n{words.en}"

    return text


def _linked(*names: str) -> Callable[[Dossier], str]:
    def text(dossier: Dossier) -> str:
        linked = [item for name in names for item in dossier.finding[name] or ()]
        items = sorted(linked, key=lambda item: (-item["probability"], item["name"]))
        return _lines(f"{item['name']} ({percent(item['probability'])})" for item in items)

    return text


def _sentences(name: str) -> Callable[[Dossier], str]:
    def text(dossier: Dossier) -> str:
        groups = by_code(dossier.finding[name] or ())
        return _lines(
            f"{first['text_zh']}\n{first['text_en']}{f' (+{len(rest)})' if rest else ''}"
            for first, rest in groups
        )

    return text


def _seen(name: str) -> Callable[[Dossier], str]:
    return lambda dossier: _lines(sorted({row[name] for row in dossier.flows if row[name]}))


def _machines(dossier: Dossier) -> str | None:
    count = machine_count(dossier.finding)
    return None if count is None else f"{count[0]:,}–{count[1]:,}"


def _accounts(dossier: Dossier) -> str:
    """Return each account that other sites have too, with these sites."""
    links = [link for link in dossier.finding["links"] or () if link["from_kind"] == "account"]
    names = dict.fromkeys(link["from_id"] for link in links)
    others = {name: [link["to_id"] for link in links if link["from_id"] == name] for name in names}
    return _lines(f"{name}: {', '.join(sites)}" for name, sites in others.items())


def _lines(items: Iterable[str]) -> str:
    return "\n".join(items)


_MADE: Mapping[str, Callable[[Dossier], Any]] = MappingProxyType(
    {
        "title": lambda dossier: title(dossier.finding),
        "usage_points": _linked("usage_points"),
        "endpoints": _linked("endpoints"),
        "grid": _linked("transformers", "feeders", "plants"),
        "duty": _words("duty", "duty"),
        "machines": _machines,
        "machines_seen": lambda dossier: dossier.finding["machines"],
        "kind_reasons": _sentences("kind_reasons"),
        "accounts": _accounts,
        "kind": _words("kind", "kind"),
        "site_class": _words("site_class", "site_class"),
        "contradictions": _sentences("contradictions"),
        "reasons": _sentences("reasons"),
        "pools": _seen("pool"),
        "agents": _seen("agent"),
    }
)
"""Cells that are made from more than one field; the others are the field of their name."""
