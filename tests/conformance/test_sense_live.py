"""The sensor on real packets: a network namespace of its own, with loopback and a pair of virtual cables.

Needs root, AF_PACKET and ``ip``; where they are missing the tests are skipped and say so.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from minewatch.lake.lake import Lake

MINEWATCH = str(Path(sys.executable).with_name("minewatch"))
POOL = """
import json, socket, sys, threading, time
shares, pause = int(sys.argv[1]), float(sys.argv[2])
def pool(server):
    talk = server.accept()[0].makefile("rw")
    def say(**message):
        print(json.dumps(message), file=talk, flush=True)
    for line in talk:
        call = json.loads(line)
        subscribed = [[["mining.notify", "ae68"]], "08000002", 4]
        say(id=call["id"], result=subscribed if "subscribe" in call["method"] else True, error=None)
        if call["method"] == "mining.authorize":
            say(id=None, method="mining.set_difficulty", params=[65536])
            job = ["bf", "4d16b6f85af6e219", "01", "02", [], "00000002", "1c2ac4af", "504e86b9", True]
            say(id=None, method="mining.notify", params=job)
server = socket.create_server(("127.0.0.1", 3333))
threading.Thread(target=pool, args=(server,), daemon=True).start()
talk = socket.create_connection(("127.0.0.1", 3333)).makefile("rw")
def ask(number, method, params):
    print(json.dumps({"id": number, "method": method, "params": params}), file=talk, flush=True)
    return talk.readline()
ask(1, "mining.subscribe", ["bmminer/2.0"])
ask(2, "mining.authorize", ["farm.rig7", "x"])
talk.readline(), talk.readline()
for number in range(shares):
    ask(number + 3, "mining.submit", ["farm.rig7", "bf", "00000001", "504e86ed", "b2957c02"])
    time.sleep(pause)
"""
FLOOD = """
import socket, sys
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for number in range(int(sys.argv[1])):
    sender.sendto(b"x" * 900, ("127.0.0.1", 9))
"""
TAGGED = """
import socket, struct
sender = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
sender.bind(("mw-a", 0))
udp = struct.pack(">HHHH", 40000, 5000, 12, 0) + b"tags"
ends = bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])
head = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0, *ends)
for _ in range(3):
    sender.send(b"\\xff" * 6 + b"\\2" + bytes(5) + struct.pack(">HHH", 0x8100, 42, 0x0800) + head + udp)
