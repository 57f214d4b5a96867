"""``minewatch office lan-scan``: which machines answer in a site's own network, for the record."""

import json
import logging
import warnings
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from minewatch.cli.failure import failing
from minewatch.cli.language import language, say

_COLUMNS = (
    TextColumn("{task.description}"),
    BarColumn(),
    MofNCompleteColumn(),
    TextColumn(say("{task.fields[found]} machines", "矿机{task.fields[found]}台")),
)


def register(office: typer.Typer) -> None:
    """Add the verb to those of the office."""
    office.command(
        "lan-scan",
        help=say(
            "On the site, with authority: record the mining machines in the site's own network.",
            "在检查现场、依法经授权:扫描该场所自有局域网内的矿机并形成记录。",
        ),
    )(lan_scan)


def lan_scan(
    network: Annotated[
        str,
        typer.Option(
            help=say(
                "Private network, as 192.168.1.0/24; no other is asked",
                "私有网段,如192.168.1.0/24;其他一律拒绝",
            )
        ),
    ],
    authority: Annotated[
        str,
        typer.Option(help=say("Number of the document that authorises the scan", "授权文书的文号")),
    ],
    operator: Annotated[str, typer.Option(help=say("Name of who scans", "操作人姓名"))],
    out: Annotated[
        Path | None,
        typer.Option(help=say("File to write [lan-scan-TIME.json]", "输出文件 [lan-scan-时间.json]")),
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=2, max=120, help=say("Time for one address", "单个地址的限时(秒)"))
    ] = 20.0,
    at_once: Annotated[
        int, typer.Option(min=1, max=255, help=say("Addresses at the same time", "同时扫描的地址数"))
    ] = 64,
) -> None:
    """Scan; ends with 1 where it was interrupted."""
    _speak()
    from minewatch.office.platform.refusals import Refused
    from minewatch.office.verify.inspections.lan_scan import ScanOrder, scan

    file = out or Path(f"lan-scan-{datetime.now():%Y%m%dT%H%M%S}.json")  # noqa: DTZ005 - the laptop's clock
    if file.exists():
        raise typer.BadParameter(say(f"{file} is there already", f"{file}已存在"))
    logging.disable(logging.CRITICAL)  # pyasic tells of each address that is silent
    warnings.simplefilter("ignore")
    order = ScanOrder(network, authority, operator, seconds, at_once)
    with failing(Refused), Progress(*_COLUMNS, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(say("addresses", "地址"), total=None, found=0)
        record = scan(
            order, lambda done, total, found: progress.update(task, completed=done, total=total, found=found)
        )
    file.write_text(json.dumps(record, ensure_ascii=False, indent=1) + "\n", "utf-8")
    _tell(record, file)
    raise typer.Exit(0 if record["complete"] else 1)


def _tell(record: dict[str, Any], file: Path) -> None:
    for machine in record["machines"]:
        names = (machine["ip"], machine["mac"], f"{machine['make']} {machine['model']}".strip())
        typer.echo("\t".join([*names, f"{machine['power_w'] or '-'} W"]))
    for one in record["failed"]:
        typer.echo(f"{one['ip']}: {one['failed']}", err=True)
    if not record["complete"]:
        typer.echo(say("interrupted: the record is not complete", "扫描中断,记录不完整"), err=True)
    typer.echo(
        say(
            f"{len(record['machines'])} machines; write this into the minutes: {file.name}, SHA-256 ",
            f"共{len(record['machines'])}台矿机。请将下列信息记入现场笔录:{file.name},SHA-256 ",
        )
        + record["sha256"]
    )


def _speak() -> None:
    """Make Django translate the refusals of a laptop that has no office."""
    import django
    from django.conf import settings

    if not settings.configured:
        names = {"zh": "zh-hans", "en": "en"}
        catalogue = resources.files("minewatch.office.verify") / "locale"
        settings.configure(LANGUAGE_CODE=names[language()], LOCALE_PATHS=[str(catalogue)])
        django.setup()
