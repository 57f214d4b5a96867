"""Sizes, names and docstrings of the house, and what may not stand in the repository."""

import ast
import re
import statistics
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "minewatch"
FILES = sorted(
    path for path in SOURCE.rglob("*.py") if not {"tests", "migrations"} & set(path.relative_to(SOURCE).parts)
)
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


def functions(path: Path) -> list[FunctionNode]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, FunctionNode)]


def length(node: FunctionNode) -> int:
    has_docstring = ast.get_docstring(node) is not None
    body = node.body[1:] if has_docstring and len(node.body) > 1 else node.body
    return (node.end_lineno or node.lineno) - body[0].lineno + 1


def test_files_are_short() -> None:
    def most(path: Path) -> int:
        return 800 if "kernels" in path.parts else 500

    assert [path for path in FILES if len(path.read_text(encoding="utf-8").splitlines()) > most(path)] == []


def test_functions_are_short() -> None:
    lengths = sorted(
        length(node) for path in FILES if "kernels" not in path.parts for node in functions(path)
    )
    assert statistics.median(lengths) < 10
    assert lengths[int(0.95 * len(lengths))] < 40


def test_no_drawer_for_everything() -> None:
    assert [path for path in FILES if path.stem in {"utils", "common", "core", "helpers"}] == []


def test_public_things_have_docstrings() -> None:
    missing = []
    for path in FILES:
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            is_public = isinstance(node, FunctionNode | ast.ClassDef) and not node.name.startswith("_")
            if is_public and ast.get_docstring(node) is None:
                missing.append(f"{path.name}: {node.name}")
    assert missing == []


@pytest.mark.parametrize(
    "pattern",
    [r"(?<![\w.])/(work|farm|root)/", r"^--(extra-)?index-url", r'"resolved": *"http', r"py" r"pi\.org"],
)
def test_repository_names_no_machine_path_and_no_registry(pattern: str) -> None:
    listing = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True, text=True)
    found = [
        name
        for name in listing.stdout.split("\0")
        if name and name != "tests/architecture/test_house.py" and (ROOT / name).is_file()
        if re.search(pattern, (ROOT / name).read_bytes().decode("utf-8", "replace"), re.MULTILINE)
    ]
    assert found == []
