"""Conversations that are not mining, in packets: browsing, video, name look-ups, and what is easily mistaken.

Easily mistaken are Bitcoin nodes (peer-to-peer on port 8333), wallets (Electrum), programs that ask a
node over JSON-RPC, telemetry in JSON, and port scans. Message forms: the Bitcoin developer reference (P2P
network), the Electrum protocol 1.4, Ethereum and Bitcoin JSON-RPC, OCPP 1.6-J. Shares of customers with
each are assumed.
"""

import hashlib
import json
import struct
from collections.abc import Callable, Iterator
from typing import Any

from minewatch.sim.addresses import web_server
from minewatch.sim.county import Customer
from minewatch.sim.loads.shapes import Rng
from minewatch.sim.streams import stream
from minewatch.sim.wire.covers import over_tls
from minewatch.sim.wire.jobs import hexadecimal
from minewatch.sim.wire.miners import Deed, Flow, Speaker, Window, ports_of
from minewatch.sim.wire.packets import TCP, UDP, Conversation, Message, Side

RESOLVER = Side("192.0.2.253", 53)
"""The carriers' name server."""

_SITES = (
    "www.news-daily", "img.shop-river", "video.bright", "api.map-east", "cdn.game-oak", "mail.county-gov",
    "update.os-vendor", "pay.bank-cedar", "im.chat-lotus", "live.stream-jade", "class.school-net",
    "cloud.backup-pine",
)  # fmt: skip
_HABITS = {"node": 0.002, "wallet": 0.003, "rpc": 0.002}
"""Share of homes, offices and server rooms that run each."""


def habits_of(seed: int, customer: Customer) -> list[str]:
    """Return what of the easily mistaken a customer does: node, wallet, rpc, telemetry."""
    if customer.kind == "ev_charger":
        return ["telemetry"]
    if customer.kind not in ("household", "office", "server_room", "gpu_server", "school", "shop"):
        return []
    rng = stream(seed, "habit", customer.usage_point_id)
    busy = 8 if customer.kind in ("server_room", "gpu_server") else 1
    return [habit for habit, share in _HABITS.items() if rng.random() < share * busy]


def site_name(index: int) -> str:
    """Return the name of an ordinary server; its address is ``web_server(index)``."""
    return f"{_SITES[index % len(_SITES)]}{index // len(_SITES)}.example"


def mistaken_flows(seed: int, speaker: Speaker, window: Window) -> list[Flow]:
    """Return the conversations of ``speaker`` that look like mining to a hasty eye."""
    rng = stream(seed, "mistaken", speaker.customer.usage_point_id, window.start_us)
    ports, flows = ports_of(rng, speaker), []
    for habit in habits_of(seed, speaker.customer):
        for _ in range(4 if habit == "node" else 1):
            server, messages = _TALKS[habit](rng, window)
            talk = Conversation(Side(speaker.ip, next(ports)), server, TCP, messages)
            deed = Deed(habit, speaker.customer.usage_point_id)
            flows.append(Flow(talk, "", int(rng.uniform(20_000, 200_000)), deed))
    return flows


def ordinary_flows(seed: int, speaker: Speaker, window: Window) -> list[Flow]:
    """Return a few ordinary conversations: look-ups, pages, video, plain HTTP."""
    rng = stream(seed, "ordinary", speaker.customer.usage_point_id, window.start_us)
    ports, flows = ports_of(rng, speaker), []
    for _ in range(int(rng.integers(1, 4))):
        index, at = int(rng.integers(506)), int(rng.uniform(window.start_us, window.end_us - 20e6))
        rtt = int(rng.uniform(8_000, 60_000))
        make = _PAGES[int(rng.choice(len(_PAGES), p=(0.7, 0.1, 0.2)))]
        port, messages = make(rng, site_name(index), at, rtt)
        talk = Conversation(
            Side(speaker.ip, next(ports)), Side(web_server(index), port), TCP, messages, True, True
        )
        flows.append(Flow(talk, site_name(index), rtt, Deed("ordinary", speaker.customer.usage_point_id)))
    return flows


