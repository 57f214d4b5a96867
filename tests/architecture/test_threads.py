"""One worker, one core: engines start the workers, so nothing below them starts threads of its own."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "minewatch"
COMPILERS = {"njit", "jit", "vectorize", "guvectorize"}


def calls(tree: ast.AST, names: set[str]) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in names:
                yield node


def keywords(call: ast.Call) -> dict[str, object]:
    return {word.arg or "": getattr(word.value, "value", ...) for word in call.keywords}


def kernel_faults(tree: ast.AST) -> list[int]:
    """Return the lines of kernels that hold the GIL, are compiled anew in each process or use threads."""
    wanted = {"nogil": True, "cache": True}
    found = {call.lineno: keywords(call) for call in calls(tree, COMPILERS)}
    bare = [
        node.lineno
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for node in function.decorator_list
        if not isinstance(node, ast.Call) and getattr(node, "attr", getattr(node, "id", "")) in COMPILERS
    ]
    return sorted(
        [
            *bare,
            *(
                line
                for line, words in found.items()
                if not wanted.items() <= words.items() or "parallel" in words
            ),
        ]
    )


def parquet_faults(tree: ast.AST) -> list[int]:
    """Return the lines where Parquet is read with Arrow's thread pool."""
    readers = {"read_table", "read_row_group", "read_row_groups", "iter_batches"}
    return [call.lineno for call in calls(tree, readers) if keywords(call).get("use_threads") is not False]


@pytest.mark.parametrize("room", ["kernels", "detect", "fuse", "attribute"])
def test_kernels_release_the_gil_are_cached_and_start_no_threads(room: str) -> None:
    trees = {path.name: ast.parse(path.read_text(encoding="utf-8")) for path in (SOURCE / room).rglob("*.py")}
    assert {name: faults for name, tree in trees.items() if (faults := kernel_faults(tree))} == {}


@pytest.mark.parametrize("room", ["schema", "engines", "lake", "detect", "fuse", "attribute"])
def test_parquet_is_read_without_threads(room: str) -> None:
    trees = {path.name: ast.parse(path.read_text(encoding="utf-8")) for path in (SOURCE / room).rglob("*.py")}
    assert {name: faults for name, tree in trees.items() if (faults := parquet_faults(tree))} == {}


def test_the_tests_see_what_they_look_for() -> None:
    threaded = "@nb.njit(nogil=True, cache=True, parallel=True)"
    code = f"@njit\ndef a(): ...\n{threaded}\ndef b(): ...\npq.read_table(p)\n"
    tree = ast.parse(code)
    assert kernel_faults(tree) == [1, 3]
    assert parquet_faults(tree) == [5]
    assert kernel_faults(ast.parse("@njit(cache=True, nogil=True)\ndef a(): ...\n")) == []
