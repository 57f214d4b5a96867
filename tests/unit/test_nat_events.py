"""Logs of address translation become leases: begun and ended, blocks of ports, what is left open."""

import ipaddress
import struct
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from minewatch.attribute.leases import Endpoint, LeaseIndex
from minewatch.schema.tables import TABLES
from minewatch.sources.batch import Batch
from minewatch.sources.logs import nat_events
from minewatch.sources.options import ReadOptions
from minewatch.sources.recognise import recognise

AT_S = 1_778_800_000
OPTIONS = ReadOptions(ZoneInfo("Asia/Shanghai"))
SESSION = ((323, 8), (230, 1), (8, 4), (225, 4), (7, 2), (227, 2))
BLOCK = ((323, 8), (230, 1), (8, 4), (225, 4), (361, 2), (362, 2))
INNER, OUTER = "100.64.3.7", "198.51.100.9"


def a_set(number: int, body: bytes) -> bytes:
    return struct.pack(">HH", number, len(body) + 4) + body


def template(number: int, fields: tuple[tuple[int, int], ...]) -> bytes:
    body = struct.pack(">HH", number, len(fields)) + b"".join(struct.pack(">HH", *field) for field in fields)
    return a_set(2, body)


def event(seconds: float, kind: int, ports: tuple[int, int], inner: str = INNER) -> bytes:
    addresses = ipaddress.IPv4Address(inner).packed + ipaddress.IPv4Address(OUTER).packed
    return struct.pack(">QB", int((AT_S + seconds) * 1000), kind) + addresses + struct.pack(">HH", *ports)


def message(*sets: bytes) -> bytes:
    body = b"".join(sets)
    return struct.pack(">HHIII", 10, 16 + len(body), AT_S, 1, 5) + body


def batches(path: Path, content: bytes) -> list[Batch]:
    path.write_bytes(content)
    found = recognise(path, OPTIONS)
    assert found.format == "nat_log"
    return list(found.reader(path, OPTIONS))


def leases(found: list[Batch]) -> list[dict[str, Any]]:
    return [row for batch in found for row in batch.rows.to_pylist()]


def at(seconds: float) -> datetime:
    return datetime.fromtimestamp(AT_S + seconds, UTC)


def test_a_session_is_a_lease_of_its_port_from_begin_to_end(tmp_path: Path) -> None:
    records = event(0, 4, (50_000, 40_001)) + event(90, 5, (50_000, 40_001))
    (row,) = leases(batches(tmp_path / "a.ipfix", message(template(300, SESSION), a_set(300, records))))
    assert (row["prefix"], row["port_low"], row["port_high"]) == (OUTER, 40_001, 40_001)
    assert (row["next_prefix"], row["kind"], row["source_rows"]) == (INNER, "nat", 2)
    assert row["valid_from"] == at(0)
    assert at(90) < row["valid_to"] < at(91)


def test_blocks_of_ports_by_either_numbering(tmp_path: Path) -> None:
    for begin, end in ((16, 17), (14, 15)):
        records = event(0, begin, (1024, 2047)) + event(3600, end, (1024, 2047))
        (row,) = leases(batches(tmp_path / "a.ipfix", message(template(301, BLOCK), a_set(301, records))))
        assert (row["port_low"], row["port_high"]) == (1024, 2047)


def test_what_was_left_open_holds_until_the_last_event(tmp_path: Path) -> None:
    records = event(0, 16, (1024, 2047)) + event(10, 16, (2048, 3071), "100.64.3.8")
    records += event(500, 17, (4096, 5119), "100.64.3.9")
    found = batches(tmp_path / "a.ipfix", message(template(301, BLOCK), a_set(301, records)))
    rows = sorted(leases(found), key=lambda row: row["port_low"])
    assert [row["next_prefix"] for row in rows] == ["100.64.3.7", "100.64.3.8", "100.64.3.9"]
    assert all(at(500) < row["valid_to"] < at(501) for row in rows)
    assert rows[2]["valid_from"] == at(500)
    told = {note.code: dict(note.values) for batch in found for note in batch.notes}
    assert told == {"nat_log_open": {"unended": 2, "unbegun": 1}}


def test_a_block_given_again_without_an_end_ends_where_the_next_begins(tmp_path: Path) -> None:
    records = event(0, 16, (1024, 2047)) + event(60, 16, (1024, 2047))
    rows = leases(batches(tmp_path / "a.ipfix", message(template(301, BLOCK), a_set(301, records))))
    assert sorted(row["valid_from"] for row in rows) == [at(0), at(60)]


def test_too_many_open_ones_are_closed_oldest_first(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr(nat_events, "MOST_OPEN", 2)
    records = b"".join(event(n, 4, (5000, 40_000 + n)) for n in range(5))
    found = batches(tmp_path / "a.ipfix", message(template(300, SESSION), a_set(300, records)))
    assert sorted(row["port_low"] for row in leases(found)) == list(range(40_000, 40_005))


def test_the_leases_resolve_an_outer_port_to_who_had_it_then(tmp_path: Path) -> None:
    records = event(0, 4, (50_000, 40_001)) + event(90, 5, (50_000, 40_001))
    records += event(100, 4, (50_000, 40_001), "100.64.3.8") + event(200, 5, (50_000, 40_001), "100.64.3.8")
    found = batches(tmp_path / "a.ipfix", message(template(300, SESSION), a_set(300, records)))
    schema = TABLES["ip_leases"].schema
    holder = dict.fromkeys(schema.names) | {"port_low": 0, "port_high": 65_535, "valid_from": at(-1000)}
    inner = [{**holder, "prefix": f"100.64.3.{n}", "holder_name": f"户主{n}"} for n in (7, 8)]
    table = batches_table([*leases(found), *inner])
    index = LeaseIndex(table)
    for seconds, name in ((50, "户主7"), (150, "户主8")):
        (claim,) = index.resolve(Endpoint(OUTER, 40_001, at(seconds))).claims
        assert claim.lease.holder_name == name
    refused = index.resolve(Endpoint(OUTER, 40_001, at(95)))
    assert refused.refusal is not None
    assert refused.refusal.code == "lease_expired"


def batches_table(rows: list[dict[str, Any]]) -> Any:
    import pyarrow as pa

    schema = TABLES["ip_leases"].schema
    return pa.Table.from_pylist([{name: row[name] for name in schema.names} for row in rows], schema=schema)


def test_cut_files_give_what_precedes(tmp_path: Path) -> None:
    records = event(0, 4, (50_000, 40_001)) + event(90, 5, (50_000, 40_001))
    whole = message(template(300, SESSION), a_set(300, records))
    for cut in range(len(whole) + 20, len(whole) + 60):
        content = (whole + whole)[:cut]
        assert len(leases(batches(tmp_path / "a.ipfix", content))) >= 1