"""

Sensor = Callable[..., subprocess.Popen[str]]


def in_namespace(name: str, *words: str) -> list[str]:
    return ["ip", "netns", "exec", name, *words]


@pytest.fixture(scope="module")
def namespace() -> Iterator[str]:
    if os.geteuid() or not hasattr(socket, "AF_PACKET") or shutil.which("ip") is None:
        pytest.skip("no sensor on real packets: it takes root, AF_PACKET and iproute2")
    name = f"mw-{os.getpid()}"
    made = subprocess.run(["ip", "netns", "add", name], capture_output=True, text=True, check=False)
    if made.returncode:
        pytest.skip(f"no sensor on real packets: no network namespace ({made.stderr.strip()})")
    for command in (
        "ip link set lo up",
        "ip link add mw-a type veth peer name mw-b",
        "sysctl -qw net.ipv6.conf.all.disable_ipv6=1",
        "ip link set mw-a up",
        "ip link set mw-b up",
    ):
        subprocess.run(in_namespace(name, *command.split()), check=True)
    yield name
    subprocess.run(["ip", "netns", "del", name], check=True)


@pytest.fixture
def sensor(namespace: str, tmp_path: Path) -> Iterator[Sensor]:
    running: list[subprocess.Popen[str]] = []

    def start(interface: str, *options: str) -> subprocess.Popen[str]:
        """Start a sensor and return when it says that it listens."""
        address = str(tmp_path / "notify")
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
            Path(address).unlink(missing_ok=True)
            manager.bind(address)
            manager.settimeout(120)
            words = [MINEWATCH, "sense", str(tmp_path / "lake"), interface, "--name", "tap", *options]
            env = os.environ | {"NOTIFY_SOCKET": address, "MINEWATCH_LANG": "en"}
            process = subprocess.Popen(
                in_namespace(namespace, *words), stderr=subprocess.PIPE, text=True, env=env
            )
            running.append(process)
            while b"READY=1" not in manager.recv(4096):
                pass
        return process

    yield start
    for process in running:
        process.kill()
        process.wait()


def run_python(namespace: str, code: str, *words: str) -> None:
    subprocess.run(in_namespace(namespace, sys.executable, "-c", code, *words), check=True)


def ended(process: subprocess.Popen[str]) -> str:
    process.send_signal(signal.SIGTERM)
    _, errors = process.communicate(timeout=120)
    assert process.returncode == 0, errors
    return errors


def rows_of(lake: Path, table: str) -> list[dict[str, Any]]:
    opened = Lake.open(lake)
    return opened.read(opened.snapshot(), table).to_pylist()


def test_a_miner_on_the_line_is_in_the_lake(namespace: str, sensor: Sensor, tmp_path: Path) -> None:
    process = sensor("lo", "--metrics", "127.0.0.1:9187")
    run_python(namespace, POOL, "8", "0.05")
    time.sleep(1.5)
    fetch = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9187/metrics').read().decode())"
    asked = in_namespace(namespace, sys.executable, "-c", fetch)
    metrics = subprocess.run(asked, check=True, capture_output=True, text=True).stdout
    status = Path(f"/proc/{process.pid}/status").read_text()
    ended(process)
    (flow,) = [row for row in rows_of(tmp_path / "lake", "flows") if row["dst_port"] == 3333]
    assert (flow["dialect"], flow["agent"], flow["shares_accepted"]) == ("stratum_v1", "bmminer/2.0", 8)
    assert [each["worker"] for each in flow["workers"]] == ["rig7"]
    assert flow["opening_seen"]
    assert flow["src_port"] > 0
    assert any("mining.submit" in line for line in flow["evidence_lines"])
    assert 'minewatch_sensor_kernel_drops_total{sensor="tap",interface="lo"} 0' in metrics
    assert "CapEff:\t0000000000000000" in status
    assert "NoNewPrivs:\t1" in status


def test_every_packet_is_seen_or_counted_as_dropped(namespace: str, sensor: Sensor, tmp_path: Path) -> None:
    process = sensor("lo", "--ring", "4", "--filter", "udp dst port 9")
    run_python(namespace, FLOOD, "500")
    time.sleep(1)
    process.send_signal(signal.SIGSTOP)
    run_python(namespace, FLOOD, "20000")
    process.send_signal(signal.SIGCONT)
    errors = ended(process)
    intervals = rows_of(tmp_path / "lake", "sensor_intervals")
    seen, dropped = (sum(row[name] for row in intervals) for name in ("packets", "kernel_drops"))
    assert seen + dropped == 20_500
    assert dropped > 10_000
    assert sum(row["ring_freezes"] for row in intervals) >= 1
    assert intervals[0]["filter"] == "udp dst port 9"
    assert "not everything was seen or kept" in errors
    (flow_packets,) = {sum(row["src_packets"] for row in rows_of(tmp_path / "lake", "flows"))}
    assert flow_packets == seen


def test_a_tag_that_the_card_took_out_is_put_back(namespace: str, sensor: Sensor, tmp_path: Path) -> None:
    process = sensor("mw-b", "--snaplen", "64")
    run_python(namespace, TAGGED)
    time.sleep(0.5)
    ended(process)
    (flow,) = [row for row in rows_of(tmp_path / "lake", "flows") if row["dst_port"] == 5000]
    assert (flow["vlan"], flow["src_packets"], flow["src_ip"]) == (42, 3, "10.0.0.1")


def test_an_interface_that_goes_ends_the_sensor(namespace: str, sensor: Sensor) -> None:
    def link(words: str) -> None:
        subprocess.run(in_namespace(namespace, "ip", "link", *words.split()), check=True)

    link("add mw-c type veth peer name mw-d")
    link("set mw-d up")
    process = sensor("mw-d")
    link("set mw-d down")
    time.sleep(1)
    assert process.poll() is None
    link("del mw-c")
    _, errors = process.communicate(timeout=60)
    assert process.returncode == 2
    assert "mw-d is gone" in errors
    assert "Traceback" not in errors


def test_killed_in_a_roll_its_rows_are_completed_and_the_gap_shows(
    namespace: str, sensor: Sensor, tmp_path: Path
) -> None:
    process = sensor("lo", "--roll", "3600")
    run_python(namespace, FLOOD, "10")
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob("lake/.sense/tap/.*.draft")) and time.monotonic() < deadline:
        time.sleep(0.2)
    process.kill()
    process.wait()
    killed = time.time()
    ended(sensor("lo", "--roll", "3600"))
    first, second = rows_of(tmp_path / "lake", "sensor_intervals")
    assert (first["ended_by"], second["ended_by"]) == ("broken_off", "stop")
    assert first["packets"] >= 10
    assert first["ended_at"].timestamp() <= killed <= second["started_at"].timestamp()
    assert not list(tmp_path.glob("lake/.sense/tap/*.roll"))


def test_an_unknown_filter_and_a_user_without_rights_are_told_why(namespace: str, tmp_path: Path) -> None:
    words = [MINEWATCH, "sense", str(tmp_path / "lake"), "lo", "--filter", "no such thing"]
    refused = subprocess.run(in_namespace(namespace, *words), capture_output=True, text=True, check=False)
    assert refused.returncode == 2
    assert "no such thing" in " ".join(refused.stderr.split())
    assert "Traceback" not in refused.stderr
