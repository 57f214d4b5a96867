"""The questions of a visit: data in two languages and in editions; a sheet names the edition it answers."""

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

_PACKAGE = "minewatch.office.verify.inspections"


@cache
def checklist() -> Mapping[str, Any]:
    """Return the edition in force: its name, and groups of questions (id, kind, zh, en, article)."""
    text = resources.files(_PACKAGE).joinpath("data", "checklist.json").read_text(encoding="utf-8")
    return json.loads(text)


@cache
def questions() -> Mapping[str, Mapping[str, Any]]:
    """Return the questions by their id."""
    return {one["id"]: one for group in checklist()["groups"] for one in group["questions"]}


def answer_in_words(question: str, answer: str, language: str) -> tuple[str, str]:
    """Return a question and its answer in a language; what is of another edition stays an id."""
    key = "zh" if language.startswith("zh") else "en"
    known = questions().get(question)
    if known is None:
        return question, answer
    words = {"yes": {"zh": "是", "en": "yes"}, "no": {"zh": "否", "en": "no"}}
    words |= {one["id"]: one for one in known.get("choices", ())}
    told = words.get(answer, {}).get(key, answer) if known["kind"] != "text" else answer
    return known[key], told
