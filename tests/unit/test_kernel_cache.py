"""Compiled kernels are kept by the content of all kernels together."""

from pathlib import Path

from numba import config

import minewatch.kernels
from minewatch.kernels import cache_name

FOLDER = Path(minewatch.kernels.__file__).parent
FILES = sorted(FOLDER.rglob("*.py"))


def test_a_change_in_any_kernel_file_gives_another_cache(tmp_path: Path) -> None:
    copies = [tmp_path / path.relative_to(FOLDER) for path in FILES]
    for copy, path in zip(copies, FILES, strict=True):
        copy.parent.mkdir(exist_ok=True)
        copy.write_bytes(path.read_bytes())
    before = cache_name(copies)
    names = {before}
    for copy in copies:
        content = copy.read_bytes()
        copy.write_bytes(content + b"#\n")
        names.add(cache_name(copies))
        copy.write_bytes(content)
    assert len(names) == len(FILES) + 1
    assert cache_name(reversed(copies)) == before == cache_name(FILES)


def test_numba_keeps_its_code_there() -> None:
    assert Path(config.CACHE_DIR).name == cache_name(FILES)
