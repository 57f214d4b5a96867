"""The tutorial's page is what its script makes."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "docs" / "tutorial" / "from_a_csv_to_a_block.py"


def test_the_page_is_what_the_script_makes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(ROOT / "tools")
    from tutorial import page_of

    copy = tmp_path / "docs" / "tutorial" / SCRIPT.name
    copy.parent.mkdir(parents=True)
    (tmp_path / "docs" / "images").mkdir()
    copy.write_bytes(SCRIPT.read_bytes())
    monkeypatch.setattr(sys, "argv", ["tutorial", str(tmp_path / "files")])
    page = page_of(copy)
    written = (ROOT / "docs" / "tutorial" / "from-a-csv-to-a-block.md").read_text("utf-8")
    assert page == written, "run .venv/bin/python tools/tutorial.py docs/tutorial/from_a_csv_to_a_block.py"
    for picture in (tmp_path / "docs" / "images").iterdir():
        assert picture.read_bytes() == (ROOT / "docs" / "images" / picture.name).read_bytes()
