"""``minewatch lake``: what a lake holds."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from minewatch.cli.failure import failing
from minewatch.cli.language import say

if TYPE_CHECKING:
    from minewatch.runs.lake import LakeState


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command(help=say("Show what a lake holds.", "查看数据湖内容。"))(lake)


def lake(
    path: Annotated[Path, typer.Argument(metavar="LAKE", help=say("Folder of the lake", "数据湖目录"))],
    *,
    as_json: Annotated[bool, typer.Option("--json", help=say("As one JSON object", "以JSON输出"))] = False,
) -> None:
    """Print tables with rows, versions and periods."""
    from minewatch.runs.lake import FAILURES, lake_state

    with failing(*FAILURES):
        state = lake_state(path)
    if as_json:
        typer.echo(json.dumps({**asdict(state), "path": str(state.path), "at": state.at.isoformat()}))
    else:
        Console().print(_table(state))


def _table(state: "LakeState") -> Table:
    title = say(
        f"{state.path}: commit {state.revision} ({state.verb}, {state.at:%Y-%m-%d %H:%M} UTC), "
        f"{state.zone}, {state.buckets} buckets",
        f"{state.path}:第{state.revision}次提交({state.verb},{state.at:%Y-%m-%d %H:%M} UTC),"
        f"{state.zone},{state.buckets}个分区",
    )
    columns = say("table|rows|version|files|MB|from|to", "表|行数|版本|文件|MB|起|止").split("|")
    table = Table(title=title, box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for place, name in enumerate(columns):
        table.add_column(name, justify="right" if 1 <= place <= 4 else "left", no_wrap=True)
    for each in state.tables:
        numbers = (f"{each.rows:,}", str(each.version), f"{each.files:,}", f"{each.bytes / 1e6:,.1f}")
        table.add_row(each.table, *numbers, (each.first or "")[:10], (each.last or "")[:10])
    return table
