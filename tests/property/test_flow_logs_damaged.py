"""Flow logs and lists with odd values and damaged bytes: what can be read is read, and nothing breaks."""

import json
import struct
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minewatch.detect.pools.pool_flows import judge
from minewatch.sources.logs.eve import read_eve
from minewatch.sources.logs.ipfix import read_exports
from minewatch.sources.logs.pool_lists import read_pool_list
from minewatch.sources.logs.zeek import read_zeek
from minewatch.sources.options import Reader
from wire_samples import OPTIONS

ENDS = {"src_ip": "10.0.0.7", "src_port": 50123, "dest_ip": "203.0.113.9", "dest_port": 3333, "proto": "TCP"}
TIMES = {"start": "2026-05-15T08:00:00.0+0800", "end": "2026-05-15T08:30:00.5+0800"}
COUNTS = {"pkts_toserver": 10, "pkts_toclient": 12, "bytes_toserver": 900, "bytes_toclient": 4000}
ABOUT: dict[str, dict[str, Any]] = {
    "dns": {"queries": [{"rrname": "a.b"}], "grouped": {"A": ["203.0.113.9"]}, "answers": []},
    "tls": {"sni": "ss.antpool.com", "subject": "O=x, CN=a.b", "subjectaltname": ["c.d"]},
    "http": {"hostname": "a.b"},
    "alert": {"signature": "ET COINMINER", "category": "x"},
    "flow": {**TIMES, **COUNTS},
}
EVENTS = [
    {"timestamp": TIMES["end"], "flow_id": 1, "event_type": kind, **ENDS, "vlan": [7], kind: about}
    for kind, about in ABOUT.items()
]
TUPLE = {"id.orig_h": "10.0.0.7", "id.orig_p": 1, "id.resp_h": "203.0.113.9", "id.resp_p": 3333}
CONN = {"ts": 1.5, "uid": "C", **TUPLE, "proto": "tcp", "duration": 3.5, "conn_state": "SF", "vlan": 3}
COMPANIONS: dict[str, dict[str, Any]] = {
    "x509": {"fingerprint": "q", "certificate.subject": "CN=a.b", "san.dns": ["c.d"]},
    "ssl": {"uid": "C", "server_name": "a.b", "cert_chain_fps": ["q"]},
    "dns": {"ts": 1.0, "id.orig_h": "10.0.0.7", "query": "a.b", "answers": ["203.0.113.9"]},
}
ODD = (None, True, -1, 1.5, 1e300, 10**30, "", "CN=", [], [1], [[None]], {}, {"A": 1}, "\ud800", 9 * 10**18)
LIST = b"# source: us\n# as_of: 2026-05-01\nstratum.pool.example\n203.0.113.9:3333\n[2001:db8::8]:443\n"
ZEEK = b"#separator \\x09\n#fields\tts\tuid\tid.orig_h\tid.orig_p\tid.resp_h\tid.resp_p\tproto\torig_bytes\n"
ZEEK += b"1778800000.5\tC1\t10.0.0.7\t50123\t203.0.113.9\t3333\ttcp\t500\n" * 2
FIELDS = ((8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (2, 4), (1, 4), (22, 4), (21, 4))
SPECIFIERS = b"".join(struct.pack(">HH", *field) for field in FIELDS)
RECORD = struct.pack(">IIHHBIIII", 0x0A000007, 0xCB007109, 50123, 3333, 6, 7, 700, 1000, 2000)
V9 = struct.pack(">HHIIII", 9, 2, 3000, 1_778_800_000, 1, 77)
V9 += struct.pack(">HHHH", 0, 8 + len(SPECIFIERS), 260, len(FIELDS)) + SPECIFIERS
V9 += struct.pack(">HH", 260, 4 + 2 * len(RECORD)) + 2 * RECORD


def odd(value: Any, random: Random) -> Any:
    if random.random() < 0.15:
        return random.choice(ODD)
    if isinstance(value, dict):
        return {key: odd(item, random) for key, item in value.items()}
    return [odd(item, random) for item in value] if isinstance(value, list) else value


def damaged(data: bytes, random: Random) -> bytes:
    spoilt = bytearray(data)
    for _ in range(random.randint(1, 6)):
        at = random.randrange(len(spoilt))
        spoilt[at : at + random.choice((0, 1, 1, 9))] = random.randbytes(random.choice((0, 1, 1, 9)))
        spoilt = spoilt or bytearray(b"x")
    return bytes(spoilt)


def read(reader: Reader, path: Path, content: str | bytes) -> None:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    for batch in reader(path, OPTIONS):
        assert all(reject.reason.text("zh") for reject in batch.rejected)
        if batch.table == "flows":
            judge(batch.rows)


def lines(records: list[dict[str, Any]], random: Random) -> str:
    return "".join(json.dumps(odd(record, random)) + "\n" for record in records)


def test_undamaged_all_is_read(tmp_path: Path) -> None:
    for reader, content, rows in ((read_zeek, ZEEK, 2), (read_pool_list, LIST, 3), (read_exports, V9 * 3, 6)):
        (tmp_path / "conn.log").write_bytes(content)
        assert sum(len(batch.rows) for batch in reader(tmp_path / "conn.log", OPTIONS)) == rows


quick = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@quick
@given(st.randoms(use_true_random=True))
def test_odd_values_in_eve(tmp_path: Path, random: Random) -> None:
    read(read_eve, tmp_path / "eve.json", lines(random.choices(EVENTS, k=12), random))


@quick
@given(st.randoms(use_true_random=True))
def test_odd_values_in_zeek(tmp_path: Path, random: Random) -> None:
    for name, record in COMPANIONS.items():
        (tmp_path / f"{name}.log").write_text(lines([record], random))
    read(read_zeek, tmp_path / "conn.log", lines([CONN] * 6, random))


@pytest.mark.parametrize(
    ("reader", "content"), [(read_zeek, ZEEK), (read_pool_list, LIST), (read_exports, V9 * 3)]
)
@quick
@given(random=st.randoms(use_true_random=True))
def test_damaged_bytes(tmp_path: Path, reader: Reader, content: bytes, random: Random) -> None:
    read(reader, tmp_path / "conn.log", damaged(content, random))
