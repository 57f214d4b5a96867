"""What carries a conversation is taken off: HTTP, WebSocket, tunnels; split, cut and joined anywhere."""

import gzip
import json
import random
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from minewatch.sim.wire import carriers
from minewatch.sim.wire.packets import Message, Side
from minewatch.sources.talk import bodies, websocket
from minewatch.sources.talk.carriage import Stream
from minewatch.sources.talk.openings import choose

SERVER = Side("203.0.113.9", 3333)
TALK = [
    Message(
        1_000_000 + n * 50_000,
        n % 2 == 0,
        json.dumps(
            {"id": n, "method": f"m{n}", "params": ["ab" * (n * 7 % 200), "矿池"]}, ensure_ascii=False
        ).encode()
        + b"\n",
    )
    for n in range(40)
]
CARRIERS: dict[str, carriers.Carrier] = {
    "bare": carriers.bare,
    "bodies": carriers.in_bodies("identity", chunked=False),
    "chunked": carriers.in_bodies("identity", chunked=True),
    "gzip": carriers.in_bodies("gzip", chunked=False),
    "gzip_chunked": carriers.in_bodies("gzip", chunked=True),
    "deflate": carriers.in_bodies("deflate", chunked=True),
    "raw_deflate": carriers.in_bodies("raw", chunked=False),
    "websocket": carriers.in_websocket(),
    "websocket_binary": carriers.in_websocket(binary=True),
    "websocket_deflate": carriers.in_websocket(compressed=True),
    "connect": carriers.through_connect,
    "socks5": carriers.through_socks5(""),
    "socks5_name": carriers.through_socks5("eu1.pool.example"),
    "socks4": carriers.through_socks4,
}


def said(name: str, from_client: bool) -> bytes:
    carried = CARRIERS[name](np.random.default_rng(1), TALK, SERVER)
    return b"".join(message.data for message in carried if message.from_client == from_client)


def spoken(from_client: bool) -> list[Any]:
    return [json.loads(message.data) for message in TALK if message.from_client == from_client]


def heard(stream: Stream, parts: list[bytes]) -> list[Any]:
    return [piece for part in parts for piece in stream.feed(part)]


def values(pieces: list[Any]) -> list[Any]:
    return [piece.value for piece in pieces if piece.value is not None]


def split(data: bytes, rng: random.Random, most: int) -> Iterator[bytes]:
    at = 0
    while at < len(data):
        size = rng.randint(1, most)
        yield data[at : at + size]
        at += size


@pytest.mark.parametrize("most", [1, 3, 61, 1460, 1 << 16])
@pytest.mark.parametrize("from_client", [True, False])
@pytest.mark.parametrize("name", CARRIERS)
def test_whatever_carries_it_the_same_is_heard(name: str, from_client: bool, most: int) -> None:
    parts = list(split(said(name, from_client), random.Random(most), most))
    pieces = heard(Stream(from_client, choose), parts)
    assert values(pieces) == spoken(from_client)
    lines = [piece.text for piece in pieces if piece.value is None]
    assert ("Host: eu1.pool.example:3333" in lines) == (name == "socks5_name" and from_client)


@pytest.mark.parametrize("seed", range(20))
def test_joined_in_the_middle_of_a_frame(seed: int) -> None:
    """What is masked may hold line ends: a line of it is no text."""
    rng, wrap = np.random.default_rng(seed), carriers.in_websocket()
    messages = [Message(1 + n, True, b"%d" % n * 3000 + b"\n[%d]\n" % n) for n in range(3)]
    data = b"".join(m.data for m in wrap(rng, messages, SERVER))
    start = data.index(b"\r\n\r\n") + 4 + 1000
    parts = [data[at : at + 997] for at in range(start, len(data), 997)]
    frames = [message.data for message in wrap(rng, TALK, SERVER)[2:] if message.from_client]
    found = values(heard(Stream(True, choose), [*parts, *frames]))
    assert found[-15:] == spoken(True)[-15:]


@pytest.mark.parametrize("from_client", [True, False])
@pytest.mark.parametrize("name", CARRIERS)
def test_joined_in_the_middle(name: str, from_client: bool) -> None:
    """All that begins behind the place is heard; only what points back to lost bytes is not."""
    carried = CARRIERS[name](np.random.default_rng(1), TALK, SERVER)
    parts = [message.data for message in carried if message.from_client == from_client]
    later = values(heard(Stream(from_client, choose), parts[8:]))
    wanted = spoken(from_client)
    if name == "websocket_deflate":
        assert later == []
    else:
        assert later == wanted[8 - (len(parts) - len(wanted)) :]


