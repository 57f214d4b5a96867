"""Green Button (ESPI) feeds."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from minewatch.schema.quality import Quality
from minewatch.sources.batch import Reject
from minewatch.sources.options import ReadOptions
from minewatch.sources.recognise import recognise
from minewatch.sources.unreadable import UnreadableFile

NEW_YORK = ZoneInfo("America/New_York")
START = datetime(2026, 5, 1, 4, tzinfo=UTC)  # midnight in New York
BASE = "https://utility.example/espi/1_1/resource"
HEAD = '<?xml version="1.0" encoding="UTF-8"?>'


def entry(content: str, *links: tuple[str, str]) -> str:
    tags = "".join(f'<link rel="{rel}" href="{BASE}/{href}"/>' for rel, href in links)
    content = content.replace("<", "<espi:").replace("<espi:/", "</espi:")
    return f"<entry>{tags}<content>{content}</content></entry>"


def reading(start: datetime, value: object, minutes: int = 60, more: str = "") -> str:
    period = (
        f"<timePeriod><duration>{minutes * 60}</duration><start>{int(start.timestamp())}</start></timePeriod>"
    )
    return f"<IntervalReading>{more}{period}<value>{value}</value></IntervalReading>"


def meter(point: str, blocks: str, *, uom: int = 72, power: int = 0, direction: int = 1) -> str:
    """One usage point with its parts, the blocks before what explains them."""
    here = f"Subscription/1/UsagePoint/{point}"
    scale = f"<powerOfTenMultiplier>{power}</powerOfTenMultiplier><uom>{uom}</uom>"
    kind = f"<ReadingType><flowDirection>{direction}</flowDirection>{scale}</ReadingType>"
    return (
        entry(f"<IntervalBlock>{blocks}</IntervalBlock>", ("self", f"{here}/MeterReading/7/IntervalBlock/9"))
        + entry("<UsagePoint></UsagePoint>", ("self", here))
        + entry(
            "<MeterReading></MeterReading>",
            ("self", f"{here}/MeterReading/7"),
            ("related", f"ReadingType/{point}"),
        )
        + entry(kind, ("self", f"ReadingType/{point}"))
        + entry(
            "<LocalTimeParameters><tzOffset>-18000</tzOffset></LocalTimeParameters>",
            ("self", "LocalTimeParameters/1"),
        )
    )


def feed(path: Path, *entries: str) -> Path:
    spaces = 'xmlns="http://www.w3.org/2005/Atom" xmlns:espi="http://naesb.org/espi"'
    path.write_text(f"{HEAD}<feed {spaces}>{''.join(entries)}</feed>", encoding="utf-8")
    return path


def read(path: Path, zone: ZoneInfo = NEW_YORK) -> tuple[pa.Table, list[Reject], list[str]]:
    options = ReadOptions(zone)
    found = recognise(path, options)
    assert (found.format, found.table) == ("espi", "interval_readings")
    batches = list(found.reader(path, options))
    assert batches[-1].bytes_done == path.stat().st_size
    rejected = [reject for batch in batches for reject in batch.rejected]
    rows = pa.concat_tables([batch.rows for batch in batches])
    return rows, rejected, [note.code for batch in batches for note in batch.notes]


def hours(count: int, value: object = 1500) -> str:
    return "".join(reading(START + timedelta(hours=n), value) for n in range(count))


def test_energy_of_two_usage_points(tmp_path: Path) -> None:
    quarter = "".join(reading(START + timedelta(minutes=15 * n), 3, 15) for n in range(96))
    path = feed(tmp_path / "a.xml", meter("1001", hours(24)), meter("1002", quarter, power=2))
    rows, rejected, notes = read(path)
    assert (rejected, notes) == ([], [])
    first, second = rows.sort_by("usage_point_id").to_pylist()
    assert (first["usage_point_id"], str(first["day"]), first["interval_minutes"]) == (
        "1001",
        "2026-05-01",
        60,
    )
    assert first["kw"] == [1.5] * 24
    assert first["source_rows"] == 24
    assert second["kw"] == pytest.approx([1.2] * 96)


def test_power_and_days_of_the_lakes_zone(tmp_path: Path) -> None:
    path = feed(tmp_path / "a.xml", meter("1001", hours(24, 2000), uom=38))
    rows, _, notes = read(path, ZoneInfo("Asia/Shanghai"))
    assert list(map(str, rows["day"])) == ["2026-05-01", "2026-05-02"]
    assert np.nansum(rows["kw"].to_pylist()) == 48.0
    assert notes == ["espi_other_zone"]


def test_clock_put_back(tmp_path: Path) -> None:
    start = datetime(2026, 11, 1, 4, tzinfo=UTC)
    blocks = "".join(reading(start + timedelta(hours=n), n * 1000) for n in range(25))
    rows, rejected, _ = read(feed(tmp_path / "a.xml", meter("1001", blocks)))
    assert rejected == []
    assert rows["kw"].to_pylist() == [[0.0, 1.5, *map(float, range(3, 25))]]
    assert rows["quality"][0].as_py()[1] == Quality.MERGED


def test_faulty_and_estimated_readings(tmp_path: Path) -> None:
    quality = "<ReadingQuality><quality>8</quality></ReadingQuality>"
    values = [reading(START, 1000, more=quality)]
    values += [reading(START + timedelta(hours=n + 1), value) for n, value in enumerate(("x", -5, "1e15"))]
    values += [reading(START + timedelta(hours=5), 1, minutes=7)]
    rows, rejected, _ = read(feed(tmp_path / "a.xml", meter("1001", "".join(values))))
    assert {reject.line: reject.reason.code for reject in rejected} == {
        2: "not_a_number",
        3: "power_negative",
        4: "power_absurd",
        5: "interval_not_known",
    }
    assert rows["quality"][0].as_py()[:5] == [2, 5, 5, 5, 3]
    assert rows["source_rows"].to_pylist() == [1]


@pytest.mark.parametrize(
    ("changed", "code"), [({"uom": 119}, "espi_other_quantity"), ({"direction": 19}, "espi_not_delivered")]
)
def test_readings_of_other_things_are_put_aside(tmp_path: Path, changed: dict[str, int], code: str) -> None:
    rows, rejected, _ = read(
        feed(tmp_path / "a.xml", meter("1001", hours(24)), meter("1002", hours(24), **changed))
    )
    assert rows["usage_point_id"].to_pylist() == ["1001"]
    assert [(reject.reason.code, reject.source_rows) for reject in rejected] == [(code, 24)]


def test_damaged_and_hostile_xml(tmp_path: Path) -> None:
    path = feed(tmp_path / "a.xml", meter("1001", hours(24)))
    text = path.read_text(encoding="utf-8")
    for content, code in (
        (text[: len(text) // 2], "xml_damaged"),
        (text.replace(HEAD, HEAD + '<!DOCTYPE feed [<!ENTITY a "aaa">]>'), "xml_entities"),
    ):
        path.write_text(content, encoding="utf-8")
        with pytest.raises(UnreadableFile) as caught:
            read(path)
        assert caught.value.reason.code == code
