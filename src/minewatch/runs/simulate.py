"""Making a simulated county: partitions over an engine, files under one folder, the plan beside them."""

import json
import os
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any, NamedTuple

from minewatch.engines.base import Engine
from minewatch.engines.failures import EngineError
from minewatch.sim.county import CountyPlan, PlanError
from minewatch.sim.delivery import FILE_FORMATS, Delivered, deliver_partition, deliver_region
from minewatch.sim.wire.capture import week_of_captures

__all__ = ["FAILURES", "County", "CountyPlan", "FolderInUseError", "county_plan", "read_plan", "simulate"]

PLAN_FILE, UNFINISHED = "county.json", "county.unfinished.json"


class FolderInUseError(Exception):
    """The folder holds something that a county would be mixed with."""

    def __init__(self, folder: Path) -> None:
        super().__init__(str(folder))
        self.folder = folder

    def text(self, language: str) -> str:
        """Say what is wrong and what to do."""
        if language == "zh":
            return f"目录 {self.folder} 非空,不覆盖已有内容。请换一个目录,或先清空它。"
        return f"{self.folder} is not empty and is left as it is. Name another folder, or empty this one."


FAILURES = (PlanError, OSError, FolderInUseError, EngineError)
"""What goes wrong by the user's hand: a plan that cannot be, a folder, an engine."""


class Part(NamedTuple):
    """One item of work: a partition, or a region's weather and prices where ``region_code`` is given."""

    plan: CountyPlan
    folder: str
    file_format: str
    number: int
    region_code: str | None = None


@dataclass(frozen=True)
class County:
    """A county that was written: where, by which plan, and how many rows of each table."""

    folder: Path
    plan: CountyPlan
    customers: int
    rows: Mapping[str, int]
    files: int
    bytes: int


def county_plan(
    seed: int,
    customers: int,
    days: int,
    start_on: date,
    region_codes: tuple[str, ...] = (),
    interval_minutes: int = 15,
) -> CountyPlan:
    """Return a plan; no ``region_codes`` are those of ``CountyPlan``. Raises PlanError as it does.

    A partition holds at most 1,000 customers and 280,000 customer-days, about 1 GB while it is made.
    """
    usual = CountyPlan(seed=seed, customers=customers, days=days, start_on=start_on)
    return replace(
        usual,
        region_codes=region_codes or usual.region_codes,
        interval_minutes=interval_minutes,
        partition_customers=max(min(1000, 280_000 // days), 1),
    )


def simulate(
    plan: CountyPlan,
    folder: Path,
    engine: Engine,
    file_format: str = "parquet",
    on_part: Callable[[Delivered], None] = lambda _: None,
) -> County:
    """Write the county of ``plan`` under ``folder``; the same plan gives the same bytes on every engine.

    ``file_format`` is that of the readings (``FILE_FORMATS``). ``on_part`` is told of each part as it
    ends. A run that was killed may be run again with the same plan. Raises FolderInUseError where the folder
    holds anything else, PlanError for an unknown format.
    """
    if file_format not in FILE_FORMATS:
        raise PlanError(
            f"{file_format!r} is not a format of readings; there are {', '.join(FILE_FORMATS)}",
            f"{file_format!r}不是读数格式;可用 {'、'.join(FILE_FORMATS)}",
        )
    description = _described(plan, file_format)
    _take(folder, description)
    parts = [Part(plan, str(folder), file_format, 0, region) for region in plan.region_codes]
    parts += [Part(plan, str(folder), file_format, number) for number in range(plan.partitions)]
    delivered = []
    for _, done in engine.map(write_part, parts):
        on_part(done)
        delivered.append(done)
    os.replace(folder / UNFINISHED, folder / PLAN_FILE)
    return _county(plan, folder, delivered)


def write_part(part: Part) -> Delivered:
    """Write one part; engines call this in their workers."""
    if part.region_code is not None:
        return deliver_region(part.plan, part.region_code, Path(part.folder))
    return deliver_partition(part.plan, part.number, Path(part.folder), part.file_format)


def read_plan(folder: Path) -> dict[str, Any]:
    """Return what ``county.json`` of a finished county says. Raises FileNotFoundError where there is none."""
    described: dict[str, Any] = json.loads((folder / PLAN_FILE).read_text(encoding="utf-8"))
    return described


def _described(plan: CountyPlan, file_format: str) -> str:
    values = asdict(plan) | {"zone": plan.zone.key, "start_on": plan.start_on.isoformat()}
    captured = [day.isoformat() for day in week_of_captures(plan)]
    described = {"plan": values, "file_format": file_format, "captures_from_to": captured}
    return json.dumps(described, ensure_ascii=False, indent=1) + "\n"


def _take(folder: Path, description: str) -> None:
    """Mark the folder as being filled; one marked with the same plan is filled again."""
    folder.mkdir(parents=True, exist_ok=True)
    mark = folder / UNFINISHED
    if mark.is_file() and mark.read_text(encoding="utf-8") == description:
        for half in [path for path in folder.rglob(".*") if path.is_file()]:
            half.unlink()
        return
    if any(folder.iterdir()):
        raise FolderInUseError(folder)
    mark.write_text(description, encoding="utf-8")


def _county(plan: CountyPlan, folder: Path, delivered: list[Delivered]) -> County:
    rows: dict[str, int] = {}
    for done in delivered:
        for name, count in done.rows.items():
            rows[name] = rows.get(name, 0) + count
    return County(
        folder=folder,
        plan=plan,
        customers=sum(done.customers for done in delivered),
        rows=rows,
        files=sum(done.files for done in delivered),
        bytes=sum(done.bytes for done in delivered),
    )
