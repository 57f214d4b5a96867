"""``minewatch look``: records, tables, refusals and exit codes."""

import json
import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pytest
import test_captures as samples
from typer.testing import CliRunner, Result

import wire_samples as wire
from minewatch.cli.app import app
from minewatch.runs.look_readings import READING_KEYS
from minewatch.runs.look_records import FLOW_KEYS


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["look", *arguments], env={"COLUMNS": "160"})


def write_capture(path: Path) -> Path:
    path.write_bytes(wire.pcap(wire.conversation(samples.stratum_session(9))))
    return path


def write_readings(path: Path) -> Path:
    rng = np.random.default_rng(1)
    header = ["usage_point_id", "day", *[f"{n // 4:02d}:{n % 4 * 15:02d}" for n in range(96)]]
    lines = [",".join(header)]
    for n in range(200):
        day = date(2026, 1, 1) + timedelta(days=n)
        kw = 0.5 + rng.random(96) + (40.0 if n > 100 else 0.0)
        lines.append(",".join(["0000012345", day.isoformat(), *[f"{value:.3f}" for value in kw]]))
    path.write_text("\n".join(lines) + "\n")
    return path


def test_json_gives_one_object_a_line_with_every_key(tmp_path: Path) -> None:
    capture = write_capture(tmp_path / "a.pcap")
    result = run("--json", str(capture))
    assert result.exit_code == 0
    (record,) = [json.loads(line) for line in result.stdout.splitlines()]
    assert tuple(record) == FLOW_KEYS
    expected = {"src": "10.1.2.3", "sport": 50123, "dst": "203.0.113.9", "dport": 3333, "proto": "tcp"}
    expected |= {"dialect": "stratum_v1", "coin": "BTC", "algorithm": "SHA-256", "agent": "cgminer/4.12.0"}
    expected |= {
        "worker": "rig7",
        "account": samples.WALLET,
        "pool": "203.0.113.9:3333",
        "file": str(capture),
    }
    assert expected.items() <= record.items()
    assert record["log10_lr"] > 4
    assert record["hash_rate"] is None  # twenty seconds
    assert next(each["code"] for each in record["reasons"]) == "wire_dialect"


def test_table_and_closing_sentence(tmp_path: Path) -> None:
    result = run(str(write_capture(tmp_path / "a.pcap")))
    assert result.exit_code == 0
    assert "stratum_v1" in result.stdout
    assert "1 connections in 1 files: 1 show signs of mining" in result.stdout


def test_nothing_found_is_said(tmp_path: Path) -> None:
    path = tmp_path / "calm.pcap"
    path.write_bytes(wire.pcap(wire.conversation(samples.INNOCENT["electrum"])))
    result = run(str(path))
    assert result.exit_code == 0
    assert "nothing that tells of mining" in result.stdout
    assert run("--json", str(path)).stdout == ""


def test_a_file_that_cannot_be_read_is_named_at_the_end(tmp_path: Path) -> None:
    write_capture(tmp_path / "a.pcap")
    (tmp_path / "b.bin").write_bytes(b"\0\1\2")
    result = run(str(tmp_path))
    assert result.exit_code == 0
    assert f"not read: {tmp_path / 'b.bin'}" in result.stderr
    alone = run(str(tmp_path / "b.bin"), str(tmp_path / "absent"))
    assert alone.exit_code == 1
    assert "absent" in alone.stderr


def test_readings_give_a_line_for_every_customer(tmp_path: Path) -> None:
    write_capture(tmp_path / "a.pcap")
    path = write_readings(tmp_path / "wide.csv")
    records = [json.loads(line) for line in run("--json", str(tmp_path)).stdout.splitlines()]
    (reading,) = [record for record in records if record["file"] == str(path)]
    assert tuple(reading) == READING_KEYS
    assert reading["usage_point_id"] == "0000012345"
    assert reading["power_kw_low"] <= reading["power_kw"] <= reading["power_kw_high"]
    assert 0 <= reading["probability"] <= 1
    assert reading["onset_at"].startswith("2026-04-1")
    text = run(str(path)).stdout
    assert "1 customers" in text
    assert "0000012345" in text


def test_unknown_zone_and_bad_mapping_end_the_verb(tmp_path: Path) -> None:
    capture = str(write_capture(tmp_path / "a.pcap"))
    result = run("--zone", "Mars/Olympus", capture)
    assert result.exit_code == 2
    assert "Mars/Olympus" in result.stderr


@pytest.mark.parametrize("lang", ["zh_CN.UTF-8"])
def test_chinese_terminal(lang: str, tmp_path: Path) -> None:
    capture = write_capture(tmp_path / "a.pcap")
    command = [str(Path(sys.executable).with_name("minewatch")), "look", str(capture)]
    result = subprocess.run(
        command, env=os.environ | {"MINEWATCH_LANG": lang}, capture_output=True, text=True, check=True
    )
    assert "有挖矿迹象" in result.stdout
