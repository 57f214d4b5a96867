"""``look`` and ``ingest`` on standard input, as ``tcpdump -w - |`` gives it."""

import json
import subprocess
import sys
import time
from pathlib import Path

import fuzz_captures as fuzz
import wire_samples as wire

COMMAND = Path(sys.executable).with_name("minewatch")


def piped(words: list[str], data: bytes, pause_s: float = 0.0) -> subprocess.CompletedProcess[str]:
    """Run the command and write ``data`` to it in two parts."""
    process = subprocess.Popen(
        [COMMAND, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    assert process.stdin is not None
    process.stdin.write(data[:10])
    process.stdin.flush()
    time.sleep(pause_s)
    out, err = process.communicate(data[10:])
    return subprocess.CompletedProcess(words, process.returncode, out.decode(), err.decode())


def told(result: subprocess.CompletedProcess[str]) -> str:
    """What was said, with the lines that a terminal broke put together."""
    return " ".join((result.stdout + result.stderr).split())


PACKETS = [wire.Packet(ip.at_us / 1e6, wire.ethernet(ip.data)) for ip in fuzz.talk("stratum")]
CAPTURE = wire.pcapng(PACKETS)


def test_look_reads_standard_input_as_it_comes(tmp_path: Path) -> None:
    path = tmp_path / "line.pcapng"
    path.write_bytes(CAPTURE)
    looked = subprocess.run([COMMAND, "look", "--json", path], capture_output=True, check=True, text=True)
    result = piped(["look", "--json", "-"], CAPTURE, pause_s=0.3)
    assert result.returncode == 0, result.stderr
    record, wanted = (json.loads(text) for text in (result.stdout, looked.stdout))
    assert record.pop("file") == "-"
    assert wanted.pop("file") == str(path)
    assert record == wanted


def test_look_says_where_standard_input_was_cut() -> None:
    result = piped(["look", "-"], CAPTURE[:-10])
    assert result.returncode == 0
    assert f"byte {len(wire.pcapng(PACKETS[:-1]))}; all {len(PACKETS) - 1} packets" in told(result)


def test_ingest_knows_what_came_before(tmp_path: Path) -> None:
    first = json.loads(piped(["ingest", "--json", str(tmp_path / "lake"), "-"], CAPTURE).stdout)
    again = json.loads(piped(["ingest", "--json", str(tmp_path / "lake"), "-"], CAPTURE).stdout)
    assert (first["accepted"], first["files"][0]["already_ingested"]) == (1, False)
    assert (again["accepted"], again["files"][0]["already_ingested"]) == (0, True)
