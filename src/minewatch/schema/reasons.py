"""Reason codes: one catalogue of sentences in Chinese and English, filled with the values that show them."""

import json
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class Reason:
    """A code of the catalogue and the values that fill its sentence.

    Raises KeyError for a code that ``reason_texts/*.toml`` does not know and for a missing value: a reason
    that cannot be read is a defect of the program.
    """

    code: str
    values: Mapping[str, str | int | float | bool | None]

    def __post_init__(self) -> None:
        _ = self.text("en")

    def text(self, language: str) -> str:
        """Return the sentence in ``language`` ("en" or "zh")."""
        return catalogue()[self.code][language].format(**self.values)

    def as_row(self) -> dict[str, str]:
        """Return the reason as a row of the Arrow type ``REASON``."""
        values = json.dumps(dict(self.values), ensure_ascii=False, sort_keys=True)
        return {"code": self.code, "values": values, "text_en": self.text("en"), "text_zh": self.text("zh")}


def reason(code: str, **values: str | int | float | bool | None) -> Reason:
    """Make a reason; see ``Reason``."""
    return Reason(code, values)


@cache
def catalogue() -> Mapping[str, Mapping[str, str]]:
    """Return code → {"en": sentence, "zh": sentence}, from all files of ``reason_texts``.

    Raises ValueError where two files define one code or a language is missing.
    """
    entries: dict[str, Mapping[str, str]] = {}
    for file in sorted(resources.files(__package__).joinpath("reason_texts").iterdir(), key=lambda f: f.name):
        for code, sentences in tomllib.loads(file.read_text(encoding="utf-8")).items():
            if code in entries or set(sentences) != {"en", "zh"}:
                raise ValueError(f"{file.name}: {code} is defined twice or lacks a language")
            entries[code] = sentences
    return entries
