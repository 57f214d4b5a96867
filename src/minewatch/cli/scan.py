"""``minewatch scan``: from a lake and a period to the list, with evidence pages."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from minewatch.cli.failure import failing
from minewatch.cli.language import language, say

if TYPE_CHECKING:
    from minewatch.runs.report import ReportPaths
    from minewatch.runs.scan import Scanned

_TOP = 10
_MOST_REFUSALS = 6


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command(
        help=say(
            "Scan a lake for mining sites in a period: findings, an XLSX list and an evidence page for each.",
            "扫描数据湖中某一时段的挖矿场所:生成结果表、XLSX清单和逐项证据页。",
        )
    )(scan)


def scan(  # noqa: PLR0913 - the options of a verb, given by name
    lake: Annotated[Path, typer.Argument(metavar="LAKE", help=say("Folder of the lake", "数据湖目录"))],
    *,
    period: Annotated[
        str, typer.Option(help=say("2026-W20, 2026-05, 2026-05-01/2026-06-01", "如2026-W20、2026-05"))
    ],
    engine: Annotated[
        str,
        typer.Option(help=say("local, local[N] or spark://host:port", "local、local[N]或spark://主机:端口")),
    ] = "local",
    fdr: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help=say("False-discovery rate of the list", "清单的错误发现率")),
    ] = 0.10,
    prior: Annotated[
        float | None,
        typer.Option(
            min=1e-6,
            max=0.5,
            help=say("Share of sites that mine [from the data]", "挖矿场所占比 [由数据估计]"),
        ),
    ] = None,
    history: Annotated[
        int, typer.Option(min=1, max=3660, help=say("Days of readings used", "使用的读数天数"))
    ] = 365,
    out: Annotated[
        Path | None,
        typer.Option(help=say("Folder for list and pages [LAKE/reports/PERIOD]", "清单与证据页目录")),
    ] = None,
    mask: Annotated[
        bool, typer.Option("--mask", help=say("Hide names, addresses and numbers", "隐去姓名、地址和户号"))
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help=say("One JSON object on standard output", "输出一个JSON对象"))
    ] = False,
) -> None:
    """Scan with progress on standard error and the top of the list on standard output."""
    from minewatch.runs.engine_of import engine_of
    from minewatch.runs.scan import FAILURES, Request, open_lake, period_of, scan_lake
    from minewatch.runs.scan_report import report_scan

    with failing(*FAILURES), Display() as display:
        opened = open_lake(lake)
        request = Request(period_of(period, opened.zone), fdr, prior, history)
        crew = engine_of(engine)
        try:
            scanned = scan_lake(opened, request, crew, lambda: datetime.now(UTC), display)
        finally:
            crew.close()
        folder = out or opened.path / "reports" / period.replace("/", "_")
        display.stage("report", 1)
        paths = report_scan(opened, scanned, folder, mask)
        display.part(scanned.findings.num_rows)
    if as_json:
        typer.echo(json.dumps(_summary(scanned, paths), ensure_ascii=False))
    else:
        _tell(scanned, paths, fdr)


class Display:
    """A bar for each stage, on standard error."""

    NAMES: Mapping[str, tuple[str, str]] = {
        "load": ("load curves", "负荷曲线"),
        "flows": ("network flows", "网络流量"),
        "timing": ("connections that cannot be read", "无法读取内容的连接"),
        "books": ("books of transformers", "台区电量账"),
        "transformers": ("transformer balances", "台区平衡"),
        "places": ("places of unmetered loads", "无表负荷定位"),
        "feeders": ("feeder balances", "线路平衡"),
        "plants": ("plant output", "电厂出力"),
        "traffic": ("traffic against power", "流量与用电对照"),
        "sites": ("sites and likelihoods", "场所归并与概率"),
        "commit": ("commit", "提交"),
        "report": ("list and pages", "清单与证据页"),
    }

    def __init__(self) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rows]:,} " + say("rows", "行")),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=Console(stderr=True),
        )
        self._rows = 0

    def __enter__(self) -> "Display":
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    def stage(self, name: str, parts: int) -> None:
        """Show a new bar."""
        self._rows = 0
        self._task = self._progress.add_task(say(*self.NAMES[name]), total=parts, rows=0)

    def part(self, rows: int) -> None:
        """Move the newest bar by one part."""
        self._rows += rows
        self._progress.update(self._task, advance=1, rows=self._rows)


def _tell(scanned: "Scanned", paths: "ReportPaths", fdr: float) -> None:
    console, summary = Console(), scanned.summary
    if scanned.known:
        console.print(
            say("This run is in the lake already; nothing was added.", "湖中已有此次运行,未新增内容。")
        )
    if scanned.findings.num_rows:
        console.print(_top(scanned))
    console.print(_looked_at(summary, fdr), highlight=False)
    for line in _refusals(summary):
        console.print(f"  {line}", style="dim", highlight=False)
    workbook = escape(str(paths.list_xlsx))
    console.print(f"{say('List', '清单')}: {workbook}", highlight=False, soft_wrap=True)
    pages = escape(str(paths.index_html))
    console.print(f"{say('Evidence pages', '证据页')}: {pages}", highlight=False, soft_wrap=True)


def _top(scanned: "Scanned") -> Table:
    rows = scanned.findings.slice(0, _TOP).to_pylist()
    more = scanned.findings.num_rows - len(rows)
    table = Table(title=say("Suspected mining sites", "疑似挖矿场所"), box=SIMPLE_HEAD)
    for title, justify in _COLUMNS[language()]:
        # The number of a finding is what one copies; a name may be cut.
        table.add_column(title, justify=justify, no_wrap=title in ("finding", "编号"))  # type: ignore[arg-type]
    for row in rows:
        table.add_row(*(escape(text) for text in _cells(row)))
    table.caption = say(f"and {more:,} more in the list", f"清单中另有{more:,}处") if more else None
    return table


_COLUMNS = {
    "en": (("finding", "left"), ("who", "left"), ("kW", "right"), ("probable", "right"), ("q", "right"),
           ("kind", "left"), ("!", "right")),
    "zh": (("编号", "left"), ("企业", "left"), ("功率kW", "right"), ("概率", "right"), ("q值", "right"),
           ("类别", "left"), ("矛盾", "right")),
}  # fmt: skip


def _cells(row: Mapping[str, Any]) -> list[str]:
    from minewatch.runs.report.headline import title
    from minewatch.runs.report.wording import percent, word

    return [
        row["finding_id"],
        title(row),
        _number(row["power_kw"]),
        percent(row["posterior"]),
        percent(row["q_value"]),
        getattr(word("kind", row["kind"]), language()),
        str(len(row["contradictions"]) or ""),
    ]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.1f}"


def _looked_at(summary: Mapping[str, Any], fdr: float) -> str:
    tested = summary["sites_tested"] + summary["hosts_without_sign"]
    refused = summary["sites_refused"]
    best = summary["best_q"]
    if not tested + refused + summary["flows"]:
        return say(
            "There is nothing to look at: no readings and no flows in this period. Is it the right one?",
            "该时段没有读数,也没有流量。时段是否正确?",
        )
    looked = say(
        f"Looked at {tested + refused:,} sites and {summary['flows']:,} flows; {refused:,} sites could not "
        f"be judged; {summary['listed']:,} listed at a false-discovery rate of {fdr:g}.",
        f"共查看{tested + refused:,}处场所、{summary['flows']:,}条流量;{refused:,}处无法判定;"
        f"按错误发现率{fdr:g}列入{summary['listed']:,}处。",
    )
    if summary["listed"] or best is None:
        return looked
    nearest = say(f" The nearest has a q-value of {best:.3g}.", f"最接近者q值为{best:.3g}。")
    return looked + nearest


def _refusals(summary: Mapping[str, Any]) -> list[str]:
    from minewatch.runs.report.wording import refusal

    counts = sorted({**summary["refusals"], **summary["unattributed"]}.items(), key=lambda item: -item[1])
    return [f"{count:,} × {getattr(refusal(code), language())}" for code, count in counts[:_MOST_REFUSALS]]


def _summary(scanned: "Scanned", paths: "ReportPaths") -> dict[str, Any]:
    return {
        "run_id": scanned.manifest.run_id,
        "known": scanned.known,
        **scanned.summary,
        "findings": scanned.findings["finding_id"].to_pylist(),
        "list": str(paths.list_xlsx),
        "index": str(paths.index_html),
    }
