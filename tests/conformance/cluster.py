"""A real Spark standalone cluster on loopback: one master, workers of one core, from the pyspark wheel."""

import os
import re
import subprocess
import time
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pyspark

START_S = 60.0
_SPARK_CLASS = Path(pyspark.__file__).parent / "bin" / "spark-class"


@dataclass
class Daemon:
    """A master or worker process and its log."""

    process: subprocess.Popen[bytes]
    log: Path

    def wait_for(self, pattern: str) -> str:
        """Return the first group of ``pattern`` as soon as it stands in the log."""
        deadline = time.monotonic() + START_S
        while time.monotonic() < deadline and self.process.poll() is None:
            if found := re.search(pattern, self.log.read_text(encoding="utf-8", errors="replace")):
                return found[1]
            time.sleep(0.05)
        raise RuntimeError(f"no {pattern!r} in:\n{self.log.read_text(encoding='utf-8', errors='replace')}")

    def kill(self) -> int:
        """SIGKILL the process with all it started, executors and Python workers too; return how many."""
        try:
            daemon = psutil.Process(self.process.pid)
            family = [daemon, *daemon.children(recursive=True)]
        except psutil.NoSuchProcess:
            family = []
        # The daemon first, so that it cannot start a new executor for the one it sees die.
        for process in family:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        self.process.wait()
        psutil.wait_procs(family, timeout=10)
        return len(family)


@dataclass
class Cluster:
    """Started by ``Cluster.start``; ``stop`` ends every process of it."""

    folder: Path
    java_home: Path
    address: str = ""
    workers: list[Daemon] = field(default_factory=list)
    _daemons: list[Daemon] = field(default_factory=list)

    def start(self, workers: int) -> None:
        """Start the master and ``workers`` workers; all have registered on return."""
        ports = ["--host", "127.0.0.1", "--port", "0", "--webui-port", "0"]
        master = self._daemon("master.Master", *ports)
        self.address = master.wait_for(r"Starting Spark master at (spark://127\.0\.0\.1:\d+)")
        self.add_workers(workers)

    def add_workers(self, count: int) -> None:
        """Start ``count`` workers side by side and wait until they have registered."""
        share = ["--host", "127.0.0.1", "--cores", "1", "--memory", "1g", "--webui-port", "0"]
        added = [
            self._daemon("worker.Worker", *share, "--work-dir", str(self.folder / f"work-{at}"), self.address)
            for at in range(len(self._daemons), len(self._daemons) + count)
        ]
        for worker in added:
            worker.wait_for(r"(Successfully registered with master)")
        self.workers += added

    def kill_worker(self) -> int:
        """SIGKILL one worker with its executors and Python processes; return how many processes died."""
        return self.workers.pop().kill()

    def stop(self) -> None:
        """End all processes."""
        for daemon in reversed(self._daemons):
            daemon.kill()

    def _daemon(self, name: str, *arguments: str) -> Daemon:
        log = self.folder / f"{len(self._daemons)}.log"
        environment = os.environ | {
            "JAVA_HOME": str(self.java_home),
            "SPARK_LOCAL_IP": "127.0.0.1",
            "SPARK_DAEMON_MEMORY": "256m",
            "SPARK_MASTER_OPTS": "-Dspark.master.rest.enabled=false",
        }
        with log.open("wb") as output:
            process = subprocess.Popen(
                [_SPARK_CLASS, f"org.apache.spark.deploy.{name}", *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        daemon = Daemon(process, log)
        self._daemons.append(daemon)
        return daemon
