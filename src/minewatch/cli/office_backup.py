"""``minewatch office backup`` and ``restore``: the office in one file, and back."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

from minewatch.cli.failure import failing
from minewatch.cli.language import say
from minewatch.cli.office_home import HOME, Home, office_in
from minewatch.office.backup.faults import BackupFault

if TYPE_CHECKING:
    from minewatch.office.backup.archive import Manifest
    from minewatch.office.backup.backing_up import Backup
    from minewatch.office.backup.restoring import Restored
    from minewatch.office.backup.unpacking import Unpacked


def register(office: typer.Typer) -> None:
    """Add the verbs to those of the office."""
    office.command(
        help=say(
            "Write database and files to one archive while the office works, and read it again.",
            "在系统运行中将数据库和文件备份为一个归档,写完后读回校验。",
        )
    )(backup)
    office.command(
        help=say(
            "Check an archive and restore it into an empty home and database.",
            "校验归档,并恢复到空目录和空数据库。",
        )
    )(restore)


def backup(
    target: Annotated[
        Path,
        typer.Argument(
            metavar="FILE|FOLDER",
            help=say(
                "File to write (.tar, .tar.gz), or a folder that gets office-TIME.tar",
                "要写的文件(.tar、.tar.gz),或目录(文件名自动带时间)",
            ),
        ),
    ],
    keys: Annotated[
        bool,
        typer.Option(
            "--keys/--without-keys",
            help=say(
                "With secret.key and office.toml, which holds passwords",
                "是否包含secret.key和含有密码的office.toml",
            ),
        ),
    ] = True,
    keep: Annotated[
        int | None,
        typer.Option(min=1, help=say("In a folder: keep only the newest so many", "目录中只保留最新几份")),
    ] = None,
    home: Home = HOME,
) -> None:
    """Back up; ends with 1 where files that the database names are not in the office any more."""
    with office_in(home), failing(BackupFault, OSError):
        made = _backed_up(target, keys=keys)
    typer.echo(f"{made.sha256}  {made.path}")
    _tell(f"{made.rows} rows, {made.files} files", f"{made.rows}行数据,{made.files}个文件")
    if keys:
        _tell("it holds the office's key and passwords: guard it as such", "其中含密钥和密码,请妥善保管")
    if keep and target.is_dir():
        _forget(target, keep)
    for name in made.missing:
        _tell(f"the office has lost {name}", f"系统中已缺失{name}")
    raise typer.Exit(1 if made.missing else 0)


def _backed_up(target: Path, *, keys: bool) -> "Backup":
    from minewatch.office.backup.backing_up import back_up, place_for
    from minewatch.office.home import home
    from minewatch.office.platform.services import By

    now = datetime.now(UTC)
    return back_up(home(), place_for(target, now), By(None, now), with_keys=keys)


def _forget(folder: Path, most: int) -> None:
    from minewatch.office.backup.backing_up import forget_older

    for path in forget_older(folder, most):
        _tell(f"removed {path}", f"已删除{path}")


def restore(
    archive: Annotated[
        Path,
        typer.Argument(exists=True, dir_okay=False, help=say("File that backup wrote", "备份归档文件")),
    ],
    sha256: Annotated[
        str, typer.Option(help=say("Refuse an archive with another SHA-256", "归档的SHA-256必须与此相符"))
    ] = "",
    check: Annotated[
        bool, typer.Option("--check", help=say("Only check the archive", "只校验,不恢复"))
    ] = False,
    replace: Annotated[
        bool,
        typer.Option(
            "--replace",
            help=say("Put an office that is there aside", "将已有系统移开"),
        ),
    ] = False,
    same_database: Annotated[
        bool,
        typer.Option(
            "--same-database",
            help=say(
                "Into the database that the archive's office.toml names", "恢复到归档office.toml所指的数据库"
            ),
        ),
    ] = False,
    home: Home = HOME,
) -> None:
    """Restore."""
    from minewatch.office.backup.unpacking import checked, unpack_for

    with failing(BackupFault, OSError):
        if check:
            _describe(checked(archive, sha256))
            return
        with (
            unpack_for(home, archive, same_database=same_database, sha256=sha256) as unpacked,
            office_in(home),
        ):
            restored = _restored(unpacked, replace=replace)
    _describe(restored.manifest)
    if restored.aside:
        _tell(f"what was there is in {restored.aside}", f"原有内容移至{restored.aside}")
    typer.echo(say(f"the office in {home} is restored", f"{home}已恢复"))


def _restored(unpacked: "Unpacked", *, replace: bool) -> "Restored":
    from minewatch.office import running
    from minewatch.office.backup.restoring import put_in_place
    from minewatch.office.home import home
    from minewatch.office.platform.services import By

    restored = put_in_place(home(), unpacked, By(None, datetime.now(UTC)), replace=replace)
    running.bring_up_to_date()
    return restored


def _describe(manifest: "Manifest") -> None:
    rows, files = sum(manifest.rows.values()), len(manifest.members)
    typer.echo(f"{manifest.made_at}  {manifest.version}  {manifest.vendor}")
    typer.echo(say(f"{rows} rows, {files} files, all whole", f"{rows}行数据,{files}个文件,均完整"))
    for name in manifest.missing:
        _tell(f"lost before the backup: {name}", f"备份前已缺失:{name}")


def _tell(en: str, zh: str) -> None:
    Console(stderr=True).print(say(en, zh), markup=False, highlight=False, soft_wrap=True)
