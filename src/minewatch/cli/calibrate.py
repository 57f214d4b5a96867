"""``minewatch calibrate``: inspections make the next scans better."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from minewatch.cli.failure import failing
from minewatch.cli.language import language, say

if TYPE_CHECKING:
    from minewatch.runs.evaluation.calibrate import Calibrated, Gain
    from minewatch.runs.evaluation.contradictions import Contradiction

_MOST = 20


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command(
        help=say(
            "Calibrate the detectors with the inspection labels of a lake; later scans of it use that.",
            "用湖中的核查标签校准检测器,此后对该湖的扫描即采用校准结果。",
        )
    )(calibrate)


def calibrate(
    lake: Annotated[Path, typer.Argument(metavar="LAKE", help=say("Folder of the lake", "数据湖目录"))],
    *,
    run: Annotated[
        str | None, typer.Option(help=say("Scan whose scores count [the newest]", "采用哪次扫描 [最近一次]"))
    ] = None,
    period: Annotated[
        str | None, typer.Option(help=say("Newest scan of this period", "该时段最近一次扫描"))
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help=say("One JSON object on standard output", "输出一个JSON对象"))
    ] = False,
) -> None:
    """Calibrate, and show what it changed and which labels the evidence speaks against."""
    from minewatch.runs.evaluation.calibrate import FAILURES, calibrate_lake, summary_of
    from minewatch.runs.scan import open_lake, period_of

    with failing(*FAILURES):
        opened = open_lake(lake)
        wanted = period_of(period, opened.zone) if period else None
        made = calibrate_lake(opened, lambda: datetime.now(UTC), run, wanted)
    if as_json:
        typer.echo(json.dumps(summary_of(made), ensure_ascii=False))
    else:
        _tell(made)


def _tell(made: "Calibrated") -> None:
    console = Console()
    if made.known:
        console.print(say("The lake is calibrated so already.", "湖中已是此校准结果,未作改动。"))
    console.print(_gains(made), highlight=False)
    for earlier, later in made.conflicts[:_MOST]:
        pair = (later["label_id"], earlier["label_id"])
        sentence = say("label {0} overrules {1} on {2}", "对{2},标签{0}取代{1}")
        console.print(escape(sentence.format(*pair, later["subject_id"])), style="yellow", highlight=False)
    tell_contradictions(console, made.contradictions)


def _gains(made: "Calibrated") -> Table:
    table = Table(
        title=f"{made.calibration_id} ({made.run_id})", box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1, 0, 0)
    )
    titles = say(
        "family|judged|mines|innocent|class|top|from|-log10 P|least p",
        "证据类|已判定|矿场|无辜|计入类别|计入顶部|下限|-log10 P|最小p值",
    )
    for place, title in enumerate(titles.split("|")):
        table.add_column(title, justify="right" if place else "left")
    for gain in made.gains:
        table.add_row(*_cells(gain))
    return table


def _cells(gain: "Gain") -> list[str]:
    counts = (gain.judged, gain.mines, gain.innocents, gain.in_class, gain.in_tail)
    return [
        gain.family.value,
        *(f"{count:,}" for count in counts),
        "-" if gain.tail_from is None else f"{gain.tail_from:.2f}",
        f"{gain.loss_before:.2g} → {gain.loss_after:.2g}",
        f"{gain.least_p_before:.1g} → {gain.least_p_after:.1g}",
    ]


def tell_contradictions(
    console: Console, found: "tuple[Contradiction, ...] | list[Contradiction] | Any"
) -> None:
    """Show labels that the evidence speaks against: each with its evidence and the first reason."""
    if not found:
        return
    console.print(say("Labels that the evidence speaks against:", "与证据相矛盾的标签:"))
    for item in found[:_MOST]:
        label, evidence = item.label, item.evidence
        first = evidence["reasons"][0][f"text_{language()}"]
        head = f"{label['label_id']} {label['subject_id']}: {_sentence(item)}"
        console.print(
            escape(f"  {head}; {evidence['evidence_id']}: {first}"), highlight=False, soft_wrap=True
        )
    if len(found) > _MOST:
        more = len(found) - _MOST
        console.print(say(f"  … and {more:,} more (--json shows all)", f"  ……另有{more:,}条(--json可见全部)"))


def _sentence(item: "Contradiction") -> str:
    detector = item.evidence["detector"]
    was = item.label["innocent_class"] or say("not mining", "非挖矿")
    if item.posterior is None:
        return say(f"mining, but {detector} refused to judge", f"属实,但{detector}未予判定")
    if item.kind == "sign_at_innocent":
        return say(
            f"{was}, but {detector} says mining at {item.posterior:.0%}",
            f"{was},但{detector}认为挖矿概率{item.posterior:.0%}",
        )
    instead = item.evidence["best_alternative"] or "-"
    return say(f"mining, but {detector} says {instead}", f"属实,但{detector}认为是{instead}")
