"""Services that a hasty eye takes for mining: exchanges, explorers, wallets of the web, nodes, job queues.

They push JSON at the times of blocks, call JSON-RPC methods with logins and jobs, or speak of hash rates and
workers. Message forms: RLPx (github.com/ethereum/devp2p), levin (Monero, src/levin), Ethereum JSON-RPC and
its ``eth_subscribe``, the Language Server Protocol 3.17, the Model Context Protocol, public APIs of exchanges
and explorers. What is encrypted is random.
"""

import json
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from minewatch.sim.addresses import web_server
from minewatch.sim.loads.shapes import Rng
from minewatch.sim.names import pick
from minewatch.sim.wire.carriers import Carrier, bare, in_bodies, in_websocket
from minewatch.sim.wire.covers import over_tls
from minewatch.sim.wire.jobs import hexadecimal
from minewatch.sim.wire.packets import Message, Side

Span = tuple[int, int]
"""Start and end of what is seen, microseconds since the epoch."""

Talk = Callable[[Rng, Span], tuple[Side, list[Message]]]
"""(random stream, span) → the far server, what is said."""

_Asked = tuple[str, Any, Any]
"""Method, parameters, result."""


def beats(rng: Rng, span: Span, every_s: float) -> Iterator[int]:
    """Yield instants at random, ``every_s`` seconds apart on average."""
    at = span[0] + rng.uniform(1e6, 9e6)
    while at < span[1] - 2e6:
        yield int(at)
        at += rng.exponential(every_s) * 1e6 + 200_000


def asked(rng: Rng, span: Span, questions: Sequence[_Asked], every_s: float) -> Iterator[Message]:
    """Yield JSON-RPC questions, each of ``questions`` first in order, with their answers."""
    for number, at in enumerate(beats(rng, span, every_s)):
        method, params, result = questions[
            number if number < len(questions) else int(rng.integers(len(questions)))
        ]
        ask = {"jsonrpc": "2.0", "id": number, "method": method, "params": params}
        yield Message(at, True, _line(ask))
        reply = {"jsonrpc": "2.0", "id": number, "result": result}
        yield Message(at + int(rng.uniform(20_000, 150_000)), False, _line(reply))


def _line(value: Any) -> bytes:
    return json.dumps(value).encode() + b"\n"


def _server(rng: Rng, *ports: int) -> Side:
    return Side(web_server(int(rng.integers(506))), int(rng.choice(ports)))


def _carried(rng: Rng, server: Side, said: Iterator[Message], carrier: Carrier) -> tuple[Side, list[Message]]:
    messages = sorted(said, key=lambda message: message.at_us)
    return server, carrier(rng, messages, server) if messages else []


# --- nodes ------------------------------------------------------------------------------------------------


def _ethereum_node(rng: Rng, span: Span) -> tuple[Side, list[Message]]:
    said = []
    for n, at in enumerate(beats(rng, span, 6)):
        if n == 0:
            greeting = struct.pack(">H", 430) + rng.bytes(430)
            said += [Message(at, True, greeting), Message(at + 80_000, False, greeting[:-40])]
        said.append(Message(at + 100_000, bool(rng.random() < 0.5), rng.bytes(16 * int(rng.integers(4, 60)))))
    return _server(rng, 30303), said


def _monero_node(rng: Rng, span: Span) -> tuple[Side, list[Message]]:
    said = []
    for at in beats(rng, span, 10):
        body = b"\x01\x11\x01\x01\x01\x01\x02\x01\x01\x08\x09node_data\x0c\x0c\x07my_port\x06" + rng.bytes(
            140
        )
        for from_client, is_answer in ((True, 0), (False, 1)):
            head = struct.pack(
                "<QQ?IIII", 0x0101010101012101, len(body), not is_answer, 1001, 0, 1 + is_answer, 1
            )
            said.append(Message(at + 70_000 * is_answer, from_client, head + body))
    return _server(rng, 18080), said


# --- wallets, dapps, explorers, exchanges -----------------------------------------------------------------


def _wallet_over_tls(rng: Rng, span: Span) -> tuple[Side, list[Message]]:
    questions: list[_Asked] = [
        ("server.version", ["electrum/4.5.4", "1.4"], ["ElectrumX 1.16.0", "1.4"]),
        ("blockchain.scripthash.get_history", [hexadecimal(rng, 64)], []),
        ("server.ping", [], None),
    ]
    said = list(asked(rng, span, questions, 30))
    return _server(rng, 50002), over_tls(rng, said, "electrum.example", 60_000, True) if said else []


