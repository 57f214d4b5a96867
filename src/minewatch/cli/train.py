"""``minewatch train``: make the load model anew from simulated customers."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from minewatch.cli.failure import failing
from minewatch.cli.language import say

if TYPE_CHECKING:
    from minewatch.runs.training.train import Trained, TrainingPlan


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command(
        help=say(
            "Make the load model and its calibration anew, from simulated mines in simulated and real loads.",
            "用模拟矿场与模拟、真实负荷重新训练负荷模型并生成校准数据。",
        )
    )(train)


def train(
    folder: Annotated[Path, typer.Argument(metavar="OUT", help=say("Folder for the files", "输出目录"))],
    *,
    customers: Annotated[
        int, typer.Option(min=1000, help=say("Simulated customers to learn from", "用于训练的模拟用户数"))
    ] = 30_000,
    backgrounds: Annotated[
        Path | None,
        typer.Option(
            metavar="PATH",
            exists=True,
            help=say(
                "Real load series to put mines behind: a lake, a file or a folder of readings",
                "用作背景的真实负荷:数据湖,或读数文件、目录",
            ),
        ),
    ] = None,
    seed: Annotated[int, typer.Option(help=say("Same seed, same model", "随机种子,相同则模型相同"))] = 1,
    engine: Annotated[
        str, typer.Option(help=say("local-processes[N] or spark://host:port", "计算引擎地址"))
    ] = "local-processes",
) -> None:
    """Train with progress on standard error and print the figures on unseen customers."""
    from minewatch.runs.training.train import FAILURES, TrainingPlan, write_trained

    with failing(*FAILURES):
        trained = _with_progress(TrainingPlan(seed, customers), backgrounds, engine)
    write_trained(trained, folder)
    Console(stderr=True).print(_figures(trained))
    typer.echo(folder)


def _with_progress(plan: "TrainingPlan", backgrounds: Path | None, address: str) -> "Trained":
    from minewatch.runs.training.train import train_at

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as progress:
        bar = progress.add_task("", total=None)

        def report(stage: str, done: int, total: int) -> None:
            progress.update(bar, description=stage, completed=done, total=total)

        return train_at(address, plan, backgrounds, report)


def _figures(trained: "Trained") -> Table:
    table = Table("", "ROC-AUC", say("kW error", "功率误差"), say("covered", "区间覆盖率"))
    for name, figures in trained.figures.items():
        shown = (figures["roc_auc"], figures["power_median_error"], figures["power_coverage"])
        table.add_row(name, *(f"{value:.3f}" for value in shown))
    return table
