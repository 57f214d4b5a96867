"""Captures as streams: forms of files, short reads, pipes, what is given up at the end."""

import os
import struct
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import wire_samples as wire
from minewatch.kernels.traffic import packets, records
from minewatch.sources.captures import packet_stream
from minewatch.sources.captures.packet_stream import PacketStream
from minewatch.sources.pipes import is_pipe, size_of, spooled
from minewatch.sources.recognise import recognise
from minewatch.sources.unreadable import UnreadableFile

PATH = Path("a.pcap")
PACKETS = [
    wire.Packet(1_700_000_000.25 + n, wire.tcp_frame(wire.MINER, wire.POOL, b"x" * n, n)) for n in range(40)
]


class Dripping:
    """Gives few bytes at a time, and now and then none for a moment."""

    def __init__(self, data: bytes, most: int) -> None:
        self._data, self._most, self._turn = data, most, 0

    def readinto(self, buffer: memoryview) -> int | None:
        self._turn += 1
        if self._turn % 3 == 0:
            return None
        most = min(self._most, len(buffer))
        given, self._data = self._data[:most], self._data[most:]
        buffer[: len(given)] = given
        return len(given)


def read(data: bytes, most: int = 1 << 20) -> tuple[list[tuple[int, ...]], PacketStream]:
    stream = PacketStream(Dripping(data, most), PATH)
    found = []
    for chunk in stream.chunks():
        for row, record in zip(chunk.fields.tolist(), chunk.records.tolist(), strict=True):
            if row[packets.STATUS] == packets.TRANSPORT:
                found.append((record[records.TIME_NS], row[packets.PAYLOAD_LENGTH], row[packets.TCP_SEQ]))
    return found, stream


def wanted() -> list[tuple[int, int, int]]:
    return [(1_700_000_000_250_000_000 + n * 10**9, n, n) for n in range(len(PACKETS))]


def kuznetzov(order: str) -> bytes:
    parts = [struct.pack(order + "IHHiIII", 0xA1B2CD34, 2, 4, 0, 0, 65535, 1)]
    for at_s, frame in PACKETS:
        head = (int(at_s), round(at_s % 1 * 1e6), len(frame), len(frame), 2, 8, 0)
        parts.append(struct.pack(order + "IIIIIHH", *head) + frame)
    return b"".join(parts)


FORMS = {
    "pcap": wire.pcap(PACKETS),
    "pcap_big": wire.pcap(PACKETS, big=True),
    "pcap_nano": wire.pcap(PACKETS, nano=True),
    "pcap_big_nano": wire.pcap(PACKETS, big=True, nano=True),
    "kuznetzov": kuznetzov("<"),
    "kuznetzov_big": kuznetzov(">"),
    "pcapng": wire.pcapng(PACKETS),
    "pcapng_big": wire.pcapng(PACKETS, ">"),
    "pcapng_in_sections": wire.pcapng(PACKETS[:9], ">") + wire.pcapng(PACKETS[9:]),
}


@pytest.mark.parametrize("most", [1, 7, 100, 1 << 20])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_in_reads_of_every_size(form: str, most: int) -> None:
    found, stream = read(FORMS[form], most)
    assert found == wanted()
    assert (stream.notes, stream.packets) == ([], len(PACKETS))
    assert stream.bytes_done == len(FORMS[form])


def test_windows_do_not_matter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packet_stream, "READ_BYTES", 4096)
    large = wire.block("<", 0xBAD, bytes(3 << 20))
    found, stream = read(FORMS["pcapng"] + large + wire.pcapng(PACKETS[:1]))
    assert (len(found), stream.notes) == (len(PACKETS) + 1, [])


@pytest.mark.parametrize("missing", [1, 2 << 20])
def test_a_skipped_block_that_is_cut_is_said(missing: int) -> None:
    data = FORMS["pcapng"] + wire.block("<", 0xBAD, bytes(3 << 20))[:-missing]
    found, stream = read(data)
    assert len(found) == len(PACKETS)
    (note,) = stream.notes
    assert (note.code, note.values["packets"]) == ("capture_cut", len(PACKETS))


