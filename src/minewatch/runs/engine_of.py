"""The engine that a user names by its address."""

import os
import re

from minewatch.engines.base import Engine
from minewatch.engines.failures import EngineError
from minewatch.engines.local import LocalEngine

_LOCAL = re.compile(r"(local|local-processes)(?:\[([1-9]\d{0,3}|\*)\])?")
_SPARK = re.compile(r"spark://[^\s/,]+:\d+(,[^\s/,]+:\d+)*")


class UnknownEngineError(EngineError):
    """The address is not one of an engine."""

    def __init__(self, address: str) -> None:
        super().__init__(
            f"no engine has the address {address!r}; write local, local[2], local-processes[2] "
            "or spark://host:7077",
            f"没有地址为{address!r}的计算引擎;可写 local、local[2]、local-processes[2] 或 spark://主机:7077",
        )


class NoSparkError(EngineError):
    """PySpark is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "Spark support is not installed: pip install 'minewatch[spark]', or run with --engine local",
            "未安装 Spark 支持:请运行 pip install 'minewatch[spark]',或改用 --engine local",
        )


def engine_of(address: str | None) -> Engine:
    """Return the engine at ``address``; None is this machine's cores.

    ``local`` and ``local[N]`` (threads), ``local-processes`` and ``local-processes[N]``,
    ``spark://host:port`` (several hosts by commas, for a standby master). Close it after use.
    Raises ``EngineError`` for another address, and where Spark cannot be reached or started.
    """
    address = "local" if address is None else address.strip()
    if match := _LOCAL.fullmatch(address):
        workers = int(match[2]) if match[2] and match[2] != "*" else _cores()
        return LocalEngine(workers, processes=match[1] == "local-processes")
    if _SPARK.fullmatch(address):
        return _spark(address)
    raise UnknownEngineError(address)


def _spark(master: str) -> Engine:
    try:
        from minewatch.engines.spark import SparkEngine
    except ModuleNotFoundError as error:
        raise NoSparkError from error
    return SparkEngine(master)


def _cores() -> int:
    """Return how many cores this process may use."""
    affinity = getattr(os, "sched_getaffinity", None)
    return len(affinity(0)) if affinity else os.cpu_count() or 1
