"""``minewatch evaluate``: how good a scan was, by labels."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from minewatch.cli.calibrate import tell_contradictions
from minewatch.cli.failure import failing
from minewatch.cli.language import language, say

if TYPE_CHECKING:
    from minewatch.runs.evaluation.evaluate import Evaluation


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command(
        help=say(
            "Compare a scan with labels: ranking, false alarms, power and onset, with confidence intervals.",
            "用标签检验一次扫描:排序、误报、功率和起始时间,均附置信区间。",
        )
    )(evaluate)


def evaluate(
    lake: Annotated[Path, typer.Argument(metavar="LAKE", help=say("Folder of the lake", "数据湖目录"))],
    *,
    labels: Annotated[
        Path | None,
        typer.Option(help=say("File or folder of labels [the lake's]", "标签文件或目录 [湖中的标签]")),
    ] = None,
    run: Annotated[
        str | None, typer.Option(help=say("Scan to evaluate [the newest]", "检验哪次扫描 [最近一次]"))
    ] = None,
    period: Annotated[
        str | None, typer.Option(help=say("Newest scan of this period", "该时段最近一次扫描"))
    ] = None,
    prevalence: Annotated[
        float | None,
        typer.Option(
            min=1e-6,
            max=0.5,
            help=say("True share of mines [from labels or the scan]", "真实矿场占比 [由标签或扫描估计]"),
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help=say("One JSON object on standard output", "输出一个JSON对象"))
    ] = False,
) -> None:
    """Evaluate, and print a table for each detector and for the list."""
    from minewatch.runs.evaluation.evaluate import FAILURES, Asked, evaluate_lake
    from minewatch.runs.scan import open_lake, period_of

    with failing(*FAILURES):
        opened = open_lake(lake)
        wanted = period_of(period, opened.zone) if period else None
        found = evaluate_lake(opened, Asked(run, wanted, labels, prevalence))
    if as_json:
        typer.echo(json.dumps(found.as_json(), ensure_ascii=False))
    else:
        _tell(found)


def _tell(found: "Evaluation") -> None:
    console = Console()
    for name, figures in found.figures.items():
        console.print(_table(name, figures), highlight=False)
        if any(figures[group] for group in _GROUPS):
            console.print(_by_group(figures), highlight=False)
    for note in found.notes:
        console.print(escape(note.text(language())), style="yellow", highlight=False)
    tell_contradictions(console, found.contradictions)


def _table(name: str, figures: Mapping[str, Any]) -> Table:
    title = say(
        "{name}: {labelled:,} of {judged:,} labelled, {mines:,} mines; {prevalence:.2g} mine ({source})",
        "{name}:{judged:,}个中{labelled:,}个有标签,矿场{mines:,}个;矿场占比{prevalence:.2g}({source})",
    )
    source = say(*_SOURCES[figures["prevalence_from"]])
    table = Table(title=escape(title.format(name=name, source=source, **figures)), box=SIMPLE_HEAD)
    for place, head in enumerate(say("figure|value|95 % interval|of", "指标|数值|95%区间|样本数").split("|")):
        table.add_column(head, justify="right" if place else "left", no_wrap=place > 0)
    whole = {group: item for group, item in figures.items() if group not in _GROUPS}
    for words, figure in _flat(whole):
        if figure["value"] is not None:
            table.add_row(escape(words), f"{figure['value']:.3g}", _interval(figure), f"{figure['n']:,}")
    return table


_GROUPS = ("by_size_kw", "by_size_relative", "by_kind")


def _by_group(figures: Mapping[str, Any]) -> Table:
    """One line for each size and kind of mine."""
    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    heads = say("mines|of|ROC-AUC|error of kW|in interval", "矿场|样本数|ROC-AUC|功率误差|区间覆盖率")
    for place, head in enumerate(heads.split("|")):
        table.add_column(head, justify="right" if place else "left")
    for group in _GROUPS:
        for name, item in figures[group].items():
            shown = (item[measure] for measure in ("roc_auc", "power_median_error", "power_coverage"))
            words = f"{_word(group)}: {_word(name)}"
            table.add_row(escape(words), f"{item['roc_auc']['n']:,}", *map(_with_interval, shown))
    return table


def _interval(figure: Mapping[str, Any]) -> str:
    return "-" if figure["low"] is None else f"{figure['low']:.2g}–{figure['high']:.2g}"


def _with_interval(figure: Mapping[str, Any]) -> str:
    return "-" if figure["value"] is None else f"{figure['value']:.2g} ({_interval(figure)})"


_SOURCES = {
    "stated": ("stated", "给定"),
    "labels": ("complete labels", "标签齐全"),
    "lot": ("labels by lot", "抽查标签"),
    "scan": ("estimated by the scan", "由扫描估计"),
}


def _flat(figures: Mapping[str, Any], before: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield each figure with its words, from the outside in."""
    for name, item in figures.items():
        if isinstance(item, Mapping):
            words = f"{before}{_word(name)}"
            if "value" in item:
                yield words, item
            else:
                yield from _flat(item, f"{words}: ")


def _word(name: str) -> str:
    from minewatch.runs.report.wording import innocent

    return say(*_WORDS[name]) if name in _WORDS else getattr(innocent(name), language())


_WORDS = {
    "roc_auc": ("ROC-AUC", "ROC-AUC"),
    "pr_auc": ("PR-AUC", "PR-AUC"),
    "recall_at_false_share": ("recall at false share", "错误发现率对应召回率"),
    "false_alarms": ("false alarms at 80 % recall", "召回率80%时的误报率"),
    "all": ("all innocents", "全部无辜用户"),
    "power": ("power", "功率"),
    "power_median_error": ("median error of kW", "功率误差中位数"),
    "power_coverage": ("kW within its 90 % interval", "功率90%区间覆盖率"),
    "onset": ("onset", "起始时间"),
    "median_error_days": ("median error, days", "误差中位数(天)"),
    "found": ("found", "找到的比例"),
    "false": ("stated for a mine older than the data", "早于数据的矿场被误报起始的比例"),
    "by_size_kw": ("kW", "千瓦"),
    "by_size_relative": ("× other load", "与其余负荷之比"),
    "by_kind": ("kind", "类型"),
    "list": ("the list", "清单"),
    "confirmed": ("confirmed, of the inspected", "已核查部分的核实率"),
    "recall": ("share of the mines", "覆盖矿场的比例"),
}
