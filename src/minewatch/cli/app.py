"""The verbs of the command. Each module imports its stage only when the verb is called."""

from typing import Annotated

import typer

from minewatch import __version__
from minewatch.cli import (
    calibrate,
    evaluate,
    ingest,
    lake,
    look,
    office,
    quarantine,
    replay,
    scan,
    sense,
    simulate,
    train,
)
from minewatch.cli.language import say

app = typer.Typer(
    name="minewatch",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help=say(
        "Finds cryptocurrency mining on a power grid and says who and where it is, with evidence.",
        "发现电网中的虚拟货币挖矿活动,查明主体与地点,并给出证据。",
    ),
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(__version__)
        raise typer.Exit


@app.callback()
def minewatch(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help=say("Version", "版本")),
    ] = False,
) -> None:
    """Options before the verb; ``version`` is handled by its callback."""
    _ = version


# Verbs register themselves here, in the order of the help page.
look.register(app)
simulate.register(app)
ingest.register(app)
sense.register(app)
quarantine.register(app)
lake.register(app)
scan.register(app)
replay.register(app)
evaluate.register(app)
calibrate.register(app)
train.register(app)
office.register(app)