def test_lengths_of_a_block_that_differ_are_damage() -> None:
    data = bytearray(FORMS["pcapng"])
    place = len(wire.pcapng(PACKETS[:5])) - 4
    data[place] ^= 4
    found, stream = read(bytes(data))
    (note,) = stream.notes
    start = len(wire.pcapng(PACKETS[:4]))
    assert (note.code, note.values["offset"], note.values["packets"]) == ("capture_damaged", start, 4)
    assert len(found) == 4


def in_two(frame: bytes) -> tuple[bytes, bytes]:
    ip = frame[14:]
    first = ip[:6] + b"\x20\x00" + ip[8:20] + ip[20:44]
    second = ip[:6] + b"\x00\x03" + ip[8:20] + ip[44:]
    parts = (part[:2] + len(part).to_bytes(2, "big") + part[4:] for part in (first, second))
    one, two = (frame[:14] + part for part in parts)
    return one, two


def test_fragments_become_the_packet_they_were() -> None:
    pairs = [in_two(packet.frame) for packet in PACKETS[10:12]]
    pairs[1] = (pairs[1][0][:18] + b"\0\7" + pairs[1][0][20:], pairs[1][1][:18] + b"\0\7" + pairs[1][1][20:])
    order = [pairs[0][1], pairs[1][0], pairs[0][0], pairs[1][1]]
    packets_ = [wire.Packet(1_700_000_010.25 + n, frame) for n, frame in enumerate(order)]
    found, stream = read(wire.pcap(packets_))
    assert [each[1:] for each in found] == [(10, 10), (11, 11)]
    assert (stream.notes, stream.packets) == ([], 4)


def test_what_misses_a_fragment_comes_at_the_end_and_is_said() -> None:
    first, _ = in_two(PACKETS[10].frame)
    found, stream = read(wire.pcap([wire.Packet(1_700_000_010.25, first), *PACKETS[20:22]]))
    assert found == [*wanted()[20:22], (1_700_000_010_250_000_000, 4, 10)]
    (note,) = stream.notes
    assert (note.code, note.values["packets"], note.values["total"]) == ("capture_fragments", 1, 3)


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Any]:
    """A function that makes a pipe into which ``data`` is written, few bytes at a time."""
    writers = []

    def made(data: bytes, name: str = "line.pcap") -> Path:
        path = tmp_path / "pipes" / name
        path.parent.mkdir(exist_ok=True)
        os.mkfifo(path)
        writers.append(threading.Thread(target=write_slowly, args=(path, data)))
        writers[-1].start()
        return path

    yield made
    for writer in writers:
        writer.join()


def write_slowly(path: Path, data: bytes) -> None:
    with path.open("wb", buffering=0) as file:
        for start in range(0, len(data), 333):
            file.write(data[start : start + 333])


def rows_of(path: Path) -> list[dict[str, Any]]:
    found = recognise(path, wire.OPTIONS)
    return [row for batch in found.reader(path, wire.OPTIONS) for row in batch.rows.to_pylist()]


@pytest.mark.parametrize("form", ["pcap", "pcapng"])
def test_a_pipe_gives_the_rows_of_the_file(form: str, pipe: Any, tmp_path: Path) -> None:
    path = tmp_path / "line.pcap"
    path.write_bytes(FORMS[form])
    piped = pipe(FORMS[form])
    assert (is_pipe(piped), size_of(piped)) == (True, 0)
    assert rows_of(piped) == rows_of(path)
    assert len(rows_of(path)) == 1


@pytest.mark.parametrize(("data", "code"), [(b"a,b\n1,2\n" * 9, "pipe_no_capture"), (b"", "file_empty")])
def test_a_pipe_of_other_things_is_refused(data: bytes, code: str, tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    keeper = os.open(path, os.O_RDWR)
    try:
        os.write(keeper, data)
        reader = threading.Timer(0.2, os.close, [keeper])
        reader.start()
        with pytest.raises(UnreadableFile) as error:
            recognise(path, wire.OPTIONS)
    finally:
        reader.join()
    assert error.value.reason.code == code


def test_a_pipe_can_be_spooled(pipe: Any, tmp_path: Path) -> None:
    data = bytes(np.random.default_rng(3).integers(0, 256, 20_000, np.uint8))
    copy = spooled(pipe(data, "any"), tmp_path)
    assert (copy.name, copy.read_bytes()) == ("any", data)
