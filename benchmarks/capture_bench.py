"""Looking at a capture, whole process, against tcpdump that copies the same file to nowhere."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

from benchmarks.captures import capture_file
from benchmarks.hard_captures import crowded_capture_file, hard_capture_file, mining_capture_file
from benchmarks.registry import Job, register

TCPDUMP = shutil.which("tcpdump")


_AS_INSTALLED = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
"""With compiled modules, as an installation has them."""


def look(path: Path) -> None:
    """Run ``minewatch look`` in a process of its own."""
    command = [str(Path(sys.executable).with_name("minewatch")), "look", "--json", str(path)]
    subprocess.run(command, check=True, capture_output=True, env=_AS_INSTALLED)  # noqa: S603


def copy_to_nowhere(path: Path) -> None:
    """Let tcpdump read the whole file."""
    command = [str(TCPDUMP), "-r", str(path), "-w", "/dev/null"]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603


if TCPDUMP is None:
    sys.stderr.write("look_capture is left out: tcpdump is not installed\n")
else:
    for name, sizes, prepare, bar in (
        ("look_capture", (200_000, 2_000_000), capture_file, 3.0),
        ("look_hard_capture", (2_000_000,), hard_capture_file, 6.0),
        ("look_mining_capture", (200_000,), mining_capture_file, None),
    ):
        register(
            Job(
                name=name,
                sizes=sizes,
                unit="packets",
                prepare=prepare,
                job=look,
                floor=copy_to_nowhere,
                floor_name="tcpdump -w /dev/null",
                bar=bar,
            )
        )
    register(
        Job(
            name="look_crowded_capture",
            sizes=(1_000_000,),
            unit="flows at once",
            prepare=crowded_capture_file,
            job=look,
            floor=copy_to_nowhere,
            floor_name="tcpdump -w /dev/null",
            peak_bar_mb=500.0,
        )
    )
