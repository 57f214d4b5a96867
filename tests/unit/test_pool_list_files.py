"""Lists of pools from files: plain lists, CSV, what is refused."""

import json
from datetime import date
from pathlib import Path

import pytest
from typer.testing import CliRunner

from minewatch.cli.app import app
from minewatch.runs.look_given import BadGivenFile
from minewatch.runs.look_pools import pools_known
from minewatch.sources.recognise import recognise
from minewatch.sources.unreadable import UnreadableFile
from wire_samples import OPTIONS

HEAD = "# A list\n# source: Our own list\n# as_of: 2026-05-01\n\n"
LINES = """stratum.Pool.example   # a comment
203.0.113.9:3333
198.51.100.0/24
2001:db8::7
[2001:db8::8]:443
0.0.0.0 host.pool.example
pool.example:3333
"""
CSV = """kind,endpoint,source,as_of,port,coin
domain,pool.example,us,2026-05-01,0,XMR
证书,A Mining Proxy,us,2026-05-01,0,
"""


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def test_a_plain_list(tmp_path: Path) -> None:
    path = write(tmp_path / "pools.txt", HEAD + LINES)
    found = recognise(path, OPTIONS)
    assert (found.format, found.table) == ("pool_list", "pool_endpoints")
    (batch,) = found.reader(path, OPTIONS)
    rows = batch.rows.to_pylist()
    assert [(row["kind"], row["endpoint"], row["port"]) for row in rows] == [
        ("domain", "stratum.pool.example", 0),
        ("address", "203.0.113.9", 3333),
        ("address", "198.51.100.0/24", 0),
        ("address", "2001:db8::7", 0),
        ("address", "2001:db8::8", 443),
        ("domain", "host.pool.example", 0),
        ("domain", "pool.example", 3333),
    ]
    assert {(row["source"], row["as_of"]) for row in rows} == {("Our own list", date(2026, 5, 1))}
    assert [row["source_line"] for row in rows] == list(range(5, 12))


@pytest.mark.parametrize(
    "line", ["a b c", "no_dot", "203.0.113.9:70000", "-x.example", "<html>", "x.exam ple"]
)
def test_lines_that_name_nothing_are_put_aside(tmp_path: Path, line: str) -> None:
    path = write(tmp_path / "pools.txt", HEAD + line + "\npool.example\n")
    (batch,) = recognise(path, OPTIONS).reader(path, OPTIONS)
    assert [(reject.line, reject.value) for reject in batch.rejected] == [(5, line)]
    assert len(batch.rows) == 1
    with pytest.raises(BadGivenFile) as caught:
        pools_known(path, OPTIONS)
    assert ":5: " in caught.value.text("en")


@pytest.mark.parametrize(
    "head", ["", "# source: us\n", "# as_of: 2026-05-01\n", "# source: us\n# as_of: soon\n"]
)
def test_a_list_without_source_and_day_is_none(tmp_path: Path, head: str) -> None:
    path = write(tmp_path / "pools.txt", head + LINES)
    with pytest.raises(BadGivenFile) as caught:
        pools_known(path, OPTIONS)
    assert caught.value.text("zh")
    with pytest.raises(UnreadableFile):
        recognise(path, OPTIONS)


def test_a_list_as_csv(tmp_path: Path) -> None:
    pools = pools_known(write(tmp_path / "pools.csv", CSV), OPTIONS)
    found = pools.of_name("x.pool.example")
    assert found is not None
    assert found.entry.coin == "XMR"
    assert pools.of_certificate("a mining proxy") is not None
    assert pools.of_name("x.antpool.com") is not None


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("kind,endpoint,source,as_of\naddress,203.0.113.300,us,2026-05-01\n", "pool_entry_unread"),
        ("kind,endpoint,source,as_of\ndomain,pool.example,,2026-05-01\n", "id_missing"),
        ("户号,户名,地址\n1,a,b\n", "given_wrong_table"),
    ],
)
def test_a_csv_that_is_no_list_is_refused(tmp_path: Path, text: str, code: str) -> None:
    with pytest.raises(BadGivenFile) as caught:
        pools_known(write(tmp_path / "pools.csv", text), OPTIONS)
    assert caught.value.why.code == code


def test_look_uses_the_list(tmp_path: Path) -> None:
    eve = (
        '{"timestamp": "2026-05-15T08:00:09.1+0800", "event_type": "flow", "src_ip": "10.0.0.7", '
        '"src_port": 50123, "dest_ip": "203.0.113.9", "dest_port": 3333, "proto": "TCP", "flow": '
        '{"pkts_toserver": PACKETS, "pkts_toclient": PACKETS, "bytes_toserver": 900, "bytes_toclient": 900, '
        '"start": "2026-05-15T08:00:00.0+0800", "end": "2026-05-15T08:30:00.5+0800"}}\n'
    )
    log = write(tmp_path / "eve.json", eve.replace("PACKETS", "9"))
    args = ["look", "--json", "--pools", str(write(tmp_path / "pools.txt", HEAD + LINES)), str(log)]
    (record,) = CliRunner().invoke(app, args).stdout.splitlines()
    assert json.loads(record)["log10_lr"] == pytest.approx(2.3, abs=0.02)
    assert CliRunner().invoke(app, ["look", "--json", str(log)]).stdout == ""
    unanswered = eve.replace('"pkts_toclient": PACKETS', '"pkts_toclient": 0').replace("PACKETS", "9")
    write(log, unanswered)
    assert CliRunner().invoke(app, args).stdout == ""
    write(tmp_path / "pools.txt", LINES)
    assert CliRunner().invoke(app, args).exit_code != 0
