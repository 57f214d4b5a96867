"""``minewatch replay``: recompute a finding from the stored versions, bit for bit."""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from minewatch.cli.failure import failing
from minewatch.cli.language import say

if TYPE_CHECKING:
    from minewatch.runs.replay import Replay

LAKE_VARIABLE = "MINEWATCH_LAKE"


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command(
        help=say(
            "Recompute a finding from the stored versions and compare every number, bit for bit. "
            f"Without LAKE the lake is the one that {LAKE_VARIABLE} names.",
            f"按存档版本重算一项结果并逐位比较每个数值。省略LAKE时使用环境变量{LAKE_VARIABLE}所指的数据湖。",
        )
    )(replay)


def replay(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="[LAKE] FINDING", help=say("Lake and number of the finding", "数据湖与结果编号")
        ),
    ],
    *,
    engine: Annotated[
        str,
        typer.Option(help=say("local, local[N] or spark://host:port", "local、local[N]或spark://主机:端口")),
    ] = "local",
    as_json: Annotated[
        bool, typer.Option("--json", help=say("One JSON object on standard output", "输出一个JSON对象"))
    ] = False,
) -> None:
    """Replay; exit code 1 where a number differs, 2 where it cannot be recomputed."""
    from minewatch.runs.engine_of import engine_of
    from minewatch.runs.replay import ReplayError
    from minewatch.runs.replay import replay as replayed
    from minewatch.runs.scan import FAILURES, open_lake

    lake, finding = _lake_and_finding(names)
    with failing(*FAILURES, ReplayError), Console(stderr=True).status(say("recomputing", "重算中")):
        opened, crew = open_lake(lake), engine_of(engine)
        try:
            result = replayed(opened, finding, crew)
        finally:
            crew.close()
    if as_json:
        typer.echo(json.dumps(_summary(finding, result), ensure_ascii=False, default=str))
    else:
        _tell(finding, result)
    raise typer.Exit(1 if result.differences else 0)


def _lake_and_finding(names: list[str]) -> tuple[Path, str]:
    lake = names[0] if len(names) == 2 else os.environ.get(LAKE_VARIABLE)
    if len(names) > 2 or not lake:
        raise typer.BadParameter(
            say(f"write LAKE FINDING, or set {LAKE_VARIABLE}", f"请写 LAKE FINDING,或设置{LAKE_VARIABLE}")
        )
    return Path(lake), names[-1]


def _tell(finding: str, result: "Replay") -> None:
    from minewatch.runs.replay import shown

    console = Console()
    table = Table(title=say(f"Replay of {finding}", f"重算{finding}"))
    for title in say("table|record|values|same|verdict", "表|记录|数值|相同|结论").split("|"):
        table.add_column(title)
    groups: dict[tuple[str, str], list[bool]] = {}
    for item in result.comparisons:
        groups.setdefault((item.table, item.record), []).append(item.same)
    for (name, record), same in groups.items():
        verdict = say("same", "一致") if all(same) else say("DIFFERENT", "不一致")
        style = "" if all(same) else "red"
        table.add_row(name, escape(record), str(len(same)), str(sum(same)), verdict, style=style)
    console.print(table)
    for item in result.differences:
        stored, anew = shown(item.stored), shown(item.recomputed)
        line = say(f"{item.name}: stored {stored}, recomputed {anew}", f"{item.name}:存档{stored},重算{anew}")
        console.print(f"{item.record} {line}", style="red", markup=False, highlight=False)
    console.print(_verdict(result), highlight=False)


def _verdict(result: "Replay") -> str:
    count, run = len(result.comparisons), result.manifest.run_id
    if result.differences:
        return say(
            f"{len(result.differences)} of {count} values differ: what is stored is not what {run} computed.",
            f"{count}个数值中有{len(result.differences)}个不一致:存档内容并非{run}的计算结果。",
        )
    return say(
        f"All {count} values are the same, bit for bit ({run}).", f"全部{count}个数值逐位一致({run})。"
    )


def _summary(finding: str, result: "Replay") -> dict[str, object]:
    differences = [{**item._asdict()} for item in result.differences]
    same = not differences
    return {
        "finding_id": finding,
        "run_id": result.manifest.run_id,
        "values": len(result.comparisons),
        "same": same,
        "differences": differences,
    }
