"""The user's own mapping of a file's columns (``--mapping FILE.yaml``)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import yaml

from minewatch.schema.reasons import Reason, reason

CONVENTIONS = ("start", "end")


class BadMapping(Exception):  # noqa: N818
    """A mapping file that cannot be used; ``text(language)`` names the entry at fault."""

    def __init__(self, path: Path, why: Reason) -> None:
        super().__init__(f"{path.name}: {why.text('en')}")
        self.path = path
        self.reason = why

    def text(self, language: str) -> str:
        """Return the sentence in ``language`` ("en" or "zh")."""
        return f"{self.path}: {self.reason.text(language)}"


@dataclass(frozen=True)
class ColumnMapping:
    """What the user says of a file.

    ``columns``: the file's header → canonical column (``usage_point_id``, ``day``, ``time``, ``kw``, …).
    ``unit``: unit of the reading values ("kW", "kWh", "W", …; "register" for a cumulative kWh register).
    ``interval``: whether a time names the "start" or the "end" of its interval. ``zone``: zone of times
    without offset. ``register_digits``: whole digits of the register before it rolls over. ``export``:
    negative power is meant (the customer feeds in). ``values``: first and last of the value columns of a
    wide file.
    """

    table: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    unit: str | None = None
    interval: str | None = None
    interval_minutes: int | None = None
    zone: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    date_format: str | None = None
    register_digits: int | None = None
    export: bool = False
    values: tuple[str, str] | None = None


def read_mapping(path: Path) -> ColumnMapping:
    """Read and check a mapping file. Raises BadMapping that names the entry at fault."""
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise BadMapping(path, reason("mapping_not_yaml", error=str(error))) from error
    if not isinstance(content, dict):
        raise BadMapping(path, reason("mapping_not_yaml", error=type(content).__name__))
    return ColumnMapping(**content)
