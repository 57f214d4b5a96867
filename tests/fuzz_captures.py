"""A fuzzer over everything that looks at a capture: readers, kernels, dialects, detectors.

``python tests/fuzz_captures.py --minutes 10``; ``--checked`` lets numba check every index (slower). Seeds are
small captures of all forms, and real ones where a folder is given. What is looked at lies in a file first, so
that a capture that kills the process is still there afterwards.
"""

import argparse
import faulthandler
import os
import resource
import struct
import subprocess
import sys
import tempfile
import time
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

import wire_samples as wire
from framings import WHOLE, Ip, pcap_file

Rng = np.random.Generator
MOST_SECONDS = 20.0
MOST_MEMORY_MB = 1500
"""Of the whole process, with all its libraries."""

WALLET = "bc1qxy2kgdygjrsqtzq2n0yrf2493p83kkfjhx0wlh"
XMR = "4" + "A" * 94
HEX64 = "9e2fc768bd1977528c8d6096d46376758179e25bf3293428b65f120100000000"


def ask(number: int, method: str, params: object) -> bytes:
    return wire.line({"id": number, "method": method, "params": params})


def answer(number: int, result: object) -> bytes:
    return wire.line({"id": number, "result": result, "error": None})


def http(head: str, body: bytes) -> bytes:
    return f"{head}\r\nHost: pool.example\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


