"""The office with a whole country in it: every kind of page while twenty people load pages.

The server is ``minewatch office serve`` as it ships; the database is PostgreSQL, or the one SQLite file. Who
asks, server and database share the machine's cores. Filling takes minutes and is kept in the folder.
"""

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from tests import postgresql

from benchmarks.office_load import Load, load
from benchmarks.office_pages import ACCOUNTS, FLOOR, is_judged
from benchmarks.registry import Pages, Phase, Route, register

ROOT = Path(__file__).parents[1]
MOST_QUERIES, P95_BAR_MS = 12, 300.0
_PHASES = {1.0: 60.0, 0.0: 30.0}
"""Mean seconds of thinking between two pages, drawn from an exponential distribution → seconds it lasts."""
_PORT = 8765
_SERVER = {"shared_buffers": "512MB", "maintenance_work_mem": "256MB", "max_wal_size": "4GB"}


def measure(database: str, folder: Path, size: int) -> Sequence[Phase]:
    """Fill an office where it is not filled, put it under load, and count the queries of each route."""
    home = folder / f"office-{database}-{size}"
    home.mkdir(parents=True, exist_ok=True)
    with _database(database, home) as url:
        (home / "office.toml").write_text(f'second_factor = "optional"\n{url}', "utf-8")
        _fill(home, size)
        known = json.loads((home / "known.json").read_text("utf-8"))
        before = os.getloadavg()[0]
        with _serving(home) as base:
            _first, *loads = asyncio.run(load(base, known, _PHASES))
        queries = json.loads(_module("office_queries", home))
    return [_phase(*pair, before, queries) for pair in zip(_PHASES, loads, strict=True)]


@contextmanager
def _database(kind: str, home: Path) -> Iterator[str]:
    """Yield the line of ``office.toml`` that names the database."""
    keep = home / "cluster"
    is_new = not keep.exists()
    server = postgresql.running(keep=keep, settings=_SERVER) if kind == "postgresql" else nullcontext()
    with server as running:
        if running and (is_new or not (home / "filled").exists()):
            running.new_database("office")
        yield f'database = "{running.url("office")}"\n' if running else ""


def _fill(home: Path, size: int) -> None:
    """Fill the office once for each form of its tables and of what fills them."""
    mark, form = home / "filled", _form()
    if mark.exists() and mark.read_text("ascii") == form:
        return
    _module("office_filling", home, str(size))
    (home / "known.json").write_bytes(_module("office_known", home))
    mark.write_text(form, "ascii")


def _form() -> str:
    tables = sorted((ROOT / "src/minewatch/office").glob("**/migrations/*.py"))
    fillers = [
        ROOT / f"benchmarks/office_{name}.py" for name in ("country", "history", "words", "filling", "known")
    ]
    return hashlib.sha256(b"".join(path.read_bytes() for path in [*tables, *fillers])).hexdigest()


def _module(name: str, *said: object) -> bytes:
    command = [sys.executable, "-m", f"benchmarks.{name}", *map(str, said)]
    return subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout  # noqa: S603


@contextmanager
def _serving(home: Path) -> Iterator[str]:
    """Serve the office for the block; yield its address."""
    bind = f"127.0.0.1:{_PORT}"
    command = [Path(sys.executable).with_name("minewatch"), "office", "serve", "--home", home, "--bind", bind]
    with (home / "server.log").open("w") as log:
        server = subprocess.Popen(command, cwd=ROOT, stdout=log, stderr=log)  # noqa: S603
    try:
        _wait_for(f"http://{bind}")
        yield f"http://{bind}"
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)


def _wait_for(base: str) -> None:
    for _ in range(300):
        try:
            httpx.get(f"{base}/healthz").raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
    raise RuntimeError("the server does not answer")


def _phase(think_s: float, found: Load, before: float, queries: Mapping[str, Any]) -> Phase:
    if found.wrong:
        raise RuntimeError(f"pages that did not load: {found.wrong[:5]}")
    thinking = f"{think_s:g} s of thinking in the mean" if think_s else "no thinking"
    number = sum(map(len, found.seconds.values()))
    return Phase(
        words=f"{len(ACCOUNTS)} accounts, each waits for its page, {thinking}",
        judged=think_s > 0,
        a_second=number / found.wall_s,
        client_cpu_share=found.client_cpu_s / found.wall_s,
        load_before=before,
        floor_ms=1e3 * float(np.median(found.seconds[FLOOR])),
        routes=[_route(name, found, queries.get(name)) for name in found.seconds],
    )


def _route(name: str, found: Load, asked: Mapping[str, Any] | None) -> Route:
    ms = 1e3 * np.array(found.seconds[name])
    _took_s, account, address = found.slowest[name]
    return Route(
        name=name,
        number=len(ms),
        p50_ms=float(np.median(ms)),
        p95_ms=float(np.quantile(ms, 0.95, method="higher")),
        max_ms=float(ms.max()),
        slowest=f"{account} {address}",
        queries=asked["queries"] if asked else None,
        judged=is_judged(name),
    )


for _kind, _size in (("postgresql", 1_000_000), ("sqlite", 100_000)):
    register(
        Pages(
            name=f"office_{_kind}",
            sizes=(_size,),
            unit="usage points",
            run=partial(measure, _kind),
            most_queries=MOST_QUERIES if _kind == "postgresql" else None,
            p95_bar_ms=P95_BAR_MS if _kind == "postgresql" else None,
        )
    )
