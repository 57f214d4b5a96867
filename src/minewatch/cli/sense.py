"""``minewatch sense``: a sensor that listens for weeks and writes what it sees into a lake."""

import logging
import os
import re
from datetime import UTC, datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Annotated, Protocol

import typer

from minewatch.cli.failure import failing
from minewatch.cli.language import language, say

_LOG_BYTES, _LOGS = 10_000_000, 5
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")


def register(app: typer.Typer) -> None:
    """Add the verb to the command."""
    app.command(
        help=say(
            "Listen to a mirror port, a capture file or standard input for weeks. Flows go into a lake as "
            "they end. Sends nothing. SIGTERM ends it in order.",
            "监听镜像端口、抓包文件或标准输入,持续将结束的流写入数据湖。不发送任何数据包。收到SIGTERM后有序结束。",
        )
    )(sense)


def sense(  # noqa: PLR0913 - its options
    lake: Annotated[Path, typer.Argument(metavar="LAKE", help=say("Folder of the lake", "数据湖目录"))],
    where: Annotated[
        str, typer.Argument(metavar="IFACE|FILE|-", help=say("What to listen to", "接口、文件或标准输入"))
    ],
    *,
    name: Annotated[
        str | None, typer.Option(help=say("Name of the sensor [machine-interface]", "探针名称 [主机名-接口]"))
    ] = None,
    filter_: Annotated[
        str | None,
        typer.Option("--filter", help=say("Which packets, as tcpdump says it", "过滤表达式(tcpdump语法)")),
    ] = None,
    snaplen: Annotated[
        int, typer.Option(min=64, max=262_144, help=say("Most bytes of a packet", "每包最多保留字节数"))
    ] = 262_144,
    ring: Annotated[
        int, typer.Option(min=4, max=4096, help=say("Packet ring, MiB", "内核环形缓冲区,MiB"))
    ] = 64,
    roll: Annotated[float, typer.Option(min=1, help=say("Seconds to a commit", "每次入湖间隔秒数"))] = 300,
    active: Annotated[
        float,
        typer.Option(min=60, help=say("Seconds after which an open flow is written", "活动流写出间隔秒数")),
    ] = 3600,
    spool: Annotated[
        int, typer.Option(min=1, help=say("Most MiB that wait for the lake", "等待入湖数据上限,MiB"))
    ] = 1024,
    metrics: Annotated[
        str | None, typer.Option(help=say("Address:port for Prometheus", "Prometheus指标地址:端口"))
    ] = None,
    user: Annotated[
        str | None,
        typer.Option(help=say("Become this user [owner of the lake]", "打开接口后切换到该用户 [湖的属主]")),
    ] = None,
    log: Annotated[
        Path | None,
        typer.Option(help=say("Log file, rotated [standard error]", "日志文件,自动轮转 [标准错误]")),
    ] = None,
) -> None:
    """Listen until the end."""
    from minewatch.runs.sense.sense import FAILURES, Listening, Pace, Request
    from minewatch.runs.sense.sense import sense as sensed

    request = Request(
        lake=lake,
        where=where,
        name=_checked(name),
        filter=filter_,
        listening=Listening(snaplen, ring),
        pace=Pace(roll, active),
        spool_mb=spool,
        metrics=_address(metrics),
        user=user,
        notify=os.environ.get("NOTIFY_SOCKET"),
    )
    with failing(*FAILURES):
        sensed(request, lambda: datetime.now(UTC), _Log(log))


class _Note(Protocol):
    def text(self, language: str) -> str: ...


class _Log:
    """Says what happens, one line each, on standard error (where a service manager keeps it) or in a file."""

    def __init__(self, path: Path | None) -> None:
        handler: logging.Handler = logging.StreamHandler()
        if path is not None:
            handler = RotatingFileHandler(path, maxBytes=_LOG_BYTES, backupCount=_LOGS, encoding="utf-8")
        handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
        self._logger = logging.getLogger("minewatch.sense")
        self._logger.handlers = [handler]
        self._logger.setLevel(logging.INFO)
        self._logger.propagate = False

    def told(self, note: _Note, grave: bool) -> None:
        self._logger.log(logging.WARNING if grave else logging.INFO, note.text(language()))


def _checked(name: str | None) -> str | None:
    if name is not None and not _NAME.fullmatch(name):
        raise typer.BadParameter(
            say("letters, digits, . _ -", "只能含字母、数字、. _ -"), param_hint="--name"
        )
    return name


def _address(text: str | None) -> tuple[str, int] | None:
    if text is None:
        return None
    host, _, port = text.rpartition(":")
    if not port.isdigit() or int(port) > 65_535:
        raise typer.BadParameter(say("write 127.0.0.1:9187", "请写成127.0.0.1:9187"), param_hint="--metrics")
    return host.strip("[]") or "127.0.0.1", int(port)
