import os
import subprocess
import sys

import pytest

from minewatch import __version__


def run(language: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "MINEWATCH_LANG": language, "PYTHONIOENCODING": "utf-8"}
    command = [sys.executable, "-c", "from minewatch.cli import main; main()", *arguments]
    return subprocess.run(
        command, capture_output=True, text=True, env=environment, check=True, encoding="utf-8"
    )


@pytest.mark.parametrize(("language", "word"), [("en", "cryptocurrency"), ("zh", "挖矿")])
def test_help_is_in_the_language_of_the_terminal(language: str, word: str) -> None:
    assert word in run(language, "--help").stdout


def test_version() -> None:
    assert run("en", "--version").stdout.strip() == __version__
