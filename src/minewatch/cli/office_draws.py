"""``minewatch office draw-check``: do a published draw again from its file alone."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from minewatch.cli.language import say

_File = typer.Argument(
    exists=True,
    dir_okay=False,
    metavar="FILE",
    help=say("File of a draw, as an office publishes it", "公示的随机抽取文件"),
)
_WORDS = {
    "format": ("this is no file of a draw", "不是随机抽取文件"),
    "field": ("{about} is missing or malformed", "{about}缺失或格式不符"),
    "unknown": ("{about} does not belong here", "多出字段{about}"),
    "commitment": ("the list is not the one that the commitment was made to", "名单与承诺值不符"),
    "announced": ("{about} differs from the announcement", "{about}与抽取前公示的不一致"),
    "twice": ("the list is not sorted or names one twice", "名单未排序或有重复"),
    "recusal_of_nothing": ("a recusal is of no object of the list", "回避所指对象不在名单内"),
    "one_inspector": ("fewer than two inspectors go to an object", "每个对象的检查人员不足两名"),
    "weight": ("the weight of {about} is not that of the rule", "对象{about}的权重与规则不符"),
    "too_few": ("too few inspectors may go to {about}", "可派往对象{about}的检查人员不足"),
    "secret": ("the secret is not the one that was announced", "密值与公示的散列值不符"),
    "seed": ("the seed does not follow from secret and public number", "种子与密值、公开随机数不符"),
    "recusal": ("an inspector who keeps away was sent to {about}", "对象{about}派出了应回避人员"),
    "drawn": ("the seed draws something else", "按种子重算的结果与文件不符"),
}


def register(office: typer.Typer) -> None:
    """Add the verb to those of the office."""
    office.command(
        "draw-check",
        help=say(
            "Check a published draw by drawing again; needs no office and no database.",
            "按公示文件重新抽取并核对,无需台账系统和数据库。",
        ),
    )(draw_check)


def draw_check(
    file: Annotated[Path, _File],
    announced: Annotated[
        Path | None,
        typer.Option(
            exists=True,
            dir_okay=False,
            help=say("The same draw's file from before the draw, if you kept it", "抽取前保存的公示文件"),
        ),
    ] = None,
) -> None:
    """Check; ends with 1 where something does not hold."""
    from minewatch.office.verify.inspections import lots

    said = _read(file)
    wrong = list(lots.problems(said, _read(announced) if announced else None))
    for code, about in wrong:
        typer.echo(say(*_WORDS[code]).format(about=about), err=True)
    if wrong:
        raise typer.Exit(1)
    typer.echo(_found(said))
    for one in said.get("drawn", ()):
        typer.echo("\t".join([str(one["place"]), one["object"], *one["inspectors"]]))


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_bytes())
    except (UnicodeDecodeError, json.JSONDecodeError):
        return None


def _found(said: dict[str, Any]) -> str:
    number, objects = said["number"], len(said["objects"])
    if "drawn" in said:
        drawn = len(said["drawn"])
        return say(
            f"{number}: holds. {drawn} of {objects} objects, drawn again from the seed:",
            f"{number}:相符。{objects}个对象中抽取{drawn}个,按种子重算如下:",
        )
    if "abandoned" in said:
        return say(
            f"{number}: holds; given up: {said['abandoned']}", f"{number}:相符;已放弃:{said['abandoned']}"
        )
    return say(
        f"{number}: the announcement holds; nothing is drawn yet. Keep the file: "
        f"commitment {said['commitment']}",
        f"{number}:公示相符,尚未抽取。请保存本文件,承诺值{said['commitment']}",
    )