def _dapp(rng: Rng, span: Span) -> tuple[Side, list[Message]]:
    address, word = "0x" + hexadecimal(rng, 40), "0x" + hexadecimal(rng, 64)
    block = {
        "number": "0x151a2b3",
        "hash": word,
        "difficulty": "0x0",
        "nonce": "0x0000000000000000",
        "miner": address,
    }
    questions: list[_Asked] = [
        ("eth_chainId", [], "0x1"),
        ("eth_getBlockByNumber", ["latest", False], block),
        ("eth_call", [{"to": address, "data": "0x70a08231"}, "latest"], word),
        ("eth_gasPrice", [], "0x3b9aca00"),
        ("eth_mining", [], False),
        ("eth_sendRawTransaction", ["0x" + hexadecimal(rng, 220)], word),
        ("eth_getTransactionReceipt", [word], {"status": "0x1", "logs": [{"data": word, "topics": [word]}]}),
    ]
    carrier = in_bodies(pick(rng, ("identity", "gzip")), chunked=bool(rng.random() < 0.5))
    return _carried(rng, _server(rng, 8545, 80), asked(rng, span, questions, 6), carrier)


def _new_heads(rng: Rng, span: Span) -> tuple[Side, list[Message]]:
    def said() -> Iterator[Message]:
        ask = {"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]}
        yield Message(span[0] + 1_000_000, True, _line(ask))
        yield Message(span[0] + 1_060_000, False, _line({"jsonrpc": "2.0", "id": 1, "result": "0x9ce5"}))
        for at in beats(rng, span, 12):
            names = ("parentHash", "sha3Uncles", "stateRoot", "mixHash", "receiptsRoot")
            head = {name: "0x" + hexadecimal(rng, 64) for name in names}
            head |= {
                "difficulty": "0x0",
                "nonce": "0x" + hexadecimal(rng, 16),
                "miner": "0x" + hexadecimal(rng, 40),
            }
            told = {"subscription": "0x9ce5", "result": head}
            yield Message(
                at + 2_000_000, False, _line({"jsonrpc": "2.0", "method": "eth_subscription", "params": told})
            )

    return _carried(rng, _server(rng, 8546, 8080), said(), in_websocket(compressed=bool(rng.random() < 0.5)))


def _exchange(rng: Rng, span: Span) -> tuple[Side, list[Message]]:
    def said() -> Iterator[Message]:
        key = {"algo": "HS256", "pKey": hexadecimal(rng, 32), "nonce": hexadecimal(rng, 8)}
        key |= {"signature": hexadecimal(rng, 64)}
        yield Message(span[0] + 1_000_000, True, _line({"method": "login", "params": key, "id": 1}))
        yield Message(span[0] + 1_050_000, False, _line({"jsonrpc": "2.0", "result": True, "id": 1}))
        ask = {"method": "SUBSCRIBE", "params": ["btcusdt@trade", "xmrusdt@depth"], "id": 2}
        yield Message(span[0] + 1_100_000, True, _line(ask))
        yield Message(span[0] + 1_150_000, False, _line({"result": None, "id": 2}))
        for at in beats(rng, span, 2):
            trade = {
                "e": "trade",
                "s": "BTCUSDT",
                "p": f"{rng.uniform(6e4, 9e4):.2f}",
                "q": f"{rng.uniform(0, 2):.5f}",
            }
            yield Message(at + 2_000_000, False, _line({"stream": "btcusdt@trade", "data": trade}))

    return _carried(rng, _server(rng, 9443, 8080), said(), in_websocket(compressed=bool(rng.random() < 0.5)))


def _explorer(rng: Rng, span: Span) -> tuple[Side, list[Message]]:
    def said() -> Iterator[Message]:
        for at in beats(rng, span, 15):
            block = {
                "id": "0" * 20 + hexadecimal(rng, 44),
                "height": 925_000,
                "bits": 386_000_000,
                "nonce": 7,
            }
            block |= {
                "difficulty": 1.5e14,
                "extras": {"pool": {"name": "Northpool"}, "coinbase": hexadecimal(rng, 80)},
            }
            workers = [
                {"worker": f"rig{n}", "hashrate": 1e14, "shares": {"valid": 900, "stale": 3}}
                for n in range(3)
            ]
            ask = b"GET /api/v1/blocks HTTP/1.1\r\nHost: explorer.example\r\nAccept-Encoding: gzip\r\n\r\n"
            yield Message(at, True, ask)
            yield Message(
                at + 80_000, False, _line({"blocks": [block], "hashrate": 9e20, "workers": workers})
            )

    def carrier(rng: Rng, messages: Sequence[Message], server: Side) -> list[Message]:
        packed = in_bodies("gzip", chunked=True)
        return [m if m.from_client else packed(rng, [m], server)[0] for m in messages]

    return _carried(rng, _server(rng, 80), said(), carrier)


# --- logins and jobs of other trades ----------------------------------------------------------------------


def _build_farm(rng: Rng, span: Span) -> tuple[Side, list[Message]]:
    def job() -> dict[str, Any]:
        return {"job_id": hexadecimal(rng, 12), "target": "//app:all", "seed": 7, "worker": "runner-3"}

    questions: list[_Asked] = [
        (
            "login",
            {"login": "builder7", "pass": "x", "agent": "runner/1.2"},
            {"id": hexadecimal(rng, 8), "job": job(), "status": "OK"},
        ),
        ("submit", {"job_id": hexadecimal(rng, 12), "result": "success"}, {"status": "OK"}),
        ("keepalived", {"id": "3"}, {"status": "KEEPALIVED"}),
        ("job", job(), {"status": "OK"}),
    ]
    return _carried(rng, _server(rng, 3333, 5555, 8080), asked(rng, span, questions, 9), bare)


def _language_server(rng: Rng, span: Span) -> tuple[Side, list[Message]]:
    questions: list[_Asked] = [
        ("initialize", {"processId": 1, "rootUri": "file:///src"}, {"capabilities": {"hoverProvider": True}}),
        (
            "textDocument/hover",
            {"position": {"line": 3, "character": 9}},
            {"contents": "def submit(job): ..."},
        ),
    ]
    said = [
        m._replace(data=f"Content-Length: {len(m.data)}\r\n\r\n".encode() + m.data)
        for m in asked(rng, span, questions, 3)
    ]
    return _server(rng, 2087), said


def _agent_tools(rng: Rng, span: Span) -> tuple[Side, list[Message]]:
    call = {"name": "submit_job", "arguments": {"job_id": "7", "worker": "a"}}
    questions: list[_Asked] = [
        ("initialize", {"protocolVersion": "2025-06-18", "clientInfo": {"name": "c", "version": "1"}}, {}),
        (
            "tools/call",
            call,
            {"content": [{"type": "text", "text": "getwork and mining.submit are methods"}]},
        ),
    ]
    return _carried(
        rng, _server(rng, 8000, 80), asked(rng, span, questions, 8), in_bodies("identity", chunked=True)
    )


_MANUAL = """<h1>Protocol</h1><pre>
{"id": 1, "method": "mining.subscribe", "params": ["cgminer/4.12"]}
{"id": 1, "result": [[["mining.notify", "ae68"]], "08000002", 4], "error": null}
{"params": ["a.b", "bf", "00000001", "504e86ed", "b2957c02"], "id": 4, "method": "mining.submit"}
{"error": null, "id": 4, "result": true}
</pre>"""
_RULES = """alert tcp any any -> any any (msg:"miner"; content:"{|22|id"; content:"mining.subscribe"; sid:1;)
alert http any any -> any any (msg:"getwork"; content:"|22|method|22|: |22|getwork|22|"; sid:2;)
alert tcp any any -> any any (msg:"miner login"; content:"|22|login|22|"; content:"|22|agent|22|"; sid:3;)
"""


def _reading_about_it(rng: Rng, span: Span) -> tuple[Side, list[Message]]:
    def said() -> Iterator[Message]:
        for at in beats(rng, span, 40):
            name = pick(rng, ("wiki/stratum", "rules/coinminer.rules"))
            yield Message(at, True, f"GET /{name} HTTP/1.1\r\nHost: docs.example\r\n\r\n".encode())
            body = (_MANUAL if name.startswith("wiki") else _RULES).encode()
            head = f"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: {len(body)}\r\n\r\n"
            yield Message(at + 50_000, False, head.encode() + body)

    return _carried(rng, _server(rng, 80), said(), bare)


def _log_shipper(rng: Rng, span: Span) -> tuple[Side, list[Message]]:
    def said() -> Iterator[Message]:
        quoted = '{"id":4,"method":"mining.submit","params":["a.b","1","2","3","4"]}'
        for at in beats(rng, span, 4):
            yield Message(
                at, True, _line({"@timestamp": at // 1000, "message": f"blocked {quoted}", "job_id": "7"})
            )

    return _carried(rng, _server(rng, 5044, 24224), said(), bare)


SERVICES: dict[str, Talk] = {
    "ethereum_node": _ethereum_node,
    "monero_node": _monero_node,
    "wallet_over_tls": _wallet_over_tls,
    "dapp": _dapp,
    "new_heads": _new_heads,
    "exchange": _exchange,
    "explorer": _explorer,
    "build_farm": _build_farm,
    "language_server": _language_server,
    "agent_tools": _agent_tools,
    "reading_about_it": _reading_about_it,
    "log_shipper": _log_shipper,
}
"""By name of the habit."""
