"""The rooms import only in the directions of the design (contracts of import-linter in pyproject.toml)."""

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "minewatch"


def lint(source: Path) -> subprocess.CompletedProcess[str]:
    linter = Path(sys.executable).with_name("lint-imports")
    return subprocess.run(
        [linter, "--config", ROOT / "pyproject.toml", "--no-cache"],
        env=os.environ | {"PYTHONPATH": str(source)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_import_follows_the_design() -> None:
    result = lint(SOURCE.parent)
    assert result.returncode == 0, result.stdout


def test_every_room_has_a_contract() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contracts = settings["tool"]["importlinter"]["contracts"]
    protected = {name for contract in contracts for name in contract.get("protected_modules", ())}
    rooms = {f"minewatch.{path.name}" for path in SOURCE.iterdir() if (path / "__init__.py").is_file()}
    assert protected == rooms


@pytest.mark.parametrize(
    "statement",
    [
        "def lazy():\n    import minewatch.sim\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import minewatch.sim\n",
    ],
    ids=["lazy", "type-checking"],
)
def test_hidden_imports_count(tmp_path: Path, statement: str) -> None:
    shutil.copytree(SOURCE, tmp_path / "minewatch", ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "minewatch" / "detect" / "planted.py").write_text(statement)
    result = lint(tmp_path)
    assert result.returncode == 1
    assert "minewatch.detect.planted" in result.stdout
