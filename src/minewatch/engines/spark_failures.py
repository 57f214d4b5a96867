"""Why Spark cannot do the work: sentences in both languages that name what and what to do."""

from minewatch.engines.failures import EngineError


class MasterUnreachableError(EngineError):
    """Nobody answers at the master's address."""

    def __init__(self, master: str, reason: str) -> None:
        super().__init__(
            f"no Spark master answers at {master} ({reason}); is it running, and is the port right?",
            f"{master} 上没有 Spark 主节点应答({reason});请确认其已启动且端口正确",
        )


class NoExecutorError(EngineError):
    """The master gives no executor."""

    def __init__(self, master: str, patience_s: float) -> None:
        super().__init__(
            f"{master} has given no executor for {patience_s:.0f} s: no worker is running, or others hold "
            "all cores or memory (see the master's web page)",
            f"{master} 在{patience_s:.0f}秒内未分配任何执行器:没有工作节点在运行,或核心、内存已被占用"
            "(请查看主节点网页)",
        )


class SparkFailedError(EngineError):
    """Spark itself gave up."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"Spark gave up: {reason}", f"Spark 运行失败:{reason}")


class OtherVersionError(EngineError):
    """A worker runs another version of Minewatch, whose rows may differ."""

    def __init__(self, driver: str, worker: str) -> None:
        super().__init__(
            f"a Spark worker has Minewatch {worker}, this machine {driver}: install the same on all",
            f"Spark 工作节点的 Minewatch 版本为 {worker},本机为 {driver}:请在所有节点安装同一版本",
        )


class NotSharedError(EngineError):
    """A worker does not see a file that the driver named."""

    def __init__(self, error: OSError) -> None:
        super().__init__(
            f"a Spark worker did not find a file: {error}. The lake's folder must be shared: mounted at "
            "the same path on every worker",
            f"Spark 工作节点找不到文件:{error}。数据湖所在文件夹必须共享,并在每个节点以相同路径挂载",
        )