def begins(part: Any, whole: Any) -> bool:
    """Tell whether ``part`` is ``whole`` or its beginning: members are missing at the end."""
    if isinstance(part, dict):
        return all(name in whole and begins(part[name], whole[name]) for name in part)
    if isinstance(part, list):
        return len(part) <= len(whole) and all(map(begins, part, whole))
    return bool(part == whole)


@pytest.mark.parametrize("from_client", [True, False])
@pytest.mark.parametrize("name", CARRIERS)
def test_a_gap_costs_the_messages_it_touches(name: str, from_client: bool) -> None:
    rng = random.Random(3)
    data, wanted = said(name, from_client), spoken(from_client)
    for _ in range(60):
        start = rng.randrange(len(data) // 3, len(data))
        size = rng.randint(1, 900)
        parts = list(split(data, rng, 300))
        stream, at, found = Stream(from_client, choose), 0, []
        missing = 0
        for part in parts:
            if start <= at < start + size:
                missing += len(part)
            else:
                found += values(stream.feed(part, missing))
                missing = 0
            at += len(part)
        assert all(any(begins(value, whole) for whole in wanted) for value in found)
        if name != "websocket_deflate":
            assert len(found) >= len(wanted) - 12, (start, size)


def test_heads_of_tunnels_and_websockets_are_no_http_conversation() -> None:
    for name in ("connect", "websocket"):
        lines = [piece.text for piece in Stream(False, choose).feed(said(name, False)) if piece.value is None]
        assert not any(line.startswith("HTTP/1.") for line in lines)
    lines = [piece.text for piece in Stream(True, choose).feed(said("connect", True)) if piece.value is None]
    assert lines == ["CONNECT 203.0.113.9:3333 HTTP/1.1", "Host: 203.0.113.9:3333"]


OK, COUNTED = b"HTTP/1.1 200 OK\r\n", b"Content-Length: 7\r\n\r\n[1,2,3]"
MEMBERS = gzip.compress(b"[1,2", mtime=0) + gzip.compress(b",3]", mtime=0)
ANSWERS = {
    "continue": b"HTTP/1.1 100 Continue\r\n\r\n" + OK + COUNTED,
    "no_content": b"HTTP/1.1 204 No Content\r\n\r\n" + OK + COUNTED,
    "head": OK + b"Content-Length: 999\r\n\r\n" + OK + COUNTED,
    "to_the_end": b"HTTP/1.0 200 OK\r\nContent-Type: application/json\r\n\r\n[1,2,3]",
    "bare_line_ends": b"HTTP/1.1 200 OK\nContent-Length: 7\n\n[1,2,3]",
    "other_coding": OK + b"Content-Encoding: br\r\nContent-Length: 3\r\n\r\n[9]" + OK + COUNTED,
    "html_first": OK + b"Content-Length: 20\r\n\r\n<html>host: a</html>" + OK + COUNTED,
    "two_members": OK
    + b"Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    + b"%x\r\n%b\r\n0\r\n\r\n" % (len(MEMBERS), MEMBERS),
}


@pytest.mark.parametrize("name", ANSWERS)
def test_forms_of_answers(name: str) -> None:
    for most in (1, 9, 9999):
        parts = list(split(ANSWERS[name], random.Random(most), most))
        assert values(heard(Stream(False, choose), parts)) == [[1, 2, 3]], most


def bomb(size: int) -> bytes:
    packed = gzip.compress(b"[1]\n" + bytes(size) + b"\n[2]\n", mtime=0)
    return b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(packed) + packed


def test_a_body_is_inflated_within_bounds() -> None:
    stream = Stream(False, choose)
    assert values(stream.feed(bomb(50_000_000))) == [[1]]
    assert stream.size < 30 * bodies.MOST_INFLATED
    after = b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n[3]"
    assert values(stream.feed(after)) == [[3]]


def test_a_long_message_over_websocket_is_passed_over() -> None:
    def frame(first: int, data: bytes) -> bytes:
        return bytes([first, 127]) + len(data).to_bytes(8, "big") + data

    packer = zlib.compressobj(wbits=-15)
    packed = (packer.compress(bytes(50_000_000)) + packer.flush(zlib.Z_SYNC_FLUSH))[:-4]
    upgrade = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"
    stream = Stream(False, choose)
    assert heard(stream, [upgrade, frame(0xC1, packed[: websocket.MOST_MESSAGE])])[-1].value is None
    assert values(stream.feed(frame(0x81, bytes(websocket.MOST_MESSAGE + 1)))) == []
    assert values(stream.feed(bytes([0x81, 3]) + b"[1]")) == [[1]]
    assert len(stream.buffer) == 0


def test_nothing_fails_on_noise() -> None:
    rng = random.Random(9)
    streams = [said(name, side) for name in CARRIERS for side in (True, False)]
    for n in range(1500):
        data = bytearray(streams[n % len(streams)][:4000])
        for _ in range(rng.randint(1, 8)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        stream = Stream(n % 2 == 0, choose)
        for part in split(bytes(data), rng, 700):
            stream.feed(part, rng.choice((0, 0, 0, rng.randint(1, 500))))
        assert len(stream.buffer) <= 1 << 16


def template(transactions: int) -> dict[str, Any]:
    each = {"data": "ab" * 600, "txid": "cd" * 32, "depends": [1, {"a": '"]}'}], "fee": 7}
    listed = {"version": 1, "previousblockhash": "00" * 32, "transactions": [each] * transactions}
    return {"id": 7, "result": {**listed, "target": "0f" * 32, "bits": "1702f128"}, "error": None}


@pytest.mark.parametrize("most", [1, 700, 1460, 1 << 16])
def test_of_a_long_value_what_lies_deep_is_left_out(most: int) -> None:
    """A block template of a few megabytes stays within the bound."""
    short, long = template(1), template(60 if most == 1 else 2000)
    stream = Stream(False, choose)
    data = json.dumps(short).encode() + json.dumps(long).encode() + b'\n{"after": 1}\n'
    found = values(heard(stream, list(split(data, random.Random(1), most))))
    assert found[0] == short
    thinned = {
        "id": 7,
        "error": None,
        "result": {**long["result"], "transactions": found[1]["result"]["transactions"]},
    }
    assert found[1:] == [thinned, {"after": 1}]
    assert thinned["result"]["transactions"] == [{}] * len(long["result"]["transactions"])


def test_a_value_that_is_long_without_depth_is_forgotten() -> None:
    data = b'{"a": "' + b"x" * 100_000 + b'"}\n{"after": 1}\n'
    for most in (900, 1 << 20):
        assert values(heard(Stream(False, choose), list(split(data, random.Random(1), most))))[-1:] == [
            {"after": 1}
        ]


CUT = {
    b'{"id": 4, "method": "mining.submit", "params": ["a.b", "job", "0': {
        "id": 4,
        "method": "mining.submit",
        "params": ["a.b", "job"],
    },
    b'{"params": [65536, 12': {"params": [65536]},
    b'{"result": {"job": {"blob": "ab", "target": "b8': {"result": {"job": {"blob": "ab"}}},
    b'{"a": [1, {"b": "x\\"]}, "}], "c": tr': {"a": [1, {"b": 'x"]}, '}]},
    b'{"method": "x': None,
    b"[1, 2, 3": None,
}


@pytest.mark.parametrize("data", CUT)
def test_what_is_known_of_a_value_that_is_cut(data: bytes) -> None:
    """No string and no number is taken that may go on where it was cut."""
    stream = Stream(True, choose)
    stream.feed(data)
    wanted = [] if CUT[data] is None else [CUT[data]]
    assert values(stream.feed(b"", 10)) == wanted
    assert values(stream.feed(b'junk"}\n{"after": 1}\n')) == [{"after": 1}]


@pytest.mark.parametrize(
    ("data", "value"),
    [
        (rb'{"a\ud800": ["\udfff", "\ud83d\ude00", "\\ud800"]}', {"a?": ["?", "\U0001f600", "\\ud800"]}),
        (b'{"a": "\xff\xe7\x9f\xbf"}', {"a": "\ufffd矿"}),
        (b'{"a": "\xe7\x9f"}', {"a": "\ufffd"}),
    ],
)
def test_text_is_always_unicode(data: bytes, value: Any) -> None:
    (found,) = values(Stream(True, choose).feed(data))
    assert found == value
    json.dumps(found, ensure_ascii=False).encode()
