"""The user's own mapping of columns."""

import re
from dataclasses import fields
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from minewatch.sources.mapping import BadMapping, ColumnMapping, read_mapping
from minewatch.sources.options import ReadOptions
from minewatch.sources.recognise import recognise
from minewatch.sources.unreadable import UnreadableFile


def mapping(path: Path, text: str) -> ColumnMapping:
    path.write_text(text, encoding="utf-8")
    return read_mapping(path)


def test_a_mapping_makes_an_unknown_file_known(tmp_path: Path) -> None:
    path = tmp_path / "verbrauch.csv"
    lines = [f"Z1;0{n // 4}:{n % 4 * 15:02d} 01.05.2026;{n * 250}" for n in range(1, 9)]
    path.write_bytes("\n".join(["Zähler;Ende;Arbeit", *lines]).encode("latin-1"))
    with pytest.raises(UnreadableFile):
        recognise(path, ReadOptions(ZoneInfo("Europe/Berlin")))
    found = mapping(
        tmp_path / "m.yaml",
        """
columns:
  Zähler: usage_point_id
  Ende: end_time
  Arbeit: {column: kwh, unit: Wh}
zone: Europe/Berlin
encoding: latin-1
delimiter: ";"
date_format: "%H:%M %d.%m.%Y"
""",
    )
    options = ReadOptions(ZoneInfo("Europe/Berlin"), found)
    rows = [row for batch in recognise(path, options).reader(path, options) for row in batch.rows.to_pylist()]
    assert rows[0]["kw"][:8] == [float(n) for n in range(1, 9)]


@pytest.mark.parametrize(
    ("text", "entry"),
    [
        ("- a", None),
        ("columns: [", None),
        ("colums: {}", "colums"),
        ("columns: {a: power}", "columns: a"),
        ("columns: {a: {column: kw, unit: horsepower}}", "columns: a: unit"),
        ("unit: PS", "unit"),
        ("interval: middle", "interval"),
        ("interval_minutes: 7", "interval_minutes"),
        ("zone: Mars/Olympus", "zone"),
        ("encoding: klingon", "encoding"),
        ("delimiter: ab", "delimiter"),
        ("date_format: day first", "date_format"),
        ("register_digits: 1", "register_digits"),
        ("export: maybe", "export"),
        ("values: P1", "values"),
        ("table: flows", "table"),
    ],
)
def test_wrong_entries_are_named(tmp_path: Path, text: str, entry: str | None) -> None:
    with pytest.raises(BadMapping) as caught:
        mapping(tmp_path / "m.yaml", text)
    assert caught.value.reason.code == ("mapping_entry_wrong" if entry else "mapping_not_yaml")
    for language in ("en", "zh"):
        assert (entry or "YAML") in caught.value.text(language)
        assert "m.yaml" in caught.value.text(language)


def test_examples_of_the_how_to_page_are_valid(tmp_path: Path) -> None:
    page = Path(__file__).parents[2] / "docs" / "how-to" / "map-your-own-columns.md"
    examples = re.findall(r"```yaml\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    first, second = (mapping(tmp_path / "m.yaml", example) for example in examples)
    assert first.units == {"Arbeit": "Wh"}
    assert second.values == ("早一", "晚四八")


def test_every_entry_is_in_the_how_to_page() -> None:
    page = Path(__file__).parents[2] / "docs" / "how-to" / "map-your-own-columns.md"
    entries = {each.name for each in fields(ColumnMapping)} - {"units"}
    assert [entry for entry in entries if f"`{entry}`" not in page.read_text(encoding="utf-8")] == []
