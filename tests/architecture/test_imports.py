"""The rooms import only in the directions of the design; lazy and type-checking imports count."""

from pathlib import Path

import grimp
import pytest

ANALYSIS = {
    "schema",
    "law",
    "kernels",
    "sources",
    "lake",
    "detect",
    "attribute",
    "fuse",
    "engines",
    "runs",
    "sim",
}
MAY_IMPORT = {
    "schema": set(),
    "law": {"schema"},
    "kernels": set(),
    "sources": {"schema", "kernels"},
    "lake": {"schema", "sources"},
    "detect": {"kernels", "schema"},
    "attribute": {"schema"},
    "fuse": {"kernels", "schema"},
    "engines": {"schema"},
    "sim": {"schema", "law"},
    "runs": ANALYSIS - {"runs"},
    "cli": {"runs"},
}
SOURCE = Path(__file__).parents[2] / "src" / "minewatch"
ROOMS = sorted(path.name for path in SOURCE.iterdir() if (path / "__init__.py").is_file())


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("minewatch", include_external_packages=True, cache_dir=None)


def violations(graph: grimp.ImportGraph, room: str, allowed: set[str]) -> list[str]:
    root = f"minewatch.{room}"
    modules = {root, *graph.find_descendants(root)}
    return sorted(
        f"{module} imports {target}"
        for module in modules
        for target in graph.find_modules_directly_imported_by(module)
        if target.startswith("minewatch.") and target.split(".")[1] not in {room, *allowed}
    )


@pytest.mark.parametrize("room", ROOMS)
def test_room_imports_only_what_the_design_allows(graph: grimp.ImportGraph, room: str) -> None:
    assert violations(graph, room, MAY_IMPORT[room]) == []


@pytest.mark.parametrize("room", ROOMS)
def test_the_table_has_no_circles(room: str) -> None:
    for other in MAY_IMPORT[room] & set(ROOMS):
        assert room not in MAY_IMPORT[other]


def test_lazy_and_type_checking_imports_count(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    package = tmp_path / "planted"
    (package / "detect").mkdir(parents=True)
    (package / "sim").mkdir()
    for folder in (package, package / "detect", package / "sim"):
        (folder / "__init__.py").write_text("")
    (package / "detect" / "lazy.py").write_text("def f():\n    import planted.sim\n")
    (package / "detect" / "typed.py").write_text(
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import planted.sim\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    graph = grimp.build_graph("planted", cache_dir=None)
    assert graph.find_modules_that_directly_import("planted.sim") == {
        "planted.detect.lazy",
        "planted.detect.typed",
    }
