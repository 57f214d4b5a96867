"""``python -m benchmarks [NAME…]``: print each ratio and write all as JSON to build/bench.json."""

import argparse
import json
import os
import platform
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchmarks.registry import Entry, Job, Pages, Route, Scaling, Sweep, entries
from benchmarks.timing import in_turns, own_peak_mb, peak_mb_of

ROOT = Path(__file__).parents[1]


def main() -> int:
    """Run the benchmarks that were named, or all. Returns 1 where a bar is missed."""
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("names", nargs="*", help="entries to run; all by default")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "bench", help="where inputs are kept")
    parser.add_argument("--output", type=Path, default=ROOT / "build" / "bench.json")
    parser.add_argument("--size", type=int, help="instead of an entry's own sizes")
    parser.add_argument("--peak-of", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    known = entries()
    if asked.peak_of:
        job = known[asked.peak_of]
        assert isinstance(job, Job)  # noqa: S101 - our own call
        job.job(job.prepare(asked.folder, asked.size))
        _say(f"{own_peak_mb():.0f}")
        return 0
    asked.folder.mkdir(parents=True, exist_ok=True)
    rows = [row for name in asked.names or known for row in measure(known[name], asked.folder, asked.size)]
    machine = {"cores": len(os.sched_getaffinity(0)), "python": platform.python_version()}
    asked.output.parent.mkdir(parents=True, exist_ok=True)
    asked.output.write_text(json.dumps({"machine": machine, "results": rows}, indent=1) + "\n")
    return int(any(row.get("within") is False for row in rows))


def measure(entry: Entry, folder: Path, size: int | None) -> list[dict[str, Any]]:
    """Return what was measured of one entry, a row per size, and print it."""
    if isinstance(entry, Job):
        return [_job(entry, folder, each) for each in ((size,) if size else entry.sizes)]
    if isinstance(entry, Pages):
        return [_pages(entry, folder, each) for each in ((size,) if size else entry.sizes)]
    return [_scaling(entry, folder) if isinstance(entry, Scaling) else _sweep(entry)]


def _job(entry: Job, folder: Path, size: int) -> dict[str, Any]:
    measured = in_turns(entry.job, entry.floor, entry.prepare(folder, size))
    peak_mb = peak_mb_of(entry.name, size, folder)
    within = (entry.bar is None or measured.ratio <= entry.bar) and (
        entry.peak_bar_mb is None or peak_mb <= entry.peak_bar_mb
    )
    judged = within if entry.bar or entry.peak_bar_mb else None
    bar = f" (bar {entry.bar:g})" if entry.bar else ""
    _say(
        f"{entry.name}, {size:,} {entry.unit}: {measured.ratio:.2f} × {entry.floor_name}{bar}; "
        f"{measured.first_s:.3f} s against {measured.second_s:.3f} s; peak {peak_mb:.0f} MB{_verdict(judged)}"
    )
    return {
        "name": entry.name,
        "size": size,
        "unit": entry.unit,
        "floor": entry.floor_name,
        "job_s": measured.first_s,
        "floor_s": measured.second_s,
        "ratio": measured.ratio,
        "bar": entry.bar,
        "peak_mb": peak_mb,
        "within": judged,
    }


def _scaling(entry: Scaling, folder: Path) -> dict[str, Any]:
    ratio = in_turns(entry.slow, entry.quick, entry.prepare(folder)).best_ratio
    within = (entry.at_least is None or ratio >= entry.at_least) and (
        entry.at_most is None or ratio <= entry.at_most
    )
    _say(f"{entry.name}: {ratio:.2f}{_verdict(within)}")
    bounds = {"at_least": entry.at_least, "at_most": entry.at_most}
    return {"name": entry.name, "ratio": ratio, **bounds, "within": within}


def _sweep(entry: Sweep) -> dict[str, Any]:
    figures = dict(entry.run())
    shown = ", ".join(f"{severity}: {figure:.3f}" for severity, figure in figures.items())
    _say(f"{entry.name}, {entry.figure}: {shown}")
    return {"name": entry.name, "figure": entry.figure, "figures": figures}


def _pages(entry: Pages, folder: Path, size: int) -> dict[str, Any]:
    phases = entry.run(folder, size)
    misses = [route for phase in phases if phase.judged for route in phase.routes if _misses(entry, route)]
    for phase in phases:
        _say(
            f"{entry.name}, {size:,} {entry.unit}, {phase.words}: {phase.a_second:.0f} pages a second, "
            f"floor {phase.floor_ms:.0f} ms, client {phase.client_cpu_share:.0%} of a core, "
            f"load before {phase.load_before:.1f}"
        )
        for route in sorted(phase.routes, key=lambda one: -one.p95_ms)[:_WORST]:
            verdict = _verdict(False if phase.judged and route in misses else None)
            _say(
                f"  {route.name:24} p50 {route.p50_ms:5.0f}  p95 {route.p95_ms:5.0f}  "
                f"max {route.max_ms:5.0f} ms  {route.queries} queries{verdict}"
            )
    within = not misses if entry.p95_bar_ms or entry.most_queries else None
    return {
        "name": entry.name,
        "size": size,
        "unit": entry.unit,
        "p95_bar_ms": entry.p95_bar_ms,
        "most_queries": entry.most_queries,
        "phases": [asdict(phase) for phase in phases],
        "within": within,
    }


_WORST = 12


def _misses(entry: Pages, route: Route) -> bool:
    is_slow = entry.p95_bar_ms is not None and route.p95_ms > entry.p95_bar_ms
    asks = entry.most_queries is not None and (route.queries or 0) > entry.most_queries
    return route.judged and (is_slow or asks)


def _verdict(within: bool | None) -> str:
    return {True: "  ok", False: "  MISSED", None: ""}[within]


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - this is a command


if __name__ == "__main__":
    raise SystemExit(main())
