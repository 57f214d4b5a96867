"""The scan of a site's network, against machines that the test plays on the loopback: never a real one."""

import asyncio
import json
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from minewatch.office.platform.refusals import Refused
from minewatch.office.verify.inspections.lan_scan import InsideLoop, ScanOrder, opened, private, scan, sealed
from minewatch.office.verify.inspections.machines import count
from minewatch.office.verify.inspections.miner_exports import read

API_PORT = 4028
NET = f"127.{10 + os.getpid() % 240}"  # tests run side by side
OK = [{"STATUS": "S", "When": 1, "Code": 11, "Msg": "ok", "Description": "x"}]
WHATSMINER = {
    "devdetails": {
        "STATUS": OK,
        "DEVDETAILS": [{"DEVDETAILS": 0, "Name": "SM", "Driver": "bitmicro", "Model": "M30S+_VE40"}],
    },
    "version": {"STATUS": "E", "When": 1, "Code": 14, "Msg": "invalid cmd", "Description": "whatsminer v1"},
    "get_version": {
        "STATUS": "S",
        "Code": 131,
        "Msg": {"api_ver": "2.0.3", "fw_ver": "20220125.13.Rel"},
    },
    "get_miner_info": {
        "STATUS": "S",
        "Code": 131,
        "Msg": {"mac": "C8:11:05:00:00:01", "hostname": "farm-1", "minersn": "HTM31S20220101"},
    },
    "summary": {
        "STATUS": OK,
        "SUMMARY": [
            {
                "MHS 1m": 100_250_000.0,
                "Power": 3412,
                "Fan Speed In": 4200,
                "Fan Speed Out": 4260,
                "Uptime": 500,
            }
        ],
    },
    "devs": {
        "STATUS": OK,
        "DEVS": [
            {
                "ASC": slot,
                "Slot": slot,
                "Effective Chips": 111,
                "Chip Temp Avg": 70.0,
                "Temperature": 60.0,
                "MHS 1m": 33_400_000.0,
                "PCB SN": "",
            }
            for slot in range(3)
        ],
    },
    "pools": {
        "STATUS": OK,
        "POOLS": [{"POOL": 0, "URL": "stratum+tcp://pool.example:3333", "User": "farm.001", "Priority": 0}],
    },
    "status": {"STATUS": "S", "Code": 131, "Msg": {"btmineroff": "false"}},
}
ANTMINER = {
    "version": {"STATUS": OK, "VERSION": [{"BMMiner": "1.0.0", "API": "3.1", "Type": "Antminer S19"}]},
    "summary": {"STATUS": OK, "SUMMARY": [{"GHS 5s": 94_800.0, "Elapsed": 60}]},
}

Answers = dict[str, Any]


@contextmanager
def machine(address: str, answer: Callable[[str], bytes]) -> Iterator[None]:
    """Play a machine with the API of cgminer at an address of the loopback."""
    server = socket.create_server((address, API_PORT))
    server.settimeout(0.2)
    ended = threading.Event()

    def serve() -> None:
        while not ended.is_set():
            try:
                peer, _ = server.accept()
            except TimeoutError:
                continue
            threading.Thread(target=talk, args=[peer], daemon=True).start()

    def talk(peer: socket.socket) -> None:
        with peer:
            peer.settimeout(5)
            try:
                asked = json.loads(peer.recv(4096) or b"{}")
                peer.sendall(answer(str(asked.get("command") or asked.get("cmd"))))
            except (OSError, ValueError):
                pass

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
        server.close()


def says(answers: Answers) -> Callable[[str], bytes]:
    """Answer single commands, and several joined by ``+`` in one object, as cgminer does."""
    wrong = {"STATUS": [{"STATUS": "E", "Code": 14, "Msg": "invalid cmd", "Description": "x"}]}

    def answer(command: str) -> bytes:
        parts = command.split("+")
        said: Answers = {part: [answers.get(part, wrong)] for part in parts}
        return json.dumps(said if len(parts) > 1 else answers.get(command, wrong)).encode()

    return answer


def silence(_command: str) -> bytes:
    threading.Event().wait(6)
    return b""


@pytest.fixture(scope="module")
def record() -> dict[str, Any]:
    seen: list[tuple[int, int, int]] = []
    with (
        machine(f"{NET}.77.1", says(WHATSMINER)),
        machine(f"{NET}.77.2", says(ANTMINER)),
        machine(f"{NET}.77.3", lambda _command: b"\x00\xffno json at all"),
    ):
        order = ScanOrder(f"{NET}.77.0/29", "检字〔2026〕12号", "王工", seconds=6)
        found = scan(order, lambda *told: seen.append(told))
    assert seen[-1] == (6, 6, 2)
    return found


