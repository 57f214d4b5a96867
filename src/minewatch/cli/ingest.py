"""``minewatch ingest``: foreign files into a lake, with what became of every row."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from minewatch.cli.failure import failing
from minewatch.cli.language import language, say

if TYPE_CHECKING:
    from minewatch.runs.ingest import Headway, Outcome

COUNTS = ("rows_in", "accepted", "corrected", "duplicate", "quarantined", "cells_put_aside")
_MOST_NOTES = 5


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command(
        help=say(
            "Take foreign files into a lake (made if there is none); the same bytes again bring nothing new.",
            "将外部文件导入数据湖(不存在则新建);相同内容重复导入不会产生新数据。",
        )
    )(ingest)


def ingest(
    lake: Annotated[Path, typer.Argument(metavar="LAKE", help=say("Folder of the lake", "数据湖目录"))],
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH…", help=say("Files and folders; - is standard input", "文件与目录;- 为标准输入")
        ),
    ],
    *,
    zone: Annotated[
        str | None,
        typer.Option(help=say("Local time of a new lake [Asia/Shanghai]", "新数据湖的时区 [Asia/Shanghai]")),
    ] = None,
    buckets: Annotated[
        int | None, typer.Option(min=1, max=4096, help=say("Partitions of a new lake [32]", "分区数 [32]"))
    ] = None,
    mapping: Annotated[
        Path | None, typer.Option(help=say("YAML file that explains the columns", "列映射YAML文件"))
    ] = None,
    table: Annotated[
        str | None, typer.Option(help=say("Table, where the header leaves a choice", "目标表"))
    ] = None,
    wait: Annotated[
        float, typer.Option(min=0, help=say("Seconds to wait for another writer", "等待其他写入者的秒数"))
    ] = 600,
    as_json: Annotated[
        bool, typer.Option("--json", help=say("Summary as one JSON object", "以JSON输出汇总"))
    ] = False,
) -> None:
    """Ingest with progress on standard error and the reconciliation on standard output."""
    from minewatch.runs.ingest import FAILURES, Settings, open_or_create
    from minewatch.runs.ingest import ingest as ingested

    with failing(*FAILURES), _Display() as display:
        settings = Settings(zone, buckets, mapping, table, wait)
        opened = open_or_create(lake, settings)
        outcomes = ingested(opened, paths, settings, datetime.now(UTC), display)
    if as_json:
        typer.echo(json.dumps(_summary(lake, outcomes), ensure_ascii=False))
    else:
        Console().print(_reconciliation(outcomes))
    if any(outcome.error for outcome in outcomes):
        raise typer.Exit(1)


class _Display:
    """The bar with rows/s and bytes left, and one line for each finished file, on standard error."""

    def __init__(self) -> None:
        self._console = Console(stderr=True)
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TextColumn("{task.fields[pace]}"),
            TimeRemainingColumn(),
            console=self._console,
        )
        self._bar = self._progress.add_task(say("reading", "读取"), total=None, pace="")
        self._rows_before = self._rows = self._bytes_before = 0

    def __enter__(self) -> "_Display":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def planned(self, files: int, bytes_: int) -> None:
        self._progress.update(self._bar, total=bytes_)
        self._console.print(say(f"files: {files:,}", f"文件:{files:,}"), highlight=False)

    def started(self, path: Path) -> None:
        self._rows_before = self._rows
        self._progress.update(self._bar, description=_plain(path.name))

    def read(self, headway: "Headway") -> None:
        self._rows = self._rows_before + headway.rows
        done = self._bytes_before + headway.bytes_done
        elapsed = self._progress.tasks[0].elapsed
        pace = f"{self._rows / elapsed:,.0f} {say('rows/s', '行/秒')}" if elapsed else ""
        self._progress.update(self._bar, completed=done, pace=pace)

    def finished(self, outcome: "Outcome", bytes_: int) -> None:
        self._bytes_before += bytes_
        self._progress.update(self._bar, completed=self._bytes_before)
        for line, style in _lines(outcome):
            self._console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)


def _lines(outcome: "Outcome") -> list[tuple[str, str]]:
    name = _plain(outcome.path.name)
    if outcome.result is None:
        text = getattr(outcome.error, "text", None)
        sentence = text(language()) if callable(text) else str(outcome.error)
        return [(sentence, "red")]
    result = outcome.result
    if result.is_known:
        return [(f"{name}: {say('already ingested, nothing new', '已导入过,无新内容')}", "dim")]
    numbers = say(
        f"{result.rows_in:,} rows = {result.accepted:,} accepted ({result.corrected:,} corrections) + "
        f"{result.duplicate:,} duplicate + {result.quarantined:,} quarantined",
        f"{result.rows_in:,}行 = 接收{result.accepted:,}(其中更正{result.corrected:,})+ "
        f"重复{result.duplicate:,} + 隔离{result.quarantined:,}",
    )
    cells = say(
        f"; {result.cells_put_aside:,} single values put aside",
        f";另有{result.cells_put_aside:,}个单值被搁置",
    )
    tables = ", ".join(result.tables)
    head = f"{name} ({result.format} → {tables}): {numbers}{cells if result.cells_put_aside else ''}"
    notes = list(dict.fromkeys(note[f"text_{language()}"] for note in result.notes))
    more = [say(f"… and {len(notes) - _MOST_NOTES} more notes", f"……另有{len(notes) - _MOST_NOTES}条说明")]
    shown = notes[:_MOST_NOTES] + (more if len(notes) > _MOST_NOTES else [])
    style = "yellow" if result.quarantined or result.cells_put_aside else ""
    return [(head, style), *((f"  {note}", "dim") for note in shown)]


def _reconciliation(outcomes: Sequence["Outcome"]) -> Table:
    title = say("Rows in = accepted + duplicate + quarantined", "行数 = 接收 + 重复 + 隔离")
    table = Table(title=title, box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    titles = say("tables|rows in|accepted|corrected|duplicate|quarantined", "表|行数|接收|其中更正|重复|隔离")
    for place, name in enumerate(titles.split("|")):
        table.add_column(name, justify="right" if place else "left", no_wrap=True)
    groups = _totals(outcomes)
    for name, totals in groups.items():
        table.add_row(name, *(f"{number:,}" for number in totals), end_section=name == list(groups)[-1])
    sums = [sum(column) for column in zip(*groups.values(), strict=True)] or [0] * len(COUNTS[:-1])
    table.add_row(say("total", "合计"), *(f"{number:,}" for number in sums))
    table.caption = _left_out(outcomes)
    return table


def _totals(outcomes: Sequence["Outcome"]) -> dict[str, list[int]]:
    totals: dict[str, list[int]] = {}
    for result in (outcome.result for outcome in outcomes):
        if result is not None and not result.is_known:
            row = [getattr(result, name) for name in COUNTS[:-1]]
            before = totals.setdefault(", ".join(result.tables), [0] * len(row))
            totals[", ".join(result.tables)] = [sum(pair) for pair in zip(before, row, strict=True)]
    return dict(sorted(totals.items()))


def _left_out(outcomes: Sequence["Outcome"]) -> str | None:
    known = sum(outcome.result is not None and outcome.result.is_known for outcome in outcomes)
    refused = sum(outcome.result is None for outcome in outcomes)
    fresh = [outcome.result for outcome in outcomes if outcome.result and not outcome.result.is_known]
    aside = sum(result.cells_put_aside for result in fresh)
    parts = []
    if aside:
        parts.append(say(f"{aside:,} single values put aside", f"{aside:,}个单值被搁置"))
    if known:
        parts.append(say(f"{known} files already ingested", f"{known}个文件此前已导入"))
    if refused:
        parts.append(say(f"{refused} files not taken", f"{refused}个文件未导入"))
    return "; ".join(parts) or None


def _summary(lake: Path, outcomes: Sequence["Outcome"]) -> dict[str, Any]:
    files = [_file_summary(outcome) for outcome in outcomes]
    fresh = [outcome.result for outcome in outcomes if outcome.result and not outcome.result.is_known]
    totals = {name: sum(getattr(result, name) for result in fresh) for name in COUNTS}
    return {"lake": str(lake), **totals, "files": files}


def _file_summary(outcome: "Outcome") -> dict[str, Any]:
    result, name = outcome.result, str(outcome.path)
    if result is None:
        text = getattr(outcome.error, "text", None)
        return {"file": name, "error": text(language()) if callable(text) else str(outcome.error)}
    return {
        "file": name,
        "source_id": result.source.source_id,
        "format": result.format,
        "tables": list(result.tables),
        **{count: getattr(result, count) for count in COUNTS},
        "already_ingested": result.is_known,
        "notes": [note[f"text_{language()}"] for note in result.notes],
    }


def _plain(name: str) -> str:
    return "".join(letter if letter.isprintable() else "�" for letter in name)
