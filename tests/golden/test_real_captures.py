"""Real captures: the four pool flows are read off rightly, and nothing is said of any other."""

import json
import re
from pathlib import Path
from typing import Any

import dpkt
import pytest
from typer.testing import CliRunner

import wire_samples as wire
from minewatch.cli.app import app
from minewatch.sources.captures.captures import read_capture

ZCASH = {"dialect": "stratum_v1", "coin": "ZEC", "algorithm": "Equihash", "agent": "EWBF 0.3.4b"}
MONERO = {"dialect": "monero_login", "coin": "XMR", "algorithm": "CryptoNight"}
ETHEREUM = {"dialect": "ethereum_stratum", "coin": "ETH", "algorithm": "Ethash"}
POOL_FLOWS = {
    49307: {
        "dialect": "ethereum_stratum",
        "coin": "ETH",
        "algorithm": "Ethash",
        "agent": None,
        "dport": 9999,
    },
    55190: MONERO | {"agent": "xmr-stak-cpu/1.3.0-1.5.0", "worker": "ryzen", "dport": 9050},
    46838: ZCASH | {"worker": "rig4", "pool": "eu1-zcash.flypool.org", "dport": 3333},
    53846: ZCASH | {"worker": "c1", "pool": "cn1-zcash.flypool.org", "dport": 3333},
}
"""By source port."""

WALLETS = {49307: "0x[0-9a-f]{40}", 55190: "4[0-9A-Za-z]{94}", 46838: "t1\\w{33}", 53846: "t1\\w{33}"}
"""Whole wallets and nothing of worker or mail address; the wallets themselves stay out of the repository."""


@pytest.fixture(scope="module")
def records(shared_data: Path) -> list[dict[str, Any]]:
    result = CliRunner().invoke(app, ["look", "--json", str(shared_data / "captures")])
    assert result.exit_code == 0
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_the_pool_flows_and_nothing_else(records: list[dict[str, Any]]) -> None:
    assert {Path(record["file"]).name for record in records} == {"mining.pcapng"}
    found = {record["sport"]: record for record in records}
    assert found.keys() == POOL_FLOWS.keys()
    for key, wanted in POOL_FLOWS.items():
        assert {name: found[key][name] for name in wanted} == wanted
        assert re.fullmatch(WALLETS[key], found[key]["account"])
        assert found[key]["log10_lr"] >= 4


def test_hash_rates(records: list[dict[str, Any]]) -> None:
    """Of the Ethereum flow the miner's own report lies in the interval; the others fit their hardware."""
    rates = {record["sport"]: record["hash_rate"] for record in records}
    assert 300 < rates[55190] < 800  # CryptoNight on a processor of 2017, H/s
    assert 400 < rates[46838] < 1000  # Equihash on graphics cards of 2017, solutions/s
    (ethereum,) = [record for record in records if record["sport"] == 49307]
    (interval,) = [each["values"] for each in ethereum["reasons"] if each["code"] == "wire_hash_rate"]
    assert (interval["low"], interval["high"]) == ("428 kH/s", "94.2 MH/s")  # it reports 30.5 MH/s


SOME = ("bitcoin", "jsonrpc", "synscan", "ethereum", "ocs", "monero", "waze")


@pytest.mark.parametrize("name", SOME)
def test_counts_agree_with_dpkt(name: str, shared_data: Path) -> None:
    """Packets and IP bytes of all TCP and UDP flows, each by another library's decoding."""
    path = shared_data / "captures" / f"{name}.pcap"
    packets = size = 0
    with path.open("rb") as file:
        for _, frame in dpkt.pcap.Reader(file):
            ip = dpkt.ip.IP(frame) if name == "ocs" else dpkt.ethernet.Ethernet(frame).data
            if isinstance(ip, dpkt.ip.IP) and isinstance(ip.data, dpkt.tcp.TCP | dpkt.udp.UDP):
                packets, size = packets + 1, size + ip.len
    rows = [row for batch in read_capture(path, wire.OPTIONS) for row in batch.rows.to_pylist()]
    assert sum(row["src_packets"] + row["dst_packets"] for row in rows) == packets
    assert sum(row["src_bytes"] + row["dst_bytes"] for row in rows) == size
