"""``minewatch look``: what captures and reading files show, without a lake."""

import json
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from minewatch.cli.failure import failing
from minewatch.cli.language import language, say

if TYPE_CHECKING:
    from minewatch.runs.look import Sight


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command(
        help=say(
            "Say what captures, flow logs and reading files show; needs no lake. One line per connection "
            "with signs of mining, one per customer. Exit code 1 where no file could be read.",
            "查看抓包、流日志和读数文件中的迹象,无需数据湖。每条有挖矿迹象的连接一行,每个用户一行。"
            "所有文件均无法读取时退出码为1。",
        )
    )(look)


def look(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="PATH…", help=say("Files and folders; - is standard input", "文件与目录;- 为标准输入")
        ),
    ],
    *,
    as_json: Annotated[
        bool, typer.Option("--json", help=say("One JSON object a line", "每行一个JSON对象"))
    ] = False,
    zone: Annotated[
        str, typer.Option(help=say("Local time of readings without offset", "读数所在时区"))
    ] = "Asia/Shanghai",
    mapping: Annotated[
        Path | None, typer.Option(help=say("YAML file that explains the columns", "列映射YAML文件"))
    ] = None,
    table: Annotated[
        str | None, typer.Option(help=say("Table, where the header leaves a choice", "目标表"))
    ] = None,
    pools: Annotated[
        Path | None,
        typer.Option(help=say("List of mining pools beside the shipped one", "自带名录之外的矿池名录")),
    ] = None,
    block_times: Annotated[
        Path | None, typer.Option(help=say("When the blocks of chains came", "各链出块时间文件"))
    ] = None,
) -> None:
    """Look with progress on standard error and the records on standard output."""
    from minewatch.runs.look import FAILURES, Settings
    from minewatch.runs.look import look as looked

    settings = Settings(language(), zone, mapping, table, pools, block_times)
    sights: list[Sight] = []
    with failing(*FAILURES), _Display() as display:
        for sight in looked(paths, settings, display):
            sights.append(sight)
            if as_json:
                for record in sight.records:
                    typer.echo(json.dumps(record, ensure_ascii=False, default=_as_text))
    if not as_json:
        _print_tables(sights)
    _print_rest(sights)
    if sights and all(sight.failure for sight in sights):
        raise typer.Exit(1)


class _Display:
    """The bar with bytes done and the time left, on standard error."""

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._bar = self._progress.add_task(say("reading", "读取"), total=None)
        self._finished, self._current = 0, (Path(), 0)

    def __enter__(self) -> "_Display":
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def planned(self, files: int, bytes_: int) -> None:
        _ = files
        self._progress.update(self._bar, total=bytes_ or None)

    def read(self, path: Path, bytes_done: int) -> None:
        if path != self._current[0]:
            self._finished += self._current[1]
        self._current = path, bytes_done
        done = self._finished + bytes_done
        self._progress.update(self._bar, description=escape(path.name), completed=done)

    def judging(self, customers_rows: int) -> None:
        if customers_rows:
            text = say(f"judging {customers_rows:,} days of readings", f"分析{customers_rows:,}个用户日")
            self._progress.update(self._bar, description=text)


def _print_tables(sights: Sequence["Sight"]) -> None:
    console = Console()
    flows = [record for sight in sights if sight.table == "flows" for record in sight.records]
    readings = [record for sight in sights if sight.table == "interval_readings" for record in sight.records]
    if flows:
        console.print(_flow_table(flows))
    if readings:
        console.print(_reading_table(readings))
    for text in _likely(readings):
        console.print(text, markup=False, highlight=False)
    for line in _closing(sights, len(flows), readings):
        console.print(line, markup=False, highlight=False)


def _flow_table(records: Sequence[dict[str, Any]]) -> Table:
    table = Table(title=say("Connections with signs of mining", "有挖矿迹象的连接"), show_lines=True)
    for name in (say("from, to, file", "起止与文件"), say("what was said", "协议内容"), say("why", "依据")):
        table.add_column(name, overflow="fold")
    for record in records:
        ends = (
            f"{record['src']}:{record['sport']}\n→ {record['dst']}:{record['dport']} {record['proto']}\n"
            f"{Path(record['file']).name}"
        )
        table.add_row(escape(ends), escape(_said(record)), escape(_why(record)))
    return table