def test_machines_say_model_rate_watts_and_pool(record: dict[str, Any]) -> None:
    whats, ant = record["machines"]
    assert (whats["ip"], whats["mac"]) == (f"{NET}.77.1", "c8:11:05:00:00:01")
    assert (whats["make"], whats["power_w"], whats["algorithm"]) == ("WhatsMiner", 3412, "SHA256")
    assert whats["model"].startswith("M30S+")
    assert whats["firmware"].endswith("20220125.13.Rel")
    assert whats["hash_rate_h_s"] == pytest.approx(100.2e12)  # the sum of its boards
    assert whats["fans_rpm"] == [4200, 4260]
    assert whats["chips"] == 333
    assert whats["pools"][0] == {"url": "stratum+tcp://pool.example:3333", "user": "farm.001"}
    assert (ant["make"], ant["model"]) == ("AntMiner", "S19")
    assert ant["hash_rate_h_s"] == pytest.approx(94.8e12)


def test_the_record_is_imported_as_any_export(record: dict[str, Any]) -> None:
    content = json.dumps(record, ensure_ascii=False, indent=1).encode()
    assert opened(content) == record
    export = read(content, "lan-scan.json")
    counts = {one.model: one for one in count(export.machines)}
    assert counts["S19"].algorithm == "SHA-256"
    assert sum(one.number for one in counts.values()) == 2
    assert export.machines[0].power_w == 3412


def test_an_altered_record_is_refused(record: dict[str, Any]) -> None:
    altered = record | {"authority": "检字〔2026〕99号"}
    with pytest.raises(Refused) as refusal:
        opened(json.dumps(altered).encode())
    assert refusal.value.code == "scan_altered"
    assert opened(json.dumps(sealed(altered)).encode())["authority"] == "检字〔2026〕99号"


def test_a_machine_that_keeps_silent_costs_its_time_only() -> None:
    with machine(f"{NET}.78.1", silence):
        order = ScanOrder(f"{NET}.78.0/30", "检字〔2026〕12号", "王工", seconds=2)
        found = scan(order, lambda *_told: None)
    assert found["machines"] == []
    assert found["complete"]


@pytest.mark.parametrize(
    "network",
    [
        *("8.8.8.0/24", "0.0.0.0/0", "172.32.0.0/24", "192.169.0.0/16", "100.64.0.0/24", "169.254.0.0/24"),
        *("2001:db8::/120", "fe80::/120", "example.org", "", "10.0.0.0/33", "192.0.0.0/8"),
    ],
)
def test_only_private_networks_are_asked(network: str) -> None:
    with pytest.raises(Refused) as refusal:
        private(network)
    assert refusal.value.code == "scan_network"


def test_private_networks_may_be_asked_in_parts() -> None:
    assert private("192.168.3.7/24").num_addresses == 256
    assert private("fd12:3456::/120").version == 6
    with pytest.raises(Refused) as refusal:
        private("10.0.0.0/8")
    assert refusal.value.code == "scan_too_wide"


def test_nothing_is_asked_without_authority() -> None:
    with pytest.raises(Refused) as refusal:
        scan(ScanOrder(f"{NET}.79.0/30", "  ", "王工"), lambda *_told: None)
    assert refusal.value.code == "scan_authority"


def test_the_loop_itself_connects_nowhere_else() -> None:
    """A device may redirect: neither sockets nor HTTP leave the network, and no name is looked up."""
    with machine(f"{NET}.80.1", says(ANTMINER)), machine(f"{NET}.81.1", says(ANTMINER)):

        async def tried() -> list[bool]:
            reached = []
            for host in (f"{NET}.80.1", f"{NET}.81.1", "localhost"):
                try:
                    _, writer = await asyncio.open_connection(host, API_PORT)
                    writer.close()
                    reached.append(True)
                except OSError:
                    reached.append(False)
            async with httpx.AsyncClient() as client:
                with pytest.raises(httpx.ConnectError):
                    await client.get(f"http://{NET}.81.1:{API_PORT}/")
                with pytest.raises(httpx.ConnectError):
                    await client.get("http://localhost/")
            return reached

        with asyncio.Runner(loop_factory=lambda: InsideLoop(private(f"{NET}.80.0/24"))) as runner:
            assert runner.run(tried()) == [True, False, False]