def look_up(rng: Rng, flow: Flow, port: int) -> Flow:
    """Return the question to the name server that precedes ``flow``."""
    at = flow.talk.messages[0].at_us - 3 * flow.rtt_us - 40_000
    number, answer = int(rng.integers(1 << 16)), flow.talk.server.ip
    question = (
        b"".join(bytes([len(part)]) + part.encode() for part in flow.server_name.split("."))
        + b"\0\0\x01\0\x01"
    )
    ask = struct.pack("!HHHHHH", number, 0x0100, 1, 0, 0, 0) + question
    address = bytes(int(part) for part in answer.split("."))
    reply = struct.pack("!HHHHHH", number, 0x8180, 1, 1, 0, 0) + question
    reply += b"\xc0\x0c\0\x01\0\x01" + struct.pack("!IH", 300, 4) + address
    messages = [Message(at, True, ask), Message(at + 9000, False, reply)]
    talk = Conversation(Side(flow.talk.client.ip, port), RESOLVER, UDP, messages)
    return Flow(talk, "", 9000, Deed("ordinary", flow.deed.subject_id))


# --- ordinary pages ---------------------------------------------------------------------------------------


def _page(rng: Rng, name: str, at: int, rtt: int) -> tuple[int, list[Message]]:
    said = []
    for _ in range(int(rng.integers(1, 8))):
        said.append(Message(at, True, bytes(int(rng.integers(200, 900)))))
        said.append(Message(at + rtt + 3000, False, bytes(int(rng.lognormal(8.3, 1.2)) % 60_000 + 200)))
        at += rtt + int(rng.uniform(20_000, 2_000_000))
    return 443, over_tls(rng, said, name, rtt, True)


def _video(rng: Rng, name: str, at: int, rtt: int) -> tuple[int, list[Message]]:
    said = []
    for _ in range(int(rng.integers(2, 5))):
        said.append(Message(at, True, bytes(420)))
        said.append(Message(at + rtt + 2000, False, bytes(int(rng.uniform(40_000, 90_000)))))
        at += int(rng.uniform(3e6, 5e6))
    return 443, over_tls(rng, said, name, rtt, True)


def _plain(rng: Rng, name: str, at: int, rtt: int) -> tuple[int, list[Message]]:
    path = f"/v{int(rng.integers(1, 9))}/list?n={int(rng.integers(100))}"
    ask = f"GET {path} HTTP/1.1\r\nHost: {name}\r\nAccept: */*\r\n\r\n"
    body = json.dumps({"code": 0, "data": [hexadecimal(rng, 16) for _ in range(12)], "result": True})
    head = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    return 80, [Message(at, True, ask.encode()), Message(at + rtt + 4000, False, (head + body).encode())]


_PAGES = (_page, _video, _plain)


# --- easily mistaken --------------------------------------------------------------------------------------


def _beats(rng: Rng, window: Window, every_s: float) -> Iterator[int]:
    at = window.start_us + rng.uniform(1e6, 9e6)
    while at < window.end_us - 2e6:
        yield int(at)
        at += rng.exponential(every_s) * 1e6 + 200_000


