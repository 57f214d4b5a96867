"""Scores of simulated sites by the data-centre detector: its calibration, and its figures.

``python -m minewatch.runs.training.traffic_scores`` makes ``fuse/calibration/traffic.parquet`` and
``traffic_mining.parquet`` from the calibration seed; with ``figures`` it prints what the detector does on the
evaluation seed. Neither seed made the detector's reference.
"""

import json
import sys
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from minewatch import fuse
from minewatch.detect.traffic.data_centre import judge_site
from minewatch.detect.traffic.model import ALONE, PAPERS, shipped_version
from minewatch.engines.base import Engine
from minewatch.engines.local import LocalEngine
from minewatch.runs.training.traffic_examples import (
    CALIBRATION,
    CLASS_OF,
    EVALUATION,
    HOSTS,
    Draw,
    Site,
    simulated_site,
)
from minewatch.schema.analysis_tables import SITE_HOURS
from minewatch.schema.evidence import Estimate, Evidence
from minewatch.schema.periods import Period
from minewatch.sim.streams import stream

SHARES: Mapping[str, float] = MappingProxyType(
    {
        "data_centre": 0.01,
        "private_centre": 0.02,
        "compute_cluster": 0.005,
        "steady_cluster": 0.005,
        "backup_site": 0.01,
        "people": 0.5,
        "guests": 0.15,
        "unattended": 0.3,
    }
)
"""Share of each kind of innocent among the sites whose lines a carrier counts (assumed)."""

LENGTHS = (28, 60, 120, 240, 365)
INNOCENTS, WHOLE_MINES, MINES_INSIDE = 300, 800, 100
"""Sites of each innocent kind, mines alone, and mines inside each kind of host."""

_BEGINS = 0.4
_DECLARED, _ENTERPRISE, _PEERS = 0.15, 0.7, 0.8
"""Shares of sites with an application, with a known enterprise, and with peers counted."""

_BATCH = 50
_START = datetime(2025, 1, 1, tzinfo=UTC)


class Task(NamedTuple):
    """Sites ``first`` to ``last`` - 1 of one draw."""

    draw: Draw
    first: int
    last: int


def scored_sites(engine: Engine, seed: int, scale: float = 1.0) -> pa.Table:
    """Return a row for each simulated site that was not refused.

    Columns: ``kind``, ``host``, ``score`` (log10_lr), ``best``; for mines ``mine_kw``, ``rest_share`` (of the
    site's power beside the mine), estimate ``kw``, ``low_kw``, ``high_kw``; ``onset_days``: found minus true
    onset, where both are.
    """
    parts = dict(engine.map(partial(_scored, seed), list(_tasks(scale))))
    return pa.concat_tables([parts[place] for place in sorted(parts)])


def _tasks(scale: float) -> Iterator[Task]:
    draws = [(Draw(host, False, LENGTHS), INNOCENTS) for host in HOSTS]
    draws += [(Draw(host, True, LENGTHS, _BEGINS), MINES_INSIDE) for host in HOSTS]
    draws.append((Draw(ALONE, True, LENGTHS, _BEGINS), WHOLE_MINES))
    for draw, number in draws:
        count = max(int(number * scale), 5)
        for first in range(0, count, _BATCH):
            yield Task(draw, first, min(first + _BATCH, count))


def _scored(seed: int, task: Task) -> pa.Table:
    rows = []
    for number in range(task.first, task.last):
        site = simulated_site(seed, number, task.draw)
        evidence = judged(site, stream(seed, "registers", task.draw.host, task.draw.mines, number))
        if evidence.log10_lr is not None:
            rows.append(_row(site, evidence))
    return pa.Table.from_pylist(rows, schema=_SCORED)


def judged(site: Site, rng: np.random.Generator) -> Evidence:
    """Return the evidence on a simulated site; ``rng`` draws what registers and carriers know of it."""
    has_peers = rng.random() < _PEERS
    rows = _site_hours(site, has_peers)
    hours = len(site.hours.kw)
    told = rng.random() < _DECLARED
    licensed, in_industry = rng.random(2) < PAPERS[CLASS_OF.get(site.host, site.host)]
    known = rng.random() < _ENTERPRISE
    record: dict[str, Any] = {
        "site_id": "S",
        "usage_points": 1,
        "points_read": 1,
        "contract_kva": site.declared.contract_kva,
        "industry_codes": ["6450" if in_industry else "5211"],
        "enterprises": int(known),
        "business_scope": "互联网数据中心业务" if known and licensed else None,
        "declared_mbps": site.declared.mbps if told else None,
        "reading_rows": hours // 24,
        "traffic_rows": hours,
    }
    period = Period(_START, _START + timedelta(hours=hours))
    return judge_site(rows, record, period, ZoneInfo("UTC"))


def _site_hours(site: Site, has_peers: bool) -> pa.Table:
    hours = site.hours
    at = np.datetime64(_START.replace(tzinfo=None), "us") + np.arange(hours.kw.size) * np.timedelta64(1, "h")
    none = np.full(hours.kw.size, np.nan)
    numbers = (hours.peers, hours.addresses) if has_peers else (none, none)
    columns = [
        pa.array(["S"] * hours.kw.size),
        pa.array(at).cast(SITE_HOURS.field("hour").type),
        *(pa.array(v, from_pandas=True) for v in (hours.kw, hours.inbound, hours.outbound, *numbers)),
        *(pa.array(values.astype(np.int32)) for values in (hours.lines_known, hours.lines_seen)),
        pa.array(hours.temperature_c),
    ]
    return pa.Table.from_arrays(columns, schema=SITE_HOURS)


