"""``minewatch office``: set up, serve and look after the departments' register."""

from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from minewatch.cli import office_accounts, office_backup, office_draws, office_intake, office_lan_scan
from minewatch.cli.failure import failing
from minewatch.cli.language import say
from minewatch.cli.office_home import HOME, Home, office_in

office = typer.Typer(
    no_args_is_help=True,
    help=say("The register where departments work a case to its end.", "各部门办理案件的台账系统。"),
)


def register(app: typer.Typer) -> None:
    """Add the verb with its own verbs to the command."""
    office_accounts.register(office)
    office_intake.register(office)
    office_lan_scan.register(office)
    office_backup.register(office)
    office_draws.register(office)
    app.add_typer(office, name="office")


@office.command(
    "setup", help=say("Make the key and the database, or bring them up to date.", "初始化或升级数据库。")
)
def set_up(
    home: Home = HOME,
    demo_password: Annotated[
        str,
        typer.Option(
            help=say(
                "Make the agencies and accounts of a demonstration, with this password", "演示账号的密码"
            )
        ),
    ] = "",
) -> None:
    """Set the office up."""
    from minewatch.office import running

    with office_in(home, is_new=True):
        running.set_up()
        for account in running.demonstrate(demo_password) if demo_password else ():
            typer.echo("\t".join([account.username, account.agency, account.full_name]))
    typer.echo(say(f"the office in {home} is ready", f"{home}已就绪"))


@office.command(
    help=say(
        "Bring cases of a demonstration on their way and say who can log in.",
        "推进演示案件,并列出可登录的账号。",
    )
)
def demonstrate(home: Home = HOME) -> None:
    """Live a little with the accounts of ``setup --demo-password`` and the findings that came in."""
    from minewatch.office import running

    with office_in(home):
        table, states = Table(box=None), running.live()
        for title in (say("log in as", "用户名"), say("of", "机构"), say("who may act as", "职责")):
            table.add_column(title)
        for account in running.demonstrators():
            table.add_row(*account)
        Console(width=120).print(table)
        counted = ", ".join(f"{title} {number}" for title, number in states.items())
        typer.echo(say("cases: ", "案件:") + counted)


@office.command(help=say("Serve the console and the API until interrupted.", "运行控制台与接口,直至中断。"))
def serve(
    home: Home = HOME,
    bind: Annotated[str, typer.Option(help=say("Address and port", "地址与端口"))] = "127.0.0.1:8000",
    processes: Annotated[int, typer.Option(help=say("Processes that serve", "服务进程数"))] = 2,
    quiet: Annotated[
        bool, typer.Option("--quiet", help=say("Say only what goes wrong", "只输出错误"))
    ] = False,
) -> None:
    """Serve; the worker is a command of its own."""
    from minewatch.office import running

    with office_in(home), failing(running.PlaceTaken):
        code = running.serve(bind, processes, quiet=quiet)
    raise typer.Exit(code)


@office.command(
    help=say("Deliver events, keep deadlines and run jobs until interrupted.", "处理事件、时限与后台任务。")
)
def worker(home: Home = HOME) -> None:
    """Work."""
    from minewatch.office import running

    with office_in(home):
        running.work()
