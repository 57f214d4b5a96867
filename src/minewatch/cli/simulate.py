"""``minewatch simulate``: a county that does not exist, as files, with its truth apart."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from minewatch.cli.failure import failing
from minewatch.cli.language import say

if TYPE_CHECKING:
    from minewatch.runs.simulate import County, CountyPlan

_START = datetime(2026, 1, 1, tzinfo=UTC)


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command(
        help=say(
            "Make a simulated county: files as utilities, carriers and registers give them, truth apart.",
            "生成模拟县域:供电、运营商与登记部门格式的文件,真值另存。",
        )
    )(simulate)


def simulate(  # noqa: PLR0913 - the options of the verb
    folder: Annotated[Path, typer.Argument(metavar="OUT", help=say("Empty folder for it", "空目录"))],
    *,
    customers: Annotated[int, typer.Option(min=1, help=say("Number of accounts", "用户数"))] = 2000,
    days: Annotated[int, typer.Option(min=1, help=say("Number of days", "天数"))] = 180,
    seed: Annotated[
        int, typer.Option(help=say("Same seed, same bytes", "随机种子,相同则结果逐字节相同"))
    ] = 1,
    start: Annotated[
        datetime, typer.Option(formats=["%Y-%m-%d"], show_default="2026-01-01", help=say("First day", "首日"))
    ] = _START,
    region: Annotated[
        list[str] | None, typer.Option(help=say("GB/T 2260 code, may be repeated", "行政区划代码,可重复"))
    ] = None,
    interval: Annotated[int, typer.Option(help=say("Minutes per reading", "读数间隔(分钟)"))] = 15,
    file_format: Annotated[
        str, typer.Option("--format", help=say("Readings: parquet or csv", "读数格式:parquet 或 csv"))
    ] = "parquet",
    engine: Annotated[
        str, typer.Option(help=say("local-processes[N] or spark://host:port", "计算引擎地址"))
    ] = "local-processes",
) -> None:
    """Simulate a county with progress on standard error."""
    from minewatch.runs.simulate import FAILURES, county_plan

    with failing(*FAILURES):
        plan = county_plan(seed, customers, days, start.date(), tuple(region or ()), interval)
        county = _with_progress(plan, folder, engine, file_format)
    Console(stderr=True).print(_summary(county), highlight=False)
    typer.echo(county.folder)


def _with_progress(plan: "CountyPlan", folder: Path, address: str, file_format: str) -> "County":
    from minewatch.runs.engine_of import engine_of
    from minewatch.runs.simulate import simulate as simulated

    engine = engine_of(address)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[pace]}"),
    )
    with Progress(*columns, TimeRemainingColumn(), console=Console(stderr=True)) as progress:
        bar = progress.add_task(say("customers", "用户"), total=plan.customers, pace="")

        def show(done: int) -> None:
            progress.advance(bar, done)
            task = progress.tasks[0]
            pace = f"{task.completed / task.elapsed:,.0f}/s" if task.elapsed else ""
            progress.update(bar, pace=pace)

        try:
            return simulated(plan, folder, engine, file_format, lambda part: show(part.customers))
        finally:
            engine.close()


def _summary(county: "County") -> str:
    mega = f"{county.bytes / 1e6:,.1f} MB"
    readings = county.rows.get("interval_readings", 0)
    return say(
        f"{county.customers:,} customers, {readings:,} customer-days, {county.files} files, {mega}.",
        f"{county.customers:,} 户,{readings:,} 户日,{county.files} 个文件,{mega}。",
    )
