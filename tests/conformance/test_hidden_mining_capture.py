"""From packets to the sign: an hour of encrypted connections in a capture, looked at with block times."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from typer.testing import CliRunner

from minewatch.cli.app import app
from minewatch.sim.loads.shapes import Rng
from minewatch.sim.streams import stream
from minewatch.sim.wire.packets import TCP, Conversation, Frame, Message, Side, frames, write_pcap
from minewatch.sim.wire.quiet_talk import Talk
from quiet_samples import START, mining, service

SERVER = Side("198.51.100.7", 443)
START_US = round(START.timestamp() * 1e6)


def record(rng: Rng, size: int) -> bytes:
    """Return a TLS record of random content with ``size`` bytes of TCP payload."""
    length = max(size - 5, 1)
    return b"\x17\x03\x03" + length.to_bytes(2, "big") + rng.bytes(length)


def packets(rng: Rng, talk: Talk, client: str, server: Side) -> list[Frame]:
    said = [
        Message(START_US + round(at_s * 1e6), not from_server, record(rng, size))
        for at_s, size, from_server in zip(
            talk.at_s.tolist(), talk.size.tolist(), talk.from_server.tolist(), strict=True
        )
    ]
    return list(frames(rng, Conversation(Side(client, 40_000), server, TCP, said, opened=True), 60_000))


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("hidden")
    rng = stream(1, "capture")
    talks, blocks = mining("monero", seed=1, machines=3)
    found = [packets(rng, talk, f"192.0.2.{n + 1}", SERVER) for n, talk in enumerate(talks)]
    kinds = ("sensor", "charger", "group_chat", "vpn", "dashboard", "till")
    found += [
        packets(rng, service(kind, n), f"192.0.2.{100 + n}", Side(f"198.51.100.{20 + n}", 443))
        for n, kind in enumerate(kinds)
    ]
    write_pcap(folder / "tap.pcap", [frame for each in found for frame in each])
    rows = [f"{row['coin']},{row['height']},{row['at']:%Y-%m-%dT%H:%M:%SZ},seen" for row in blocks]
    (folder / "blocks.csv").write_text("\n".join(["coin,height,at,clock", *rows]), "utf-8")
    return folder / "tap.pcap", folder / "blocks.csv"


def looked(*arguments: str) -> list[dict[str, Any]]:
    done = CliRunner().invoke(app, ["look", "--json", *arguments])
    assert done.exit_code == 0, done.output
    return [json.loads(line) for line in done.stdout.splitlines()]


def test_miners_alone_are_told_and_with_block_times_their_coin(capture: tuple[Path, Path]) -> None:
    pcap, blocks = capture
    without, known = looked(str(pcap)), looked(str(pcap), "--block-times", str(blocks))
    miners = {"192.0.2.1", "192.0.2.2", "192.0.2.3"}
    assert {item["src"] for item in known} == miners
    assert {item["coin"] for item in known} == {"XMR"}
    assert {item["src"] for item in without} == miners
    strengths = [np.mean([item["log10_lr"] for item in items]) for items in (without, known)]
    assert 0 < strengths[0] < strengths[1]
    assert min(item["log10_lr"] for item in known) > 5.28
