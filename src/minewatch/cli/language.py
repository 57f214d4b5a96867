"""Language of the terminal: Chinese or English, from MINEWATCH_LANG or the locale."""

import os
from functools import cache


@cache
def language() -> str:
    """Return "zh" or "en": MINEWATCH_LANG, else LC_ALL, LC_MESSAGES, LANG, else English."""
    for name in ("MINEWATCH_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        value = os.environ.get(name, "")
        if value:
            return "zh" if value.lower().startswith("zh") else "en"
    return "en"


def say(en: str, zh: str) -> str:
    """Return the sentence in the language of the terminal."""
    return zh if language() == "zh" else en
