"""``look`` at connections that cannot be read, with and without the times of blocks."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from minewatch.runs.look_given import BadGivenFile
from minewatch.runs.look_quiet import QuietFlows, block_times_known
from minewatch.sources.options import ReadOptions
from quiet_samples import blocks_table, flow_row, flows_table, mining, service

ZONE = ZoneInfo("Asia/Shanghai")


def test_a_hidden_miner_is_told_with_its_coin() -> None:
    (talk,), blocks = mining("monero", seed=1)
    quiet = QuietFlows(blocks_table(blocks), ZONE)
    quiet.take(flows_table([flow_row(service("vpn", 1), 2, server="198.51.100.9"), flow_row(talk, 1)]))
    quiet.take(flows_table([flow_row(talk, 3) | {"messages": None}]))
    (record,) = quiet.records("tap.pcap", "zh")
    assert (record["src"], record["dport"], record["coin"], record["dialect"]) == (
        "192.0.2.1",
        443,
        "XMR",
        None,
    )
    assert record["log10_lr"] > 5.28
    assert any("XMR" in reason["text"] for reason in record["reasons"])


def test_block_times_come_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "blocks.csv"
    path.write_text("coin,height,at,clock\nBTC,900000,2026-05-04T02:10:00Z,seen\n", "utf-8")
    options = ReadOptions(zone=ZONE)
    assert block_times_known(path, options)["height"].to_pylist() == [900_000]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("IP,生效时间,租用单位\n192.0.2.1,2026-05-04,a\n", "given_wrong_table"),
        ("coin,height,at\nBTC,900000,yesterday\n", "time_not_read"),
    ],
)
def test_a_file_that_is_no_list_of_block_times_is_refused(tmp_path: Path, text: str, code: str) -> None:
    path = tmp_path / "blocks.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(BadGivenFile) as caught:
        block_times_known(path, ReadOptions(zone=ZONE))
    assert caught.value.why.code == code
    assert str(path) in caught.value.text("zh")
