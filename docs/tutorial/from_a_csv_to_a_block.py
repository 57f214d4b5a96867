# %% [markdown]
"""
# From a CSV to a sized, dated block

A grid company sends a spreadsheet: one row a day, one column every 15 minutes. Is somebody mining behind that meter, since
when, and with how many kilowatts? This page goes there step by step. It is made by running
`docs/tutorial/from_a_csv_to_a_block.py`, a notebook in percent cells (Jupyter and VS Code open it):

    .venv/bin/python tools/tutorial.py docs/tutorial/from_a_csv_to_a_block.py
"""

# %% [markdown]
"""
## 1. The file

The simulator plays the grid company: the first account of a small county in whose curve a mine begins, and a cold store
that only looks like one. The truth is put aside until the end.
"""

# %%
import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from minewatch.sim.assembly import partition
from minewatch.sim.county import CountyPlan
from minewatch.sim.files import write_wide

plan = CountyPlan(
    seed=11,
    customers=250,
    days=150,
    start_on=date(2026, 1, 5),
    share_of_mines=0.15,
    mix="training",
    partition_customers=250,
)
county = partition(plan, 0)
truth = {row["usage_point_id"]: row for row in county.truth["truth_usage_points"].to_pylist()}
began = sorted(
    name
    for name, row in truth.items()
    if row["mine_kind"] in ("factory", "farm_tariff")
    and row["metered"]
    and row["onset_at"]
    and row["onset_at"].date() > date(2026, 2, 15)
)
cold = sorted(name for name, row in truth.items() if row["kind"] == "cold_store" and not row["mine_kind"])
customer, lookalike = began[0], cold[0]
folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/tutorial")
folder.mkdir(parents=True, exist_ok=True)
rows = county.tables["interval_readings"]
wanted = rows.filter(pc.is_in(rows["usage_point_id"], value_set=pa.array([customer, lookalike])))
write_wide(folder / "readings.csv", wanted)
print((folder / "readings.csv").read_text("gbk")[:230], "…")

# %% [markdown]
"""
## 2. Reading it

The reader finds out by itself that this is a wide table in GBK with Chinese headers and P1 to P96.
"""

# %%
from zoneinfo import ZoneInfo

from minewatch.sources.options import ReadOptions
from minewatch.sources.recognise import recognise

options = ReadOptions(zone=ZoneInfo("Asia/Shanghai"))
found = recognise(folder / "readings.csv", options)
readings = pa.concat_tables(batch.rows for batch in found.reader(folder / "readings.csv", options))
readings = readings.sort_by([("usage_point_id", "ascending"), ("day", "ascending")])
print(
    found.format,
    "→",
    found.table,
    f"{len(readings)} days of {len(set(readings['usage_point_id'].to_pylist()))} customers",
)

# %% [markdown]
"""
## 3. The curve

One column a day, one row a time of day. What people do is uneven; a mine is a floor that rises at every hour at once.
"""

# %%
from minewatch.runs.report.raster import raster_uri


def grid_of(name: str) -> np.ndarray:
    """Readings of a customer, kW, shape (days, 96)."""
    kw = readings.filter(pc.equal(readings["usage_point_id"], name))["kw"]
    return np.array(kw.to_pylist(), float)


def heat_map(name: str, title: str) -> str:
    """Readings as a picture."""
    grid = grid_of(name)
    top_kw = float(np.nanpercentile(grid, 99.5))
    body = f'<image href="{raster_uri(grid.T, top_kw)}" x="60" y="30" width="700" height="200" preserveAspectRatio="none"/>'
    hours = "".join(
        f'<text x="52" y="{34 + 200 * h / 24:.0f}" text-anchor="end">{h}:00</text>' for h in (0, 6, 12, 18)
    )
    return drawing(title, body + hours + day_axis(len(grid), 230) + scale_of(top_kw), 290)


def drawing(title: str, body: str, height: int) -> str:
    """A picture of 780 pixels width."""
    style = 'font-family="sans-serif" font-size="12" fill="#222"'
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 780 {height}" width="780" {style}>'
    return f'{head}<rect width="100%" height="100%" fill="white"/><text x="60" y="18" font-size="14">{title}</text>{body}</svg>\n'


def day_axis(days: int, y: int) -> str:
    """Dates under a picture."""
    marks = [n for n in range(days - 14) if (plan.start_on + timedelta(days=n)).day == 1]
    texts = [(60 + 700 * n / days, plan.start_on + timedelta(days=n)) for n in marks]
    return "".join(
        f'<text x="{x:.0f}" y="{y + 18}">{day:%Y-%m-%d}</text><path d="M{x:.0f} {y}v5" stroke="#222"/>'
        for x, day in texts
    )


def scale_of(top_kw: float) -> str:
    """Colours from 0 to ``top_kw``."""
    ramp = raster_uri(np.linspace(0, 1, 255)[np.newaxis, :], 1)
    return (
        f'<text x="60" y="275">0 kW</text><image href="{ramp}" x="100" y="265" width="160" height="10" '
        f'preserveAspectRatio="none"/><text x="268" y="275">{top_kw:.3g} kW</text>'
    )


pictures = Path(__file__).parents[1] / "images"
(pictures / "tutorial-heat-map.svg").write_text(heat_map(customer, "Every reading of the customer"), "utf-8")

# %% [markdown]
"""
![Heat map of the customer's readings: from one day on every hour is brighter](../images/tutorial-heat-map.svg)
"""

# %% [markdown]
"""
## 4. Is it enough?

A curve that is too short, too gappy or empty is refused with the numbers that show it, never guessed at.
"""

