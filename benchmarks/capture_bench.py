"""Looking at a capture, whole process, against tcpdump that copies the same file to nowhere."""

import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.captures import capture_file
from benchmarks.registry import Job, register

TCPDUMP = shutil.which("tcpdump")


def look(path: Path) -> None:
    """Run ``minewatch look`` in a process of its own."""
    command = [str(Path(sys.executable).with_name("minewatch")), "look", "--json", str(path)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603


def copy_to_nowhere(path: Path) -> None:
    """Let tcpdump read the whole file."""
    command = [str(TCPDUMP), "-r", str(path), "-w", "/dev/null"]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603


if TCPDUMP is None:
    sys.stderr.write("look_capture is left out: tcpdump is not installed\n")
else:
    register(
        Job(
            name="look_capture",
            sizes=(200_000, 2_000_000),
            unit="packets",
            prepare=capture_file,
            job=look,
            floor=copy_to_nowhere,
            floor_name="tcpdump -w /dev/null",
        )
    )