def _said(record: dict[str, Any]) -> str:
    names = {
        "dialect": say("dialect", "协议"),
        "coin": say("coin", "币种"),
        "algorithm": say("algorithm", "算法"),
        "pool": say("pool", "矿池"),
        "account": say("account", "账户"),
        "worker": say("worker", "矿工"),
        "agent": say("software", "软件"),
    }
    lines = [f"{name}: {record[key]}" for key, name in names.items() if record[key] is not None]
    return "\n".join(lines)


def _why(record: dict[str, Any]) -> str:
    strength = say("strength", "证据强度")
    value = "–" if record["log10_lr"] is None else f"10^{record['log10_lr']:.1f}"
    return "\n".join([f"{strength} {value}", *(f"· {each['text']}" for each in record["reasons"])])


def _reading_table(records: Sequence[dict[str, Any]]) -> Table:
    """One line for each customer, most suspicious first; the reasons of those that probably mine follow."""
    from minewatch.runs.report.wording import innocent, percent, word

    table = Table(title=say("Customers", "用户"), box=SIMPLE_HEAD)
    table.add_column(say("customer", "户号"), overflow="fold")
    for name in (say("mining", "挖矿概率"), say("steady kW", "恒定功率kW"), say("since", "起始")):
        table.add_column(name, justify="right")
    table.add_column(say("runs", "运行方式"))
    table.add_column(say("if innocent, most like", "若非挖矿,最像"))
    for record in sorted(records, key=lambda each: -(each["probability"] or 0)):
        power = "–" if record["power_kw"] is None else f"{record['power_kw']:.2f}"
        since = "–" if record["onset_at"] is None else _as_text(record["onset_at"])[:10]
        like = getattr(innocent(record["best_alternative"]), language())
        duty = getattr(word("duty", record["duty"]), language())
        row = (record["usage_point_id"], percent(record["probability"]), power, since, duty, like)
        table.add_row(*map(escape, row))
    return table


def _likely(records: Sequence[dict[str, Any]]) -> list[str]:
    found = [record for record in records if (record["probability"] or 0) >= 0.5]
    return [
        f"{record['usage_point_id']}\n{_why(record)}"
        for record in sorted(found, key=lambda each: -each["probability"])
    ]


def _closing(sights: Sequence["Sight"], flows: int, readings: Sequence[dict[str, Any]]) -> list[str]:
    """Return the sentences that say how much was looked at, also where nothing was found."""
    captures = [sight for sight in sights if sight.table == "flows" and not sight.failure]
    lines = []
    if captures:
        number, files = sum(sight.looked_at for sight in captures), len(captures)
        found = say(f"{flows} show signs of mining", f"{flows}条有挖矿迹象")
        nothing = say("nothing that tells of mining", "未见挖矿迹象")
        lines.append(
            say(f"{number:,} connections in {files} files: ", f"{files}个文件共{number:,}条连接:")
            + (found if flows else nothing)
        )
    if readings:
        likely = sum((record["probability"] or 0) >= 0.5 for record in readings)
        refused = sum(record["log10_lr"] is None for record in readings)
        lines.append(
            say(
                f"{len(readings):,} customers: {likely} more likely mining than not, "
                f"{refused} could not be judged",
                f"{len(readings):,}个用户:{likely}个较可能在挖矿,{refused}个无法判断",
            )
        )
    return lines


def _print_rest(sights: Sequence["Sight"]) -> None:
    """Name what was left out, on standard error."""
    console = Console(stderr=True)
    for sight in sights:
        name = sight.path.name
        if sight.failure:
            line = say(f"not read: {sight.path}: ", f"未读取:{sight.path}:") + sight.failure.text(language())
            console.print(line, style="red", markup=False, highlight=False, soft_wrap=True)
        for note in sight.notes:
            console.print(f"{name}: {note.text(language())}", style="dim", markup=False, soft_wrap=True)
        for number, first in sight.put_aside.values():
            why = first.reason.text(language())
            line = say(
                f"{number:,} put aside, first at line {first.line:,}: {why}",
                f"{number:,}处未采用,首处在第{first.line:,}行:{why}",
            )
            console.print(f"{name}: {line}", style="yellow", markup=False, highlight=False, soft_wrap=True)


def _as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime | date) else str(value)