def packed(body: bytes) -> bytes:
    writer = zlib.compressobj(wbits=31)
    content = writer.compress(body) + writer.flush()
    head = (
        "POST / HTTP/1.1\r\nHost: a.example\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    return head.encode() + b"%x\r\n%b\r\n0\r\n\r\n" % (len(content), content)


def frame(body: bytes, first: int = 0x81) -> bytes:
    key = b"\x01\x02\x03\x04"
    masked = bytes(byte ^ key[n % 4] for n, byte in enumerate(body))
    return struct.pack(">BBH", first, 0xFE, len(body)) + key + masked


def hello(name: bytes = b"xmr.pool.example") -> bytes:
    sni = struct.pack(">HHHBH", 0, len(name) + 5, len(name) + 3, 0, len(name)) + name
    body = b"\x03\x03" + bytes(33) + struct.pack(">HHBB", 2, 0x1301, 1, 0) + struct.pack(">H", len(sni)) + sni
    return b"\x16\x03\x01" + struct.pack(">HB", len(body) + 4, 1) + struct.pack(">I", len(body))[1:] + body


def flight() -> bytes:
    """A server's first flight with a certificate that holds a name."""
    name = b"pool.example"
    subject = b"\x30\x17\x31\x15\x30\x13\x06\x03\x55\x04\x03\x0c" + bytes([len(name)]) + name
    cert = b"\x30\x82\x00\x80\x30\x60" + bytes(20) + subject + b"\x82" + bytes([len(name)]) + name + bytes(40)
    chain = struct.pack(">I", len(cert) + 3)[1:] + struct.pack(">I", len(cert))[1:] + cert
    body = b"\x0b" + struct.pack(">I", len(chain))[1:] + chain
    return b"\x16\x03\x03" + struct.pack(">H", len(body)) + body


def sv2(kind: int, body: bytes, extension: int = 0) -> bytes:
    return struct.pack("<HB", extension, kind) + struct.pack("<I", len(body))[:3] + body


JOB = {"blob": "1010" + "ab" * 74, "job_id": "j1", "target": "b88d0600", "algo": "rx/0", "height": 3}
LOGIN = {"login": XMR, "pass": "x", "agent": "XMRig/6.21.0", "algo": ["rx/0"]}
NOTIFY = ["job1", HEX64, "01" * 40, "02" * 60, [HEX64], "20000000", "1702f128", "6650aabb", True]
UPGRADE = b"GET /proxy HTTP/1.1\r\nHost: a.example\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n"
TALKS: dict[str, list[tuple[bool, bytes]]] = {
    "stratum": [
        (True, ask(1, "mining.subscribe", ["cgminer/4.12.0"])),
        (False, answer(1, [[["mining.notify", "ab"]], "08000002", 4])),
        (True, ask(2, "mining.authorize", [WALLET + ".rig7", "x"])),
        (False, answer(2, True) + ask(0, "mining.set_difficulty", [65536]) + ask(0, "mining.notify", NOTIFY)),
        (True, ask(3, "mining.submit", [WALLET + ".rig7", "job1", "00", "66", "77"])),
        (False, answer(3, True)),
    ],
    "monero": [
        (True, wire.line({"id": 1, "jsonrpc": "2.0", "method": "login", "params": LOGIN})),
        (False, wire.line({"id": 1, "result": {"id": "s", "job": JOB, "status": "OK"}})),
        (True, ask(2, "submit", {"id": "s", "job_id": "j1", "nonce": "01", "result": HEX64})),
        (False, answer(2, {"status": "OK"})),
    ],
    "ethereum": [
        (
            True,
            wire.line({"id": 1, "method": "eth_submitLogin", "params": ["0x" + "9c" * 20], "worker": "r"}),
        ),
        (False, answer(1, True)),
        (True, ask(2, "eth_getWork", [])),
        (False, answer(0, ["0x" + HEX64, "0x" + "ab" * 32, f"0x{2**256 // 4_000_000_000:064x}"])),
        (True, ask(4, "eth_submitWork", ["0x01", "0x" + HEX64, "0x02"])),
    ],
    "bodies": [
        (True, http("POST / HTTP/1.1", ask(1, "getwork", []))),
        (False, http("HTTP/1.1 200 OK", answer(1, {"data": "00" * 128, "target": "ff" * 32}))),
        (True, packed(ask(2, "getwork", ["00" * 128]))),
    ],
    "websocket": [
        (True, UPGRADE),
        (False, b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n"),
        (True, frame(ask(1, "mining.subscribe", ["a" * 120]))),
        (True, frame(b'{"type":"auth","params":{"site_key":"' + b"K" * 100 + b'"}}', 0x01)),
        (True, frame(bytes(range(130)), 0xC1)),
    ],
    "tls": [(True, hello()), (False, flight())],
    "sv2": [
        (True, sv2(0, struct.pack("<BHHI", 0, 2, 2, 0) + b"\x04pool\x39\x30\x03S19\x041.00\x01a\x01b")),
        (True, sv2(0x10, struct.pack("<I", 1) + b"\x04user" + struct.pack("<f", 1e14) + bytes(32))),
        (False, sv2(0x11, struct.pack("<II", 1, 7) + bytes(32) + b"\x04" + bytes(8))),
        (True, sv2(0x1A, struct.pack("<IIIIII", 7, 1, 2, 3, 4, 5), 0x8000)),
    ],
    "socks": [
        (True, b"\5\1\0"),
        (False, b"\5\0"),
        (True, b"\5\1\0\3\4pool\x0d\x05"),
        (True, ask(1, "login", {})),
    ],
}


def dns() -> list[Ip]:
    name = b"\4pool\7example\0"
    said = struct.pack(">HHHHHH", 7, 0x8180, 1, 1, 0, 0) + name + b"\0\1\0\1"
    said += b"\xc0\x0c\0\1\0\1\0\0\0\x3c\0\4\xcb\0\x71\x09"
    return [Ip(_START_US, wire.ip_packet("10.0.0.53", "10.1.2.3", 17, wire.udp_datagram(53, 50000, said)))]


_START_US = int(wire.START_S * 1e6)


def talk(name: str) -> list[Ip]:
    """The packets of a conversation, beginning with their IP header."""
    said = [wire.Said(0.5 * n, up, data) for n, (up, data) in enumerate(TALKS[name])]
    ends = (("10.1.2.3", 50000), ("203.0.113.9", 443 if name == "tls" else 3333))
    packets = wire.conversation(said, ends)
    return [Ip(round(packet.at_s * 1e6), packet.frame[14:]) for packet in packets]


def small_capture() -> bytes:
    """A capture of 2 kB: a mining conversation and a name, over VLAN-tagged Ethernet."""
    packets = [Ip(at, wire.ethernet(data, b"\x81\0\0\x64")) for at, data in [*dns(), *talk("stratum")]]
    return pcap_file()(packets, 1)


def seeds(folder: Path | None = None, most_bytes: int = 70_000) -> list[bytes]:
    """Small captures of every talk and framing, and those in ``folder`` that are small."""
    rng = np.random.default_rng(17)
    found = [
        WHOLE[name].write(rng, [*dns(), *talk(each)]) for name in WHOLE for each in ("stratum", "monero")
    ]
    found += [WHOLE["ethernet"].write(rng, talk(name)) for name in TALKS]
    found += [WHOLE["pcapng"].write(rng, talk(name)) for name in TALKS]
    if folder is not None:
        files = sorted(path for path in folder.iterdir() if path.suffix in (".pcap", ".pcapng"))
        found += [path.read_bytes() for path in files if path.stat().st_size <= most_bytes]
    return found


# --- ruin --------------------------------------------------------------------------------------------------

WORDS = (
    b'{"id":1,"method":"mining.submit","params":[', b'"jsonrpc":"2.0"', b'"error":{"code":21}', b"[" * 200,
    b'{"a":' * 200, b"1e999", b"-0", b"\\ud800", b"\xff\xfe", b"\0", b"9" * 400, b"\r\n\r\n", b"\x1f\x8b\x08",
    b"Transfer-Encoding: chunked\r\n\r\nffffffff\r\n", b"Content-Length: -1\r\n", b"\x81\xfe",
    b"\xc1\x7f\xff", b"\x16\x03\x03\xff\xff", b"\xc0\x0c", b"\x0a\x0d\x0d\x0a",
)  # fmt: skip
NUMBERS = (
    0,
    1,
    4,
    8,
    15,
    16,
    20,
    40,
    127,
    128,
    255,
    256,
    1460,
    32767,
    32768,
    65515,
    65535,
    1 << 20,
    (1 << 31) - 1,
)


def flip(rng: Rng, data: bytearray, other: bytes) -> None:
    _ = other
    for _ in range(int(rng.integers(1, 9))):
        data[int(rng.integers(len(data)))] ^= 1 << int(rng.integers(8))


def put_number(rng: Rng, data: bytearray, other: bytes) -> None:
    _ = other
    size, order = int(rng.choice([1, 2, 4, 8])), str(rng.choice(["little", "big"]))
    value = int(rng.choice(NUMBERS)) * (-1 if rng.random() < 0.2 else 1)
    at = int(rng.integers(len(data)))
    data[at : at + size] = (value % (1 << 8 * size)).to_bytes(size, order)  # type: ignore[arg-type]


def put_word(rng: Rng, data: bytearray, other: bytes) -> None:
    _ = other
    word = WORDS[int(rng.integers(len(WORDS)))]
    at = int(rng.integers(len(data)))
    data[at : at + (len(word) if rng.random() < 0.8 else 0)] = word


def cut_out(rng: Rng, data: bytearray, other: bytes) -> None:
    _ = other
    at = int(rng.integers(len(data)))
    del data[at : at + int(rng.integers(1, 2 + len(data) // 4))]


def say_again(rng: Rng, data: bytearray, other: bytes) -> None:
    _ = other
    at, size = int(rng.integers(len(data))), int(rng.integers(1, 2 + len(data) // 4))
    data[at:at] = data[at : at + size]


def splice(rng: Rng, data: bytearray, other: bytes) -> None:
    at, start = int(rng.integers(len(data))), int(rng.integers(len(other)))
    data[at:] = other[start:]


def cut_off(rng: Rng, data: bytearray, other: bytes) -> None:
    _ = other
    del data[int(rng.integers(1, len(data))) :]


def records_of(data: bytes) -> list[bytes]:
    """The records of a little-endian pcap file, whatever they are; as far as they go."""
    at, found = 24, []
    while at + 16 <= len(data):
        size = int.from_bytes(data[at + 8 : at + 12], "little")
        found.append(data[at : at + 16 + size])
        at += 16 + size
    return found


def shuffle(rng: Rng, data: bytearray, other: bytes) -> None:
    """Change the order of packets, leave some out, take some of another capture."""
    mixed = records_of(data) + records_of(other)[: int(rng.integers(0, 20))]
    if len(mixed) < 5000:
        data[24:] = b"".join(mixed[n] for n in rng.permutation(len(mixed)).tolist() if rng.random() < 0.9)


def touch_one(rng: Rng, data: bytearray, other: bytes) -> None:
    """Ruin one packet and leave the record headers as they are, so that what follows is read."""
    found = records_of(data)
    if found:
        number = int(rng.integers(len(found)))
        body = bytearray(found[number][16:])
        if body:
            RUINS[int(rng.integers(5))](rng, body, other)
        size = struct.pack("<II", len(body), len(body))
        found[number] = found[number][:8] + size + bytes(body)
        data[24:] = b"".join(found)


RUINS: tuple[Callable[[Rng, bytearray, bytes], None], ...] = (
    flip, put_number, put_word, cut_out, say_again, touch_one, touch_one, touch_one, shuffle, splice, cut_off,
)  # fmt: skip


def ruined(rng: Rng, data: bytes, other: bytes) -> bytes:
    """``data`` after one to six ruins."""
    changed = bytearray(data)
    for _ in range(int(rng.integers(1, 7))):
        RUINS[int(rng.integers(len(RUINS)))](rng, changed, other)
        if len(changed) < 2:
            break
    return bytes(changed)


# --- looking -----------------------------------------------------------------------------------------------


class Quiet:
    """Is told how far it is, and does not mind."""

    def planned(self, files: int, bytes_: int) -> None:
        _ = files, bytes_

    def read(self, path: Path, bytes_done: int) -> None:
        _ = path, bytes_done

    def judging(self, customers_rows: int) -> None:
        _ = customers_rows


def look_at(path: Path) -> str:
    """Look at a file as ``minewatch look`` does; the code of what was said of it, or its table."""
    from minewatch.runs.look import Settings, look

    (sight,) = look([path], Settings("en"), Quiet())
    return sight.failure.code if sight.failure else str(sight.table)


def rounds(number: int, folder: Path, captures: Sequence[bytes], until: float) -> Iterator[str]:
    """Ruin and look until the clock says ``until``; ``number`` seeds the ruins."""
    rng, path = np.random.default_rng([23, number]), folder / "capture"
    while time.monotonic() < until:
        first, second = (captures[n] for n in rng.integers(len(captures), size=2).tolist())
        path.write_bytes(ruined(rng, first, second))
        faulthandler.dump_traceback_later(MOST_SECONDS, exit=True)
        found = look_at(path)
        faulthandler.cancel_dump_traceback_later()
        yield found


def work(number: int, folder: Path, seconds: float, real: Path | None) -> None:
    """One worker: exits with what it found; the capture that broke it stays in ``folder``."""
    told: dict[str, int] = {}
    look_at(_written(folder, small_capture()))  # compiles, loads
    before_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    for found in rounds(number, folder, seeds(real), time.monotonic() + seconds):
        told[found] = told.get(found, 0) + 1
    after_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(f"{sum(told.values())} captures {told}; memory {before_mb:.0f} → {after_mb:.0f} MB\n")
    if after_mb > MOST_MEMORY_MB:
        raise SystemExit(f"more than {MOST_MEMORY_MB} MB of memory")


def _written(folder: Path, data: bytes) -> Path:
    path = folder / "capture"
    path.write_bytes(data)
    return path


def main() -> None:
    """Run workers one after the other until the minutes are over; keep what broke one and go on."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--minutes", type=float, default=10)
    options.add_argument("--captures", type=Path, help="folder with real captures as further seeds")
    options.add_argument(
        "--kept", type=Path, default=Path("build/fuzz"), help="what broke a worker goes there"
    )
    options.add_argument("--checked", action="store_true", help="numba checks every index")
    options.add_argument("--worker", type=int, default=-1, help=argparse.SUPPRESS)
    options.add_argument("--seconds", type=float, default=0, help=argparse.SUPPRESS)
    chosen = options.parse_args()
    if chosen.worker >= 0:
        work(chosen.worker, chosen.kept, chosen.seconds, chosen.captures)
        return
    until, broken, number = time.monotonic() + 60 * chosen.minutes, 0, 0
    while (left := until - time.monotonic()) > 0:
        broken += _run_worker(chosen, number, min(left, 120))
        number += 1
    sys.exit(f"{broken} of {number} workers broke" if broken else 0)


def _run_worker(chosen: argparse.Namespace, number: int, seconds: float) -> bool:
    chosen.kept.mkdir(parents=True, exist_ok=True)
    checked = {"NUMBA_BOUNDSCHECK": "1", "NUMBA_CACHE_DIR": str(chosen.kept.absolute() / "checked")}
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--worker", str(number), "--kept", folder]
        command += ["--seconds", str(seconds)]
        command += ["--captures", str(chosen.captures)] if chosen.captures else []
        environment = os.environ | (checked if chosen.checked else {})
        broke = subprocess.run(command, env=environment, check=False).returncode != 0
        if broke:
            (Path(folder) / "capture").replace(chosen.kept / f"broke-{int(time.time())}-{number}")
    return broke


if __name__ == "__main__":
    main()