_SCORED = pa.schema(
    [
        *((name, pa.string()) for name in ("kind", "host", "best")),
        *(
            (name, pa.float64())
            for name in ("score", "mine_kw", "rest_share", "kw", "low_kw", "high_kw", "onset_days")
        ),
    ]
)


def _row(site: Site, evidence: Evidence) -> dict[str, Any]:
    power, onset = evidence.power_kw or Estimate(0, 0, 0), evidence.onset_at
    found = (onset - _START).total_seconds() / 3600 if onset else np.nan
    rest = 1 - site.mine_kw / max(float(np.nanmax(site.hours.kw)), 1e-9)
    return {
        "kind": site.kind,
        "host": site.host,
        "best": evidence.best_alternative,
        "score": evidence.log10_lr,
        "mine_kw": site.mine_kw,
        "rest_share": max(rest, 0.0),
        "kw": power.value,
        "low_kw": power.low,
        "high_kw": power.high,
        "onset_days": (found - site.onset_hour) / 24,
    }


def write_calibration(folder: Path, engine: Engine) -> None:
    """Make both tables of the shipped detector in ``folder``."""
    sites = scored_sites(engine, CALIBRATION)
    innocent = sites.filter(pc.not_equal(sites["kind"], "mining"))
    hosts = innocent["host"].to_pylist()
    null = pa.table(
        {
            "class": innocent["host"].combine_chunks().dictionary_encode(),
            "prevalence": pa.array([SHARES[host] for host in hosts]),
            "score": _rounded(innocent["score"]),
        }
    )
    mines = sites.filter(pc.equal(sites["kind"], "mining"))
    scores = pa.table({"score": _rounded(mines["score"].combine_chunks().sort())})
    model = {"model": shipped_version()}
    pq.write_table(null.replace_schema_metadata(model), folder / "traffic.parquet", compression="zstd")
    pq.write_table(
        scores.replace_schema_metadata(model), folder / "traffic_mining.parquet", compression="zstd"
    )


def _rounded(scores: Any) -> pa.Array:
    return pa.array(np.round(scores.to_numpy(), 3), pa.float32())


def figures(sites: pa.Table) -> dict[str, Any]:
    """Return what the detector does on ``sites``: ranking, false alarms by kind, power, onset."""
    columns: dict[str, Any] = {name: sites[name].to_numpy() for name in sites.column_names}
    mines, alone = columns["kind"] == "mining", columns["host"] == ALONE
    greater = mines & ~alone & (columns["rest_share"] < 0.5)
    innocent = columns["score"][~mines]
    bar = float(np.quantile(columns["score"][alone], 0.2))
    alarms = {
        host: round(float(np.mean(columns["score"][~mines & (columns["host"] == host)] >= bar)), 3)
        for host in HOSTS
    }
    onset = np.abs(columns["onset_days"])
    return {
        "sites": len(mines),
        "auc_alone": _auc(columns["score"][alone], innocent),
        "auc_greater_part": _auc(columns["score"][greater], innocent),
        "false_alarms_at_80_percent_of_alone": alarms,
        "innocents_above_1": round(float(np.mean(innocent > 1)), 4),
        "named_rightly": round(float(np.mean(_named(columns)[~mines])), 3),
        "power": {name: _power(columns, rows) for name, rows in _sizes(columns, mines, alone)},
        "onset_median_days": round(float(np.nanmedian(onset)), 2),
        "onset_found": round(float(np.isfinite(onset).sum() / max(_BEGINS * mines.sum(), 1)), 2),
    }


def _auc(mines: npt.NDArray[np.float64], innocents: npt.NDArray[np.float64]) -> float:
    from scipy.stats import mannwhitneyu

    statistic = mannwhitneyu(mines, innocents).statistic
    return round(float(statistic) / (len(mines) * len(innocents)), 3)


def _named(columns: Mapping[str, Any]) -> npt.NDArray[np.bool_]:
    wanted = np.array([CLASS_OF.get(host, host) for host in columns["host"]])
    return np.asarray(columns["best"] == wanted)


def _sizes(
    columns: Mapping[str, Any], mines: npt.NDArray[np.bool_], alone: npt.NDArray[np.bool_]
) -> Iterator[tuple[str, npt.NDArray[np.bool_]]]:
    yield "alone", alone
    inside = mines & ~alone & (columns["mine_kw"] > 0)
    yield "more than half", inside & (columns["rest_share"] < 0.5)
    yield "less than half", inside & (columns["rest_share"] >= 0.5)


def _power(columns: Mapping[str, Any], rows: npt.NDArray[np.bool_]) -> dict[str, float]:
    kw, low, high, true = (columns[name][rows] for name in ("kw", "low_kw", "high_kw", "mine_kw"))
    on = true > 0
    return {
        "sites": int(on.sum()),
        "median_error": round(float(np.median(np.abs(kw[on] / true[on] - 1))), 3),
        "coverage": round(float(np.mean((low[on] <= true[on]) & (true[on] <= high[on]))), 3),
        "median_width": round(float(np.median((high[on] - low[on]) / true[on])), 2),
    }


if __name__ == "__main__":
    local = LocalEngine(1, processes=True)
    if sys.argv[1:] == ["figures"]:
        sys.stdout.write(json.dumps(figures(scored_sites(local, EVALUATION)), indent=2) + "\n")
    else:
        write_calibration(Path(fuse.__file__).parent / "calibration", local)