def _node(rng: Rng, window: Window) -> tuple[Side, list[Message]]:
    said = []
    for n, at in enumerate(_beats(rng, window, 12)):
        if n == 0:
            version = (
                struct.pack("<iQq", 70016, 1033, at // 1_000_000)
                + rng.bytes(60)
                + b"\x10/Satoshi:27.0.0/"
                + rng.bytes(5)
            )
            said += [
                Message(at, True, _p2p("version", version)),
                Message(at + 90_000, False, _p2p("version", version)),
            ]
            said += [
                Message(at + 91_000, False, _p2p("verack", b"")),
                Message(at + 92_000, True, _p2p("verack", b"")),
            ]
            continue
        command, size = (("inv", 37), ("getdata", 37), ("ping", 8), ("addr", 31))[int(rng.integers(4))]
        said.append(Message(at, bool(rng.random() < 0.5), _p2p(command, b"\x01" + rng.bytes(size - 1))))
    return Side(web_server(int(rng.integers(506))), 8333), said


def _p2p(command: str, payload: bytes) -> bytes:
    digest = hashlib.sha256(hashlib.sha256(payload).digest()).digest()
    return (
        bytes.fromhex("f9beb4d9")
        + command.encode().ljust(12, b"\0")
        + struct.pack("<I", len(payload))
        + digest[:4]
        + payload
    )


def _wallet(rng: Rng, window: Window) -> tuple[Side, list[Message]]:
    server = Side(web_server(int(rng.integers(506))), 50001)
    asked: list[tuple[str, list[Any], Any]] = [
        ("server.version", ["electrum/4.5.4", "1.4"], ["ElectrumX 1.16.0", "1.4"]),
        ("blockchain.headers.subscribe", [], {"height": 925_000, "hex": hexadecimal(rng, 160)}),
        ("blockchain.estimatefee", [2], 0.00012),
        ("blockchain.scripthash.subscribe", [hexadecimal(rng, 64)], None),
    ]
    return server, list(_asked(rng, window, asked, 25, b"\n"))


def _rpc(rng: Rng, window: Window) -> tuple[Side, list[Message]]:
    asked: list[tuple[str, list[Any], Any]] = [
        ("eth_blockNumber", [], "0x151a2b3"),
        ("eth_getBalance", ["0x" + hexadecimal(rng, 40), "latest"], "0x1b69b4ba630f34"),
        (
            "eth_call",
            [{"to": "0x" + hexadecimal(rng, 40), "data": "0x18160ddd"}, "latest"],
            "0x" + hexadecimal(rng, 64),
        ),
        (
            "getblockchaininfo",
            [],
            {"chain": "main", "blocks": 925_000, "bestblockhash": hexadecimal(rng, 64)},
        ),
    ]
    server = Side(web_server(int(rng.integers(506))), int(rng.choice((8545, 8332, 80))))
    return server, list(_over_http(_asked(rng, window, asked, 15, b"")))


def _telemetry(rng: Rng, window: Window) -> tuple[Side, list[Message]]:
    asked: list[tuple[str, list[Any], Any]] = [
        ("Heartbeat", [], {"currentTime": "2026-01-01T00:00:00Z"}),
        ("device.report", [{"energy": 12.5, "job": hexadecimal(rng, 8), "worker": "pile01"}], True),
        ("MeterValues", [{"connectorId": 1, "meterValue": [{"value": "1204"}]}], {}),
    ]
    return Side(web_server(int(rng.integers(506))), int(rng.choice((9000, 3333, 8080)))), list(
        _asked(rng, window, asked, 30, b"\n")
    )


def _asked(
    rng: Rng, window: Window, asked: list[tuple[str, list[Any], Any]], every_s: float, end: bytes
) -> Iterator[Message]:
    for number, at in enumerate(_beats(rng, window, every_s)):
        method, params, result = asked[number if number < len(asked) else int(rng.integers(len(asked)))]
        ask = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        yield Message(at, True, json.dumps(ask).encode() + end)
        reply = {"jsonrpc": "2.0", "id": number, "result": result}
        yield Message(at + int(rng.uniform(20_000, 150_000)), False, json.dumps(reply).encode() + end)


def _over_http(messages: Iterator[Message]) -> Iterator[Message]:
    for message in messages:
        head = (
            "POST / HTTP/1.1\r\nHost: node.example\r\nUser-Agent: python-requests/2.32\r\n"
            if message.from_client
            else "HTTP/1.1 200 OK\r\n"
        )
        head += f"Content-Type: application/json\r\nContent-Length: {len(message.data)}\r\n\r\n"
        yield message._replace(data=head.encode() + message.data)


_TALKS: dict[str, Callable[[Rng, Window], tuple[Side, list[Message]]]] = {
    "node": _node,
    "wallet": _wallet,
    "rpc": _rpc,
    "telemetry": _telemetry,
}
