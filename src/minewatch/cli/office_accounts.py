"""``minewatch office account``, ``audit`` and ``regions``: what an operator does at the office's machine."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from minewatch.cli.failure import failing
from minewatch.cli.language import say
from minewatch.cli.office_home import HOME, Home, office_in

if TYPE_CHECKING:
    from minewatch.office.platform.models import User
    from minewatch.office.platform.services import By

Username = Annotated[str, typer.Argument(help=say("User name", "用户名"))]
Reason = Annotated[str, typer.Option("--reason", help=say("Why", "原因"))]

account = typer.Typer(
    no_args_is_help=True, help=say("Open accounts and look after them.", "开立和管理账号。")
)
audit = typer.Typer(
    no_args_is_help=True, help=say("Check the audit chain, export and anchor it.", "审计链。")
)
regions = typer.Typer(no_args_is_help=True, help=say("The table of regions.", "行政区划表。"))


def register(office: typer.Typer) -> None:
    """Add the verbs to those of the office."""
    office.add_typer(account, name="account")
    office.add_typer(audit, name="audit")
    office.add_typer(regions, name="regions")


@contextmanager
def _office(home: Path) -> Iterator["By"]:
    """Open the office, in the language of the terminal; give the operator as the one who acts."""
    with office_in(home):
        from django.core.exceptions import ValidationError

        from minewatch.office.platform.refusals import Refused
        from minewatch.office.platform.scope import scoped, whole
        from minewatch.office.platform.services import By

        with scoped(whole("operator")), failing(Refused, ValidationError):
            yield By(None, datetime.now(UTC))


def _user(username: str) -> "User":
    from minewatch.office.platform.models import User
    from minewatch.office.platform.refusals import Refused

    user = User.objects.filter(username=username).first()
    if user is None:
        raise Refused("account_unknown", username=username)
    return user


@account.command(
    "open", help=say("Open an account; its first password is printed.", "开立账号,并显示初始密码。")
)
def open_account(
    username: Username,
    agency: Annotated[str, typer.Option(help=say("Code of its agency", "机构代码"))],
    role: Annotated[
        list[str] | None, typer.Option(help=say("A role; may be repeated", "角色,可重复"))
    ] = None,
    administers: Annotated[str, typer.Option(help=say("system, security or audit", "三员之一"))] = "",
    name: Annotated[str, typer.Option(help=say("Name of the person", "姓名"))] = "",
    home: Home = HOME,
) -> None:
    """Open an account."""
    with _office(home) as by, failing(ValueError):
        from minewatch.office.platform import passwords, services
        from minewatch.office.platform.roles import Administrator, Role

        roles = tuple(Role(value) for value in role or ())
        password = passwords.make_password()
        given = services.AccountGiven(
            username, password, agency, roles, Administrator(administers) if administers else None, name, True
        )
        services.open_account(given, by)
        typer.echo(password)


@account.command("agency", help=say("Add an agency that accounts stand in.", "新增机构。"))
def add_agency(
    code: Annotated[str, typer.Argument(help=say("Its code, as energy-510000", "机构代码"))],
    kind: Annotated[str, typer.Option(help=say("Its kind, as energy or grid", "机构类别"))],
    name: Annotated[str, typer.Option(help=say("Its name", "名称"))],
    region: Annotated[str, typer.Option(help=say("Code of its region", "行政区划代码"))],
    home: Home = HOME,
) -> None:
    """Add an agency."""
    with _office(home) as by, failing(ValueError):
        from minewatch.office.platform import services
        from minewatch.office.platform.models import Agency

        services.add_agency(services.AgencyGiven(code, Agency.Kind(kind), name, region), by)


@account.command("list", help=say("List the accounts.", "列出账号。"))
def list_accounts(home: Home = HOME) -> None:
    """Print a line an account: name, agency, roles or administration, state."""
    with _office(home):
        from minewatch.office.platform.models import User

        for user in User.objects.select_related("agency").prefetch_related("roles").order_by("username"):
            roles = user.administers or ",".join(sorted(given.role for given in user.roles.all())) or "-"
            state = say("open", "正常") if user.is_active else say("suspended", "停用")
            typer.echo("\t".join([user.username, user.agency.code if user.agency else "-", roles, state]))


@account.command("roles", help=say("Give an account exactly these roles.", "设定账号的角色。"))
def set_roles(
    username: Username,
    role: Annotated[list[str], typer.Argument(help=say("Roles", "角色"))],
    home: Home = HOME,
) -> None:
    """Set the roles."""
    with _office(home) as by, failing(ValueError):
        from minewatch.office.platform import services
        from minewatch.office.platform.roles import Role

        services.set_roles(_user(username), [Role(value) for value in role], by)


@account.command(
    "reset", help=say("Print a new password, to be changed at login.", "重置密码,登录后须修改。")
)
def reset(username: Username, home: Home = HOME) -> None:
    """Reset the password."""
    with _office(home) as by:
        from minewatch.office.platform import accounts

        typer.echo(accounts.reset_password(_user(username), by))


@account.command("unlock", help=say("Open an account that wrong passwords locked.", "解锁账号。"))
def unlock(username: Username, home: Home = HOME) -> None:
    """Unlock."""
    with _office(home) as by:
        from minewatch.office.platform import accounts

        accounts.unlock(_user(username), by)


@account.command("suspend", help=say("Close an account until it is restored.", "停用账号。"))
def suspend(username: Username, reason: Reason, home: Home = HOME) -> None:
    """Suspend."""
    with _office(home) as by:
        from minewatch.office.platform import accounts

        accounts.suspend(_user(username), reason, by)


@account.command("restore", help=say("Open a suspended account again.", "恢复账号。"))
def restore(username: Username, home: Home = HOME) -> None:
    """Restore."""
    with _office(home) as by:
        from minewatch.office.platform import accounts

        accounts.restore(_user(username), by)


@audit.command(
    "verify",
    help=say("Check the chain; ends with 1 where it is broken.", "校验审计链,发现断链时退出码为 1。"),
)
def verify(
    anchor: Annotated[
        list[Path] | None,
        typer.Option(exists=True, dir_okay=False, help=say("A file of audit anchor", "锚定文件,可重复")),
    ] = None,
    file: Annotated[
        Path | None,
        typer.Option(
            exists=True, dir_okay=False, help=say("Check an export, not the office", "校验导出文件")
        ),
    ] = None,
    home: Home = HOME,
) -> None:
    """Verify the chain of the office, or of an export, against anchors."""
    anchors = {said["seq"]: said["hash"] for said in map(_read_json, anchor or ())}
    with _office(home), failing(ValueError, KeyError):
        from minewatch.office.platform import audit as chain

        found = chain.verify_lines(_read_lines(file), anchors) if file else chain.verify(anchors)
        breaks = list(found)
    for broken in breaks[:20]:
        typer.echo(f"{broken.seq}\t{broken.why}")
    if breaks:
        typer.echo(
            say(f"the chain is broken in {len(breaks)} places", f"审计链有{len(breaks)}处断裂"), err=True
        )
        raise typer.Exit(1)
    typer.echo(say("the chain holds", "审计链完整"))


def _read_json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text("utf-8")))


def _read_lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


@audit.command("export", help=say("Write the entries as JSON, one a line.", "导出为 JSON 行文件。"))
def export(
    out: Annotated[Path, typer.Option(help=say("File to write", "输出文件"))],
    after: Annotated[int, typer.Option(help=say("Only entries after this number", "仅此序号之后"))] = 0,
    home: Home = HOME,
) -> None:
    """Export the chain."""
    with _office(home) as by:
        from minewatch.office.platform.exports import export_audit

        with out.open("w", encoding="utf-8", newline="\n") as file:
            number = export_audit(file, after, by)
    typer.echo(say(f"{number} entries", f"{number}条"))


@audit.command(
    "anchor",
    help=say("Write the end of the chain, to be kept outside of the house.", "输出链尾,交外部留存。"),
)
def write_anchor(
    out: Annotated[Path | None, typer.Option(help=say("File to write", "输出文件"))] = None,
    home: Home = HOME,
) -> None:
    """Write an anchor to a file, else to the terminal."""
    with _office(home) as by:
        from minewatch.office.platform.exports import anchor_text

        text = anchor_text(by)
    if out is None:
        typer.echo(text, nl=False)
    else:
        out.write_text(text, "utf-8")


@regions.command("load", help=say("Take in a table of regions.", "导入行政区划表。"))
def load(
    table: Annotated[
        Path | None,
        typer.Option(exists=True, dir_okay=False, help=say("CSV; else the one that comes along", "CSV 文件")),
    ] = None,
    home: Home = HOME,
) -> None:
    """Bring the regions to what a table says."""
    with _office(home) as by, failing(KeyError, ValueError):
        from minewatch.office.platform.regions import TABLE, load_table

        number = load_table(by, table or TABLE)
    typer.echo(say(f"{number} regions added or changed", f"新增或变更{number}个区划"))


@regions.command("show", help=say("Show a region, where it lies and what became of it.", "查询区划。"))
def show(
    code: Annotated[str, typer.Argument(help=say("Code of GB/T 2260", "行政区划代码"))], home: Home = HOME
) -> None:
    """Print the regions above a code and the one that took its place."""
    with _office(home):
        from minewatch.office.platform.refusals import Refused
        from minewatch.office.platform.selectors import region_by_code, regions_above

        region = region_by_code(code)
        if region is None:
            raise Refused("region_unknown", code=code)
        names = [above.name_zh for above in regions_above(region)]
        typer.echo("\t".join([region.code, *names, region.name_zh]))
