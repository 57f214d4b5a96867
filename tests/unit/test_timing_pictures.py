"""Messages of an unreadable connection around blocks, drawn from the rows that the evidence was made of."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pytest

from minewatch.detect.encrypted.encrypted_flows import encrypted_evidence
from minewatch.runs.report.timing import MOST_BLOCKS, TIMING_PX, timing_drawing
from minewatch.runs.timing_pictures import timings
from quiet_samples import START, block_rows, blocks_table, flow_row, flows_table, mining

PARAMETERS = {
    "period_start_at": START.isoformat(),
    "period_end_at": (START + timedelta(days=3)).isoformat(),
    "zone": ZoneInfo("Asia/Shanghai").key,
}


@pytest.fixture(scope="module")
def tables() -> dict[str, pa.Table]:
    talks, blocks = mining("monero", seed=2, machines=2)
    rows = [flow_row(talk, number) for number, talk in enumerate(talks)]
    return {"flows": flows_table(rows), "block_times": blocks_table(blocks)}


def drawn(tables: dict[str, pa.Table]) -> dict[Any, Any]:
    evidence = encrypted_evidence(tables, PARAMETERS)
    return timings(evidence, tables["flows"], tables["block_times"])


def test_each_evidence_with_a_coin_has_its_picture(tables: dict[str, pa.Table]) -> None:
    found = drawn(tables)
    assert {name for name, _ in found} == {"192.0.2.0:40000", "192.0.2.1:40000"}
    for timing in found.values():
        assert (timing.coin, timing.clock) == ("XMR", "seen")
        assert timing.block.shape == timing.after_s.shape
        assert np.all((timing.after_s >= -30) & (timing.after_s <= 30))
        assert np.all(np.diff(timing.block) >= 0)
        assert timing.block.max() < timing.blocks
        assert timing.hits > 0.7 * timing.blocks > 3 * timing.by_chance


def test_messages_stand_beside_their_blocks(tables: dict[str, pa.Table]) -> None:
    timing = next(iter(drawn(tables).values()))
    near = {int(block) for block, after in zip(timing.block, timing.after_s, strict=True) if abs(after) < 3}
    assert len(near) >= 0.8 * timing.blocks


def test_without_block_times_nothing_is_drawn(tables: dict[str, pa.Table]) -> None:
    assert drawn({**tables, "block_times": blocks_table([])}) == {}


def test_times_in_headers_are_drawn_wider(tables: dict[str, pa.Table]) -> None:
    from minewatch.sim.streams import stream
    from minewatch.sim.wire.chains import BLOCK_S, found

    rng = stream(2, "sample", "monero")
    blocks = {each: found(rng, each, 3600.0) for each in BLOCK_S}
    headed = blocks_table(list(block_rows(rng, blocks, "header")))
    for timing in drawn({**tables, "block_times": headed}).values():
        assert timing.around_s == (-30.0, 90.0)


def test_the_drawing_has_a_dot_for_each_message_of_the_blocks_drawn(tables: dict[str, pa.Table]) -> None:
    timing = next(iter(drawn(tables).values()))
    picture = timing_drawing("a:1", timing)
    assert picture.dots.count("M") == timing.block.size
    assert [tick.en for tick in picture.marks] == ["-30 s", "-15 s", "0 s", "+15 s", "+30 s"]
    assert picture.block_at == pytest.approx(50)
    many = timing._replace(blocks=1000, block=np.arange(1000), after_s=np.zeros(1000))
    cut = timing_drawing("a:1", many)
    assert (cut.blocks_drawn, cut.dots.count("M")) == (MOST_BLOCKS, MOST_BLOCKS)
    heights = [float(dot.split()[1].partition("h")[0]) for dot in cut.dots.split("M")[1:]]
    assert 0 < min(heights) < max(heights) < TIMING_PX
