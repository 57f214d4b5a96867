"""The command starts light: heavy libraries are imported by the verb that needs them, not before."""

import json
import subprocess
import sys

import pytest

HEAVY = {"numba", "duckdb", "deltalake", "lightgbm", "pandas", "splink", "matplotlib", "pyspark", "scipy"}


def modules_after(statement: str) -> set[str]:
    code = f"{statement}\nimport json, sys\nprint(json.dumps([name.split('.')[0] for name in sys.modules]))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(json.loads(result.stdout.splitlines()[-1]))


@pytest.mark.parametrize(
    "statement",
    ["import minewatch.cli.app", "import minewatch.schema.tables, minewatch.schema.evidence"],
    ids=["command", "contracts"],
)
def test_heavy_libraries_wait_until_a_verb_needs_them(statement: str) -> None:
    assert modules_after(statement) & HEAVY == set()


def test_the_contracts_need_only_arrow() -> None:
    loaded = modules_after(
        "import minewatch.schema.tables, minewatch.schema.evidence, minewatch.schema.slices"
    )
    assert loaded & {"typer", "rich", "jinja2", "yaml", "openpyxl"} == set()