# %%
from minewatch.detect.load.needs import LOAD_NEEDS, load_refusal
from minewatch.detect.load.vectors import LoadTables, load_vectors
from minewatch.kernels.power.load_blocks import Coverage

zone = ZoneInfo("Asia/Shanghai")
tables = LoadTables(
    readings.select(county.tables["interval_readings"].schema.names), None, None, None, None, zone
)
first_day = (plan.start_on - date(1970, 1, 1)).days
vectors = load_vectors(tables, (first_day, first_day + plan.days))
place = vectors.usage_point_ids.index(customer)
coverage = vectors.judged.coverage[place]
print(f"{coverage[Coverage.span_days]:.0f} days, needed {LOAD_NEEDS.days}; refused: {load_refusal(coverage)}")

# %% [markdown]
"""
## 5. Floors, pulse, onset

The floor of a day is the quarter quantile of its 24 hours: up to six hours may be switched off for price. One rectangular
pulse is fitted to the floors; its edges are the dates, its height is the block. The pulse begins with the first whole day;
the hour of the onset, a day before at most, is then found on the curve itself.
"""

# %%
from minewatch.kernels.power.blocks import Block

block = vectors.judged.block[place]
begin = plan.start_on + timedelta(days=int(block[Block.begin_day]))
print(
    f"floor before {block[Block.base_kw]:.1f} kW, in the block {block[Block.level_kw]:.1f} kW: step {block[Block.step_kw]:.1f} kW"
)
print(
    f"the pulse begins on {begin}, its step explains {block[Block.gain_share]:.0%} of the variance of the floors"
)
print(
    f"every hour rises by {block[Block.uplift_low_kw]:.1f} kW at least, {block[Block.uplift_kw]:.1f} kW on the mean"
)


def floors_picture(name: str) -> str:
    """Daily floors with the pulse."""
    hourly = grid_of(name).reshape(plan.days, 24, 4).mean(axis=2)
    floors = np.sort(hourly, axis=1)[:, 6]
    top = 1.15 * float(np.nanmax(hourly.mean(axis=1)))

    def x(day: float) -> float:
        return 60 + 700 * day / plan.days

    def y(kw: float) -> float:
        return 230 - 200 * kw / top

    lines = [(hourly.mean(axis=1), "#8a8a8a", "mean of the day"), (floors, "#0072b2", "floor of the day")]
    body = ""
    for number, (values, colour, label) in enumerate(lines):
        points = " ".join(f"{x(n):.1f},{y(v):.1f}" for n, v in enumerate(values) if np.isfinite(v))
        body += f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.5"/>'
        body += f'<text x="{560 + 110 * number}" y="18" fill="{colour}">{label}</text>'
    start, end = int(block[Block.begin_day]), int(block[Block.end_day])
    base, level = float(block[Block.base_kw]), float(block[Block.level_kw])
    path = f"M60 {y(base):.1f}H{x(start):.1f}V{y(level):.1f}H{x(end):.1f}" + (
        f"V{y(base):.1f}H760" if end < plan.days else ""
    )
    body += f'<path d="{path}" fill="none" stroke="#d55e00" stroke-width="2"/>'
    marks = [top * share for share in (0, 0.25, 0.5, 0.75, 1)]
    body += "".join(f'<text x="52" y="{y(kw) + 4:.0f}" text-anchor="end">{kw:.3g} kW</text>' for kw in marks)
    return drawing("Floors and the pulse (orange)", body + day_axis(plan.days, 230), 260)


(pictures / "tutorial-floors.svg").write_text(floors_picture(customer), "utf-8")

# %% [markdown]
"""
![Daily means and floors with the fitted pulse](../images/tutorial-floors.svg)
"""

# %% [markdown]
"""
## 6. Weighed

The detector weighs mining against look-alikes, gives the power with its 90 % interval, the dates, the duty, and reasons that
can be looked up on the curve. Beside it the cold store.
"""

# %%
from minewatch.detect.load.customer_load import judge
from minewatch.schema.periods import day_period

period = day_period(plan.start_on, plan.end_on, zone)
judged = {evidence.subject_id: evidence for evidence in judge(tables, period)}
for name, title in ((customer, "the customer"), (lookalike, "the cold store")):
    evidence = judged[name]
    power = evidence.power_kw
    print(
        f"{title}: log10 likelihood ratio {evidence.log10_lr:+.1f}, best innocent explanation {evidence.best_alternative}"
    )
    if power:
        print(
            f"  if it mines: {power.value:.1f} kW ({power.low:.1f} to {power.high:.1f}), since {evidence.onset_at or 'before the readings'}, {evidence.duty}"
        )
    for reason in evidence.reasons:
        print("  -", reason.text("en"))

# %% [markdown]
"""
## 7. The truth

Only now: what the simulator knows.
"""

# %%
mining = county.truth["truth_mining"]
kw = np.array(mining.filter(pc.equal(mining["usage_point_id"], customer))["kw"].to_pylist(), float)
print(
    f"a mine of kind {truth[customer]['mine_kind']}, {np.median(kw[kw > 0.3 * kw.max()]):.1f} kW while on, since {truth[customer]['onset_at']}"
)

# %% [markdown]
"""
## The same in one command

    .venv/bin/minewatch look build/tutorial/readings.csv

It prints a probability, which is lower than the ratio suggests: of 1,000 customers it expects one to mine before it looks, and
a customer of whom no archive tells the kind is held against the class of innocents that reaches such ratios most often.

What else the detector uses where it is there (archive, power factor, phases, voltage, temperature, prices, neighbours) and
how it was trained: [a block in a customer's curve](../explanation/customer-load.md). From here, [your first
county](first-county.md) goes to a list with names and places.
"""
