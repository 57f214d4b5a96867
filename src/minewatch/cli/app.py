"""The verbs of the command. Each module imports its stage only when the verb is called."""

import typer

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

# Verbs register themselves here, in the order of the help page.
