"""Finding a Java that Spark runs on."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from minewatch.engines.failures import EngineError

OLDEST = 17
"""First Java release that Spark 4 runs on."""

_DEBIAN_HOMES = Path("/usr/lib/jvm")
_NEEDED_MODULE = "jdk.incubator.vector"


class NoJavaError(EngineError):
    """No Java that Spark runs on was found."""

    def __init__(self) -> None:
        super().__init__(
            f"Spark needs Java {OLDEST} or newer and none was found by JAVA_HOME, PATH or {_DEBIAN_HOMES}; "
            "install one (Debian: apt install openjdk-17-jre-headless) or run with --engine local",
            f"Spark 需要 Java {OLDEST} 或更新版本,但在 JAVA_HOME、PATH 和 {_DEBIAN_HOMES} 中均未找到;请安装"
            "(Debian:apt install openjdk-17-jre-headless),或改用 --engine local",
        )


def java_home(homes: Path = _DEBIAN_HOMES) -> Path:
    """Return the home of the first fit Java of JAVA_HOME, PATH and ``homes``. Raises NoJavaError."""
    for home in _candidates(homes):
        if (home / "bin" / "java").is_file() and _is_fit(home):
            return home
    raise NoJavaError


def _candidates(homes: Path) -> Iterator[Path]:
    if named := os.environ.get("JAVA_HOME"):
        yield Path(named)
    if found := shutil.which("java"):
        yield Path(found).resolve().parents[1]
    if homes.is_dir():
        yield from sorted(homes.iterdir())


def _is_fit(home: Path) -> bool:
    """Tell by the ``release`` file whether Spark runs on it; a Java without that file is given a try."""
    try:
        release = (home / "release").read_text(encoding="utf-8")
    except OSError:
        return True
    version = re.search(r'^JAVA_VERSION="(\d+)', release, re.MULTILINE)
    modules = re.search(r'^MODULES="([^"]*)"', release, re.MULTILINE)
    return (version is None or int(version[1]) >= OLDEST) and (
        modules is None or _NEEDED_MODULE in modules[1].split()
    )
