"""``minewatch quarantine``: the rows put aside, and their way out to be corrected."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from minewatch.cli.failure import failing
from minewatch.cli.language import language, say

if TYPE_CHECKING:
    from minewatch.runs.lake import Exported

_SHOWN = 20
_LONGEST = 160


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command(
        help=say(
            "Show the rows put aside and why; export them to correct and ingest again.",
            "查看被隔离的行及原因;可导出更正后重新导入。",
        )
    )(quarantine)


def quarantine(
    lake: Annotated[Path, typer.Argument(metavar="LAKE", help=say("Folder of the lake", "数据湖目录"))],
    *,
    export: Annotated[
        Path | None, typer.Option(metavar="FILE.csv", help=say("Write the rows here", "导出到此文件"))
    ] = None,
) -> None:
    """List the open entries, or export their rows."""
    from minewatch.runs import lake as runs

    console = Console()
    with failing(*runs.FAILURES):
        if export is not None:
            written = runs.export(lake, export, language())
            console.print(_exported(lake, written), markup=False, highlight=False, soft_wrap=True)
            return
        entries = runs.quarantined(lake)
        console.print(say(f"{len(entries):,} open entries", f"{len(entries):,}条待处理"), highlight=False)
        if len(entries):
            console.print(_counted(runs.reasons_of(entries)))
            console.print(_listed(entries.slice(0, _SHOWN).to_pylist()))
        if len(entries) > _SHOWN:
            console.print(say("… --export FILE.csv writes them all", "……用 --export FILE.csv 导出全部"))


def _counted(reasons: Mapping[tuple[str, str, str], int]) -> Table:
    table = Table(*say("file|table|reason|entries", "文件|表|原因代码|条数").split("|"))
    for names, count in list(reasons.items())[:_SHOWN]:
        table.add_row(*map(_plain, names), f"{count:,}")
    return table


def _listed(entries: Sequence[Mapping[str, Any]]) -> Table:
    table = Table(*say("file|line|column|value|why", "文件|行号|列|值|原因").split("|"))
    for entry in entries:
        why = entry["reason"][f"text_{language()}"]
        value = entry["value"] and entry["value"][:40]
        cells = (entry["file_name"], entry["line"], entry["column"], value, why)
        table.add_row(*map(_plain, cells))
    return table


def _exported(lake: Path, written: "Exported") -> str:
    files = ", ".join(str(path) for path in written.files)
    without = say(
        f" {written.without_row:,} entries of files without rows (captures) were left out.",
        f"另有{written.without_row:,}条(抓包等无行文件)未导出。",
    )
    return say(
        f"{written.rows:,} rows written to {files or 'no file'}. Correct them, delete the lines that you do "
        f"not want, then: minewatch ingest {lake} {files}",
        f"已将{written.rows:,}行写入{files or '(无文件)'}。更正后删去不需要的行,再运行:"
        f"minewatch ingest {lake} {files}",
    ) + (without if written.without_row else "")


def _plain(cell: object) -> Text:
    text = "" if cell is None else str(cell)
    if len(text) > _LONGEST:
        text = f"{text[:_LONGEST]}…"
    return Text("".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text))
