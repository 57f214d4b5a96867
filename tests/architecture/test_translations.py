"""Every sentence of the office is there in Chinese too."""

import subprocess
from pathlib import Path

import pytest
from babel.messages.pofile import read_po

ROOT = Path(__file__).parents[2]
CATALOGUES = sorted((ROOT / "src" / "minewatch" / "office").glob("*/locale/zh_Hans/LC_MESSAGES/django.po"))


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parents[3].name)
def test_every_sentence_is_translated(path: Path) -> None:
    with path.open("rb") as file:
        catalogue = read_po(file, locale="zh_Hans")
    assert [message.id for message in catalogue if message.id and not message.string] == []


def test_the_catalogues_hold_every_sentence() -> None:
    before = {path: path.read_text("utf-8") for path in CATALOGUES}
    try:
        subprocess.run([ROOT / "tools" / "translations.sh"], check=True, capture_output=True)
        assert {path: path.read_text("utf-8") for path in CATALOGUES} == before
    finally:
        for path, text in before.items():
            path.write_text(text, "utf-8")
