"""The home that the verbs of the office are about, and what can stand against opening it."""

import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from minewatch.cli.failure import failing
from minewatch.cli.language import language, say

Home = Annotated[
    Path,
    typer.Option(
        "--home",
        envvar="MINEWATCH_OFFICE_HOME",
        help=say("Folder with the office's settings, key and files", "存放设置、密钥和文件的目录"),
    ),
]
HOME = Path("office")


@contextmanager
def office_in(home: Path, *, is_new: bool = False) -> Iterator[None]:
    """Open the office for the block; what its settings or its database have against it becomes a sentence.

    A home that is not there is an office only where it ``is_new``.
    """
    from minewatch.office.home import UnknownSetting

    if not is_new and not home.is_dir():
        there = say(f"there is no office in {home}", f"{home}中没有系统")
        typer.echo(
            there + say("; minewatch office setup makes one", ";请先运行minewatch office setup"), err=True
        )
        raise typer.Exit(2)
    with failing(UnknownSetting, tomllib.TOMLDecodeError, UnicodeDecodeError):
        from minewatch.office import running

        running.open_office(home)
    from django.core.exceptions import ImproperlyConfigured
    from django.db.utils import OperationalError
    from django.utils import translation

    said = translation.override("zh-hans" if language() == "zh" else "en")
    with said, failing(OperationalError, ImproperlyConfigured):
        yield
