"""Scores of simulated transformers and feeders, innocent and with an unmetered mine: what calibrates them.

Of each simulated partition the books are made once for each month's end. Innocents are scored as they are;
for mines a load of the simulator is put behind each shared transformer.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from minewatch import fuse
from minewatch.detect.balance.books import books_table
from minewatch.detect.balance.feeders import feeder_evidence
from minewatch.detect.balance.transformers import balance_evidence
from minewatch.engines.base import Engine
from minewatch.engines.local import LocalEngine
from minewatch.schema.periods import day_period
from minewatch.sim.assembly import partition
from minewatch.sim.county import CountyPlan
from minewatch.sim.loads.mining import mining_load
from minewatch.sim.mines import draw_mine
from minewatch.sim.scene import scene_of
from minewatch.sim.streams import stream

SEED, CUSTOMERS = 31, 14_000
"""Of the shipped tables; ``EVALUATION_SEED`` is for figures alone, 7301 and 8802 were for development."""
EVALUATION_SEED = 9903
DAYS, MONTH, ENDS = 180, 30, (60, 90, 120, 150, 180)
LEAST_SHARE, MOST_SHARE = 0.02, 0.3
"""Mean power of the mines put in, over the mean supply; every order of magnitude alike."""
PREVALENCE = {"shared": 0.28, "own": 0.67, "feeder": 0.05}
"""Shares among the subjects of a county: transformers of many customers, of one or two, and feeders."""
LINE_SHARE = 0.016
"""Loss of low-voltage lines at rated load, usual."""
Hours = npt.NDArray[np.float64]
_TIMED = ("interval_readings", "transformer_readings", "daily_readings", "feeder_readings")


@dataclass(frozen=True)
class Score:
    """One subject in one month: ``group`` of ``PREVALENCE``; ``mine_kw`` its true unmetered mean, 0 for none.

    ``onset`` is the day on which the mine began, None before the readings. The rest is of the evidence.
    """

    subject_id: str
    group: str
    mine_kw: float
    mean_kw: float
    onset: int | None
    log10_lr: float
    energy_kwh: tuple[float, float, float] | None
    onset_at: date | None


def scores_of(plan: CountyPlan, number: int) -> list[Score]:
    """Return the scores of one partition of ``plan``, innocents and mines."""
    simulated = partition(plan, number)
    tables = dict(simulated.tables)
    skipped = _unlike_truth(plan, simulated.truth, tables["usage_points"])
    truth = _unmetered(simulated.truth)
    found: list[Score] = []
    for end in ENDS:
        case = _Month(plan, {**tables, **{name: _until(tables[name], plan, end) for name in _TIMED}}, end)
        found += [score for score in case.innocents(truth) if score.subject_id not in skipped]
        found += [score for score in case.mines(truth, number) if score.subject_id not in skipped]
    return found


def _until(table: pa.Table, plan: CountyPlan, end: int) -> pa.Table:
    return table.filter(pc.less(table["day"], pa.scalar(plan.start_on + timedelta(days=end))))


def _unlike_truth(plan: CountyPlan, truth: Mapping[str, pa.Table], points: pa.Table) -> set[str]:
    """Return transformers with an account opened within the data whose mine ran before its meter."""
    opened = dict(zip(points["usage_point_id"].to_pylist(), points["opened_on"].to_pylist(), strict=True))
    rows = truth["truth_usage_points"].to_pylist()
    late = [row for row in rows if row["mine_kind"] and opened[row["usage_point_id"]] > plan.start_on]
    return {row["true_transformer_id"] for row in late}


def _unmetered(truth: Mapping[str, pa.Table]) -> dict[str, npt.NDArray[np.float64]]:
    """Return the unmetered mining power of each transformer and feeder by day, kW."""
    found: dict[str, list[float]] = {}
    for row in truth["truth_transformers"].to_pylist():
        kw = np.mean(row["unmetered_kw"]) - np.mean(row["lights_kw"])
        found.setdefault(row["transformer_id"], []).append(float(kw))
    for row in truth["truth_feeders"].to_pylist():
        found.setdefault(row["feeder_id"], []).append(float(np.mean(row["unmetered_kw"])))
    return {name: np.array(values) for name, values in found.items()}


def _added_loss(row: Mapping[str, Any], supply: Hours, added: Hours) -> Hours:
    """Return what windings and lines lose more, kW, when ``added`` flows through them too."""
    share = row["load_loss_kw"] / row["rated_kva"] + LINE_SHARE
    grown: Hours = ((supply + added) ** 2 - supply**2) / row["rated_kva"]
    return share * grown


def _means(table: pa.Table, subject: str, column: str) -> dict[str, float]:
    """Return the mean of all lists of each subject, without NaN."""
    found: dict[str, list[npt.NDArray[np.float32]]] = {}
    for name, values in zip(table[subject].to_pylist(), table[column], strict=True):
        found.setdefault(name, []).append(values.values.to_numpy(zero_copy_only=False))
    known = {name: np.concatenate(parts) for name, parts in found.items()}
    return {name: float(np.nanmean(values)) for name, values in known.items() if not np.isnan(values).all()}


class _Month:
    """The last ``MONTH`` days before day ``end`` with all readings up to then."""

    def __init__(self, plan: CountyPlan, tables: Mapping[str, pa.Table], end: int) -> None:
        self._plan, self._tables, self._end = plan, tables, end
        last = plan.start_on + timedelta(days=end)
        period = day_period(last - timedelta(days=MONTH), last, plan.zone)
        edges = {"period_start_at": period.start_at, "period_end_at": period.end_at}
        self._parameters = {name: at.isoformat() for name, at in edges.items()} | {"zone": plan.zone.key}
        self._books = books_table(tables, self._parameters)
        names, lengths = (
            self._books["transformer_id"].to_pylist(),
            pc.list_value_length(self._books["floors_kw"]),
        )
        self._customers = dict(zip(names, lengths.to_pylist(), strict=True))
        self._mean_kw = _means(self._books, "transformer_id", "supply_kw")
        self._mean_kw |= _means(tables["feeder_readings"], "feeder_id", "kw")

    def innocents(self, truth: Mapping[str, npt.NDArray[np.float64]]) -> Iterator[Score]:
        """Yield the subjects as simulated, mines of the simulator's own among them."""
        rows = balance_evidence({"balance_books": self._books}, self._parameters).to_pylist()
        for row in rows + feeder_evidence(self._tables, self._parameters).to_pylist():
            mine_kw = float(truth[row["subject_id"]][self._end - MONTH : self._end].mean())
            if row["log10_lr"] is not None:
                yield self._score(row, mine_kw, None)

    def mines(self, truth: Mapping[str, npt.NDArray[np.float64]], number: int) -> Iterator[Score]:
        """Yield each innocent shared transformer with a mine put behind it."""
        rows = self._books.to_pylist()
        put: dict[str, tuple[float, int | None]] = {}
        for row in rows:
            if self._group(row["transformer_id"]) == "shared" and truth[row["transformer_id"]].max() == 0:
                put[row["transformer_id"]] = self._put(row, number)
        with_mines = pa.Table.from_pylist(rows, schema=self._books.schema)
        for row in balance_evidence({"balance_books": with_mines}, self._parameters).to_pylist():
            if row["subject_id"] in put and row["log10_lr"] is not None:
                yield self._score(row, *put[row["subject_id"]])

    def _put(self, row: dict[str, Any], number: int) -> tuple[float, int | None]:
        """Add a mine to a row of books; return its mean power in the month and the day it began."""
        rng = stream(self._plan.seed, "balance", number, self._end, row["transformer_id"])
        supply = np.array(row["supply_kw"])
        began = None if rng.random() < 0.5 else int(rng.integers(MONTH // 2, self._end - 7))
        onset_on = self._plan.start_on + timedelta(days=-30 if began is None else began)
        mine = replace(draw_mine(rng, self._plan, "bypass", "S"), onset_on=onset_on, end_on=None)
        kw = mining_load(rng, scene_of(self._plan, self._plan.region_of(number)), mine)
        hourly = kw.reshape(-1, 4).mean(axis=1)[: supply.size]
        share = np.exp(rng.uniform(np.log(LEAST_SHARE), np.log(MOST_SHARE)))
        wanted = share * float(np.nanmean(supply))
        hourly *= wanted / max(float(hourly[hourly > 0].mean()), 1e-9)
        row["supply_kw"] = supply + hourly + _added_loss(row, supply, hourly)
        return float(hourly[-24 * MONTH :].mean()), began

    def _score(self, row: Mapping[str, Any], mine_kw: float, onset: int | None) -> Score:
        kwh = tuple(row[f"energy_kwh{end}"] for end in ("", "_low", "_high"))
        return Score(
            subject_id=row["subject_id"],
            group=self._group(row["subject_id"]),
            mine_kw=mine_kw,
            mean_kw=self._mean_kw.get(row["subject_id"], np.nan),
            onset=onset,
            log10_lr=row["log10_lr"],
            energy_kwh=None if kwh[0] is None else (kwh[0], kwh[1], kwh[2]),
            onset_at=row["onset_at"] and row["onset_at"].astimezone(self._plan.zone).date(),
        )

    def _group(self, subject_id: str) -> str:
        if subject_id.startswith("F"):
            return "feeder"
        return "own" if self._customers[subject_id] <= 2 else "shared"


def plan_of(seed: int, customers: int) -> CountyPlan:
    """Return the county whose transformers are scored; its mines are those of nature."""
    return CountyPlan(seed=seed, customers=customers, days=DAYS, share_of_mines=0.01, voltages=False)


def all_scores(engine: Engine, seed: int, customers: int) -> list[Score]:
    """Return the scores of all partitions of a county."""
    plan = plan_of(seed, customers)
    parts = dict(engine.map(partial(scores_of, plan), range(plan.partitions)))
    return [score for number in sorted(parts) for score in parts[number]]


def null_table(scores: list[Score]) -> pa.Table:
    """Return the scores of innocents for ``minewatch.fuse.nulls``: class, prevalence, score."""
    innocents = sorted((score.group, score.log10_lr) for score in scores if score.mine_kw == 0)
    groups, values = zip(*innocents, strict=True)
    return pa.table(
        {
            "class": pa.array(groups),
            "prevalence": pa.array([PREVALENCE[group] for group in groups]),
            "score": pa.array(np.round(values, 3), pa.float32()),
        }
    )


def mining_table(scores: list[Score]) -> pa.Table:
    """Return the scores of mines of ``LEAST_SHARE`` of the mean supply and more, sorted."""
    mines = [score.log10_lr for score in scores if score.mine_kw > LEAST_SHARE * score.mean_kw]
    return pa.table({"score": pa.array(np.round(np.sort(mines), 3), pa.float32())})


def write_scores(folder: Path, workers: int) -> None:
    """Make the shipped tables in ``folder``: ``python -m minewatch.runs.training.balance_scores``."""
    scores = all_scores(LocalEngine(workers, processes=True), SEED, CUSTOMERS)
    pq.write_table(null_table(scores), folder / "supply.parquet", compression="zstd")
    pq.write_table(mining_table(scores), folder / "supply_mining.parquet", compression="zstd")


if __name__ == "__main__":
    write_scores(Path(fuse.__file__).parent / "calibration", workers=1)
