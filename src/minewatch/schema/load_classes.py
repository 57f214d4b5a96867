"""Names of the classes of innocent loads, ``best_alternative`` of meter evidence."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib import resources


@cache
def load_class_names() -> Mapping[str, Mapping[str, str]]:
    """Return class → {"en": name, "zh": name}."""
    text = resources.files(__package__).joinpath("load_classes.toml").read_text(encoding="utf-8")
    return tomllib.loads(text)


def load_class_name(load_class: str, language: str) -> str:
    """Return the name of a class in ``language`` ("en" or "zh"), the class itself where none is known."""
    return load_class_names().get(load_class, {}).get(language, load_class)
