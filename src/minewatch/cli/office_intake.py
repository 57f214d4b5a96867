"""``minewatch office intake``, ``parcel`` and ``labels``: findings in, labels back out."""

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from minewatch.cli.failure import failing
from minewatch.cli.language import say
from minewatch.cli.office_home import HOME, Home, office_in

_Run = Annotated[str | None, typer.Option("--run", help=say("Scan [the newest]", "哪次扫描 [最近一次]"))]
_Period = Annotated[
    str | None, typer.Option("--period", help=say("Newest scan of this period", "该时段最近一次扫描"))
]


class Form(StrEnum):
    """Form of a file of labels."""

    CSV = "csv"
    PARQUET = "parquet"


def register(office: typer.Typer) -> None:
    """Add the verbs to those of the office."""
    office.command(
        help=say(
            "Take findings into the register; the same ones again change nothing.",
            "将分析结果接入台账;重复接入不产生变化。",
        )
    )(intake)
    office.command(
        help=say(
            "Write a scan's findings to a file for an office on another machine.",
            "导出扫描结果文件,供另一台机器上的系统接入。",
        )
    )(parcel)
    office.command(
        help=say(
            "Write what inspections found as labels for minewatch ingest.",
            "导出核查结论标签,供minewatch ingest导入。",
        )
    )(labels)


def intake(
    source: Annotated[
        Path,
        typer.Argument(
            exists=True,
            metavar="LAKE|FILE",
            help=say("A lake, a parcel, or findings as Parquet or Arrow", "数据湖、结果包或结果表文件"),
        ),
    ],
    origin: Annotated[
        str,
        typer.Option(
            help=say(
                "Name of the analysis: later runs replace earlier ones",
                "分析来源名称,同源后次替代前次",
            )
        ),
    ] = "lake",
    run: _Run = None,
    period: _Period = None,
    home: Home = HOME,
) -> None:
    """Take in; ends with 1 where findings had to be put aside."""
    content = _packed(source, run, period) if source.is_dir() else source.read_bytes()
    now, aside = datetime.now(UTC), 0
    with office_in(home):
        from minewatch.office.intake.services import receive, take_in
        from minewatch.office.platform.refusals import Refused
        from minewatch.office.platform.services import By

        with failing(Refused):
            for delivery in receive(content, source.name, origin, By(None, now)):
                done = take_in(delivery, now)
                typer.echo(f"{done.run_id}: " + ", ".join(f"{name} {n}" for name, n in done.counts.items()))
                for item in done.aside:
                    sentence = str(Refused(item["code"], **item["values"]))
                    typer.echo(f"  {item['finding_id']}: {sentence}", err=True)
                aside += len(done.aside)
    raise typer.Exit(1 if aside else 0)


def parcel(
    lake: Annotated[Path, typer.Argument(metavar="LAKE", help=say("Folder of the lake", "数据湖目录"))],
    out: Annotated[Path, typer.Option(help=say("File to write", "输出文件"))],
    run: _Run = None,
    period: _Period = None,
) -> None:
    """Write a parcel."""
    out.write_bytes(_packed(lake, run, period))


def labels(
    out: Annotated[Path, typer.Option(help=say("File to write", "输出文件"))],
    purpose: Annotated[str, typer.Option(help=say("What for; kept in the audit log", "用途,记入审计日志"))],
    form: Annotated[Form, typer.Option("--format", help=say("Form of the file", "文件格式"))] = Form.CSV,
    home: Home = HOME,
) -> None:
    """Write all labels of the office."""
    with office_in(home):
        from minewatch.office.intake.labels import export, table
        from minewatch.office.platform.refusals import Refused
        from minewatch.office.platform.scope import scoped, whole
        from minewatch.office.platform.services import By

        with scoped(whole("labels")), failing(Refused):
            found = table()
            out.write_bytes(export(found, form.value, purpose, By(None, datetime.now(UTC))))
    typer.echo(say(f"{found.num_rows} labels", f"{found.num_rows}条标签"))


def _packed(lake: Path, run: str | None, period: str | None) -> bytes:
    from minewatch.runs.parcel import FAILURES, packed, parcel_of
    from minewatch.runs.scan import open_lake, period_of

    with failing(*FAILURES):
        opened = open_lake(lake)
        wanted = period_of(period, opened.zone) if period else None
        return packed(parcel_of(opened, run, wanted))
