"""Flow logs of others: Suricata EVE, Zeek, NetFlow v5 and v9, IPFIX."""

import ipaddress
import json
import struct
from datetime import date
from pathlib import Path
from typing import Any

import pytest

import wire_samples as wire
from minewatch.detect.pools.pool_flows import judge
from minewatch.detect.pools.pool_list import PoolList, entries_of
from minewatch.sources.batch import Batch
from minewatch.sources.recognise import recognise
from minewatch.sources.unreadable import UnreadableFile
from wire_samples import OPTIONS

AT_S = 1_778_800_000
A, B = ("10.0.0.7", 50123), ("203.0.113.9", 3333)


def read(path: Path, content: bytes | str, expected_format: str) -> list[Batch]:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    found = recognise(path, OPTIONS)
    assert found.format == expected_format
    return list(found.reader(path, OPTIONS))


def rows(batches: list[Batch]) -> list[dict[str, Any]]:
    return [row for batch in batches for row in batch.rows.to_pylist()]


def ends_of(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["src_ip"], row["src_port"], row["dst_ip"], row["dst_port"]


def counts_of(row: dict[str, Any]) -> tuple[Any, ...]:
    return row["src_packets"], row["dst_packets"], row["src_bytes"], row["dst_bytes"]


def notes(batches: list[Batch]) -> dict[str, Any]:
    return {note.code: dict(note.values) for batch in batches for note in batch.notes}


# --- Suricata -------------------------------------------------------------------------------------------


def event(kind: str, number: int = 1, **more: Any) -> str:
    ends = {
        "src_ip": "10.0.0.7",
        "src_port": 50123,
        "dest_ip": "203.0.113.9",
        "dest_port": 3333,
        "proto": "TCP",
    }
    record = {"timestamp": "2026-05-15T08:00:09.123456+0800", "flow_id": number, "event_type": kind}
    return json.dumps(record | ends | more) + "\n"


FLOW = {
    "pkts_toserver": 10,
    "pkts_toclient": 12,
    "bytes_toserver": 900,
    "bytes_toclient": 4000,
    "start": "2026-05-15T08:00:00.000001+0800",
    "end": "2026-05-15T08:30:00.5+0800",
}


def test_eve_flow_with_its_names(tmp_path: Path) -> None:
    answers = {"rrname": "ss.Antpool.com", "answers": [{"rrtype": "A", "rdata": "203.0.113.9"}]}
    early = {"timestamp": "2026-05-15T07:59:00.0+0800", "dest_ip": "192.0.2.53", "dest_port": 53}
    text = event("dns", 9, dns=answers, **early)
    text += event("tls", tls={"sni": "ss.antpool.com"}) + event("stats", stats={}) + event("flow", flow=FLOW)
    batches = read(tmp_path / "eve.json", text, "eve")
    (row,) = rows(batches)
    assert (row["src_ip"], row["src_port"], row["dst_ip"], row["dst_port"]) == (
        "10.0.0.7",
        50123,
        "203.0.113.9",
        3333,
    )
    assert counts_of(row) == (10, 12, 900, 4000)
    assert row["first_at"].isoformat() == "2026-05-15T00:00:00.000001+00:00"
    assert row["last_at"].isoformat() == "2026-05-15T00:30:00.500000+00:00"
    assert row["names"] == [
        {"kind": "sni", "name": "ss.antpool.com"},
        {"kind": "dns", "name": "ss.antpool.com"},
    ]
    assert row["source_line"] == 4
    assert notes(batches) == {"log_other_events": {"events": 3}}
    (evidence,) = judge(batches[0].rows)
    assert evidence.log10_lr == 3.0


def test_eve_names_in_certificates_and_grouped_answers(tmp_path: Path) -> None:
    answers = {"queries": [{"rrname": "ss.antpool.com"}], "grouped": {"A": ["203.0.113.9"]}}
    early = {"timestamp": "2026-05-15T07:59:00.0+0800", "dest_ip": "192.0.2.53", "dest_port": 53}
    certificate = {"subject": "C=CN, O=A Pool, CN=*.Antpool.com", "subjectaltname": ["antpool.com"]}
    text = event("dns", 9, dns=answers, **early)
    text += event("tls", tls=certificate) * 3 + event("quic", quic={"sni": "x.example"})
    text += "".join(event("http", http={"hostname": f"{n}.example"}) for n in range(20))
    (row,) = rows(read(tmp_path / "eve.json", text + event("flow", flow=FLOW), "eve"))
    kinds = [name["kind"] for name in row["names"]]
    assert kinds == ["certificate", "certificate", "sni", *["host"] * 5, "dns"]
    assert row["names"][0]["name"] == "*.antpool.com"


def test_eve_alert_is_evidence_of_its_own_kind(tmp_path: Path) -> None:
    mining = {
        "signature": "ET COINMINER Win32/XMRig Login",
        "category": "Crypto Currency Mining Activity Detected",
    }
    text = event("alert", alert=mining) + event(
        "alert", 2, src_port=50124, alert={"signature": "ET SCAN NMAP"}
    )
    text += event("flow", flow=FLOW) + event("alert", 3, src_port=50125, alert=mining)
    batches = read(tmp_path / "eve.json", text, "eve")
    table = batches[0].rows
    assert table["dialect"].to_pylist() == ["ids_alert", "ids_alert"]
    assert table["src_port"].to_pylist() == [50123, 50125]
    found = judge(table)
    assert [each.reasons[0].code for each in found] == ["wire_alert", "wire_alert"]
    assert "XMRig" in found[0].reasons[0].text("en")


def test_eve_lines_that_are_none_are_put_aside(tmp_path: Path) -> None:
    bad = [
        ("not json\n", None, "log_not_json"),
        (event("flow"), "flow", "log_field_missing"),
        (event("flow", flow=FLOW, src_ip="10.0.0.300"), "src_ip", "log_field_unreadable"),
        (event("flow", flow=FLOW, dest_port=70000), "dest_port", "log_field_unreadable"),
        (event("flow", flow=FLOW | {"start": "yesterday"}), "start", "log_field_unreadable"),
        (event("flow", flow=FLOW | {"pkts_toserver": -4}), "pkts_toserver", "log_field_unreadable"),
        (event("flow", flow=FLOW, proto="smoke"), "proto", "log_field_unreadable"),
    ]
    text = event("flow", flow=FLOW) + "".join(line for line, _, _ in bad) + '{"timestamp": "2026'
    (batch,) = read(tmp_path / "eve.json", text, "eve")
    assert len(batch.rows) == 1
    assert [(r.line, r.column, r.reason.code) for r in batch.rejected] == [
        (n + 2, column, code) for n, (_, column, code) in enumerate(bad)
    ]
    assert batch.rejected[2].value == "10.0.0.300"
    assert {note.code for note in batch.notes} == {"log_line_cut", "log_other_events"}


# --- Zeek -----------------------------------------------------------------------------------------------

ZEEK_HEAD = (
    "#separator \\x09\n#set_separator\t,\n#empty_field\t(empty)\n#unset_field\t-\n#path\t{}\n#fields\t{}\n"
)
CONN_FIELDS = ["ts", "uid", "id.orig_h", "id.orig_p", "id.resp_h", "id.resp_p", "proto"]
CONN_FIELDS += ["duration", "orig_bytes", "resp_bytes", "conn_state"]
CONN_FIELDS += ["history", "orig_pkts", "orig_ip_bytes", "resp_pkts", "resp_ip_bytes"]
CONN = f"{AT_S}.5 C1 10.0.0.7 50123 203.0.113.9 3333 tcp 1800.25 500 3000 SF ShADadFf 10 900 12 3600".split()


def zeek(path: str, fields: list[str], *lines: list[str]) -> str:
    return ZEEK_HEAD.format(path, "\t".join(fields)) + "".join("\t".join(line) + "\n" for line in lines)


SSL = zeek("ssl", ["ts", "uid", "server_name"], [f"{AT_S}.6", "C1", "SS.Antpool.com"])
DNS_FIELDS = ["ts", "uid", "id.orig_h", "query", "answers"]
DNS = zeek(
    "dns", DNS_FIELDS, [f"{AT_S - 9}.0", "C0", "10.0.0.7", "ss.antpool.com", "cdn.example,203.0.113.9"]
)


def test_zeek_conn_log_with_its_companions(tmp_path: Path) -> None:
    (tmp_path / "ssl.2026.log").write_text(SSL)
    (tmp_path / "dns.2026.log").write_text(DNS)
    unset = [*CONN[:7], "-", "-", "-", "S0", "S", "1", "60", "0", "0"]
    batches = read(tmp_path / "conn.2026.log", zeek("conn", CONN_FIELDS, CONN, unset), "zeek")
    row, attempt = rows(batches)
    assert (row["first_at"].timestamp(), row["last_at"].timestamp()) == (AT_S + 0.5, AT_S + 1800.75)
    assert counts_of(row) == (10, 12, 900, 3600)
    assert [name["kind"] for name in row["names"]] == ["sni", "dns"]
    assert row["opening_seen"]
    assert attempt["first_at"] == attempt["last_at"]


X509_FIELDS = ["ts", "fingerprint", "certificate.subject", "san.dns"]
X509 = zeek(
    "x509", X509_FIELDS, [f"{AT_S}.6", "ab12", "CN=*.Antpool.com,O=A Pool", "*.antpool.com,antpool.com"]
)
SSL_CHAIN = zeek(
    "ssl",
    ["ts", "uid", "cert_chain_fps", "subject"],
    [f"{AT_S}.6", "C1", "ab12,cd34", "CN=*.antpool.com,O=A Pool"],
)


def test_zeek_names_in_certificates(tmp_path: Path) -> None:
    (tmp_path / "x509.log").write_text(X509)
    (tmp_path / "ssl.log").write_text(SSL_CHAIN)
    batches = read(tmp_path / "conn.log", zeek("conn", CONN_FIELDS, CONN), "zeek")
    (row,) = rows(batches)
    assert row["names"] == [
        {"kind": "certificate", "name": "*.antpool.com"},
        {"kind": "certificate", "name": "antpool.com"},
    ]
    (evidence,) = judge(batches[0].rows)
    assert evidence.log10_lr == pytest.approx(2.8)


def test_zeek_certificates_by_file_and_names_of_quic_in_json(tmp_path: Path) -> None:
    certificate = {"ts": AT_S, "id": "F1", "certificate.subject": "CN=a.example", "san.dns": ["b.example"]}
    (tmp_path / "x509.log").write_text(json.dumps(certificate) + "\n")
    ssl = {"ts": AT_S, "uid": "C1", "cert_chain_fuids": ["F1", "F2"]}
    (tmp_path / "ssl.log").write_text(json.dumps(ssl) + "\n")
    (tmp_path / "quic.log").write_text(json.dumps({"uid": "C1", "server_name": "C.example"}) + "\n")
    (row,) = rows(read(tmp_path / "conn.log", zeek("conn", CONN_FIELDS, CONN), "zeek"))
    assert [name["name"] for name in row["names"]] == ["a.example", "b.example", "c.example"]


def test_zeek_json_reads_the_same(tmp_path: Path) -> None:
    fields = dict(zip(CONN_FIELDS, CONN, strict=True))
    numbers = {key: int(value) for key, value in fields.items() if value.isdecimal()}
    record = fields | numbers | {"ts": AT_S + 0.5, "duration": 1800.25}
    as_json = rows(read(tmp_path / "a.json", json.dumps(record) + "\n", "zeek"))
    as_text = rows(read(tmp_path / "a.log", zeek("conn", CONN_FIELDS, CONN), "zeek"))
    ignored = {"capture", "flow_id", "source_line"}
    assert [{k: v for k, v in row.items() if k not in ignored} for row in as_json] == [
        {k: v for k, v in row.items() if k not in ignored} for row in as_text
    ]


def test_zeek_damage_is_put_aside(tmp_path: Path) -> None:
    odd = [*CONN[:2], "nowhere", *CONN[3:]]
    text = zeek("conn", CONN_FIELDS, CONN[:-1], odd, CONN) + "\t".join(CONN)[:40]
    (batch,) = read(tmp_path / "conn.log", text, "zeek")
    assert len(batch.rows) == 1
    assert [(r.line, r.column, r.reason.code) for r in batch.rejected] == [
        (7, None, "log_fields_count"),
        (8, "id.orig_h", "log_field_unreadable"),
    ]
    assert {note.code for note in batch.notes} == {"log_line_cut"}


def test_zeek_log_of_names_alone_is_no_error(tmp_path: Path) -> None:
    batches = read(tmp_path / "ssl.log", SSL, "zeek")
    assert rows(batches) == []
    assert notes(batches) == {"log_names_only": {"lines": 1}}


# --- NetFlow and IPFIX ----------------------------------------------------------------------------------


def v5(*records: tuple[str, int, str, int]) -> bytes:
    head = struct.pack(">HHIIIIBBH", 5, len(records), 3_600_000, AT_S, 0, 1, 0, 0, 0)
    return head + b"".join(v5_record(*record) for record in records)


def v5_record(src: str, sport: int, dst: str, dport: int) -> bytes:
    ends = ipaddress.IPv4Address(src).packed + ipaddress.IPv4Address(dst).packed + bytes(4)
    counts = struct.pack(">HHIIII", 1, 2, 7, 700, 1_800_000, 3_600_000)
    return ends + counts + struct.pack(">HHBBBBHHBBH", sport, dport, 0, 0x18, 6, 0, 0, 0, 0, 0, 0)


def test_netflow5_pairs_both_directions(tmp_path: Path) -> None:
    data = v5((*B, *A), (*A, *B)) + v5(("10.0.0.8", 40000, *B))
    batches = read(tmp_path / "export.bin", data, "netflow")
    row, alone = rows(batches)
    assert (row["src_ip"], row["src_port"], row["dst_ip"], row["dst_port"]) == (*A, *B)
    assert (row["src_packets"], row["dst_packets"], row["source_rows"]) == (7, 7, 2)
    assert (row["first_at"].timestamp(), row["last_at"].timestamp()) == (AT_S - 1800, AT_S)
    assert (alone["dst_packets"], alone["source_rows"]) == (None, 1)


def test_one_direction_alone_is_turned_to_who_called(tmp_path: Path) -> None:
    data = v5((*B, *A), ("10.0.0.8", 40000, "203.0.113.9", 443), ("203.0.113.8", 443, "10.0.0.9", 2000))
    found = rows(read(tmp_path / "export.bin", data, "netflow"))
    assert [(row["src_ip"], row["dst_port"]) for row in found] == [
        ("10.0.0.7", 3333),
        ("10.0.0.8", 443),
        ("10.0.0.9", 443),
    ]
    assert counts_of(found[0]) == (None, 7, None, 700)
    assert counts_of(found[1]) == (7, None, 700, None)


def test_netflow_to_a_listed_address_in_pieces(tmp_path: Path) -> None:
    """A connection by address alone, exported every few minutes: one evidence that says it is weak."""
    data = b"".join(v5_at(minutes, (*A, *B)) for minutes in range(0, 60, 5))
    batches = read(tmp_path / "export.bin", data, "netflow")
    assert len(rows(batches)) == 12
    listed = {"kind": "address", "endpoint": "203.0.113.9", "port": 3333, "pool": "A Pool", "coin": None}
    pools = PoolList(entries_of([listed | {"source": "a list", "as_of": date(2026, 5, 1)}]))
    (evidence,) = judge(batches[0].rows, pools=pools)
    assert evidence.log10_lr == pytest.approx(2.3, abs=0.02)
    assert [each.code for each in evidence.reasons][-2:] == ["wire_no_payload", "wire_pieces"]


def test_counts_of_sampled_packets_are_scaled(tmp_path: Path) -> None:
    data = bytearray(v5((*A, *B)))
    data[22:24] = struct.pack(">H", 0x4000 | 100)
    (row,) = rows(read(tmp_path / "v5.bin", bytes(data), "netflow"))
    assert counts_of(row) == (700, None, 70_000, None)
    fields = [(8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (152, 8), (153, 8), (34, 4), (2, 4), (1, 4)]
    reverse = struct.pack(">HHI", 0x8002, 4, 29305) + struct.pack(">HHI", 0x8001, 4, 29305)
    specifiers = b"".join(struct.pack(">HH", *f) for f in fields) + reverse
    template = flow_set(2, struct.pack(">HH", 300, len(fields) + 2) + specifiers)
    ends = ipaddress.IPv4Address(A[0]).packed + ipaddress.IPv4Address(B[0]).packed
    record = ends + struct.pack(">HHBQQ", A[1], B[1], 6, AT_S * 1000, AT_S * 1000 + 5000)
    record += struct.pack(">IIIII", 1000, 2, 120, 0, 0)
    (row,) = rows(read(tmp_path / "x.ipfix", ipfix(template) + ipfix(flow_set(300, record)), "ipfix"))
    assert counts_of(row) == (2000, None, 120_000, None)


def v5_at(minutes: int, record: tuple[str, int, str, int]) -> bytes:
    head = struct.pack(">HHIIIIBBH", 5, 1, 3_600_000, AT_S + 60 * minutes, 0, 1, 0, 0, 0)
    ends = ipaddress.IPv4Address(record[0]).packed + ipaddress.IPv4Address(record[2]).packed + bytes(4)
    counts = struct.pack(">HHIIII", 1, 2, 7, 700, 3_360_000, 3_600_000)
    return head + ends + counts + struct.pack(">HHBBBBHHBBH", record[1], record[3], 0, 24, 6, *[0] * 6)


V9_FIELDS = [(8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (2, 4), (1, 4), (22, 4), (21, 4)]


def flow_set(number: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    return struct.pack(">HH", number, len(body) + 4) + body


def v9_record(src: tuple[str, int], dst: tuple[str, int]) -> bytes:
    ends = ipaddress.IPv4Address(src[0]).packed + ipaddress.IPv4Address(dst[0]).packed
    return ends + struct.pack(">HHBIIII", src[1], dst[1], 6, 7, 700, 1_800_000, 3_600_000)


def v9(*sets: bytes) -> bytes:
    return struct.pack(">HHIIII", 9, len(sets), 3_600_000, AT_S, 1, 77) + b"".join(sets)


V9_TEMPLATE = flow_set(0, struct.pack(">HH", 260, 9) + b"".join(struct.pack(">HH", *f) for f in V9_FIELDS))


def test_netflow9_with_templates(tmp_path: Path) -> None:
    early = v9(flow_set(260, v9_record(A, B)))
    data = (
        early
        + v9(V9_TEMPLATE, flow_set(260, v9_record(A, B) + v9_record(B, A)))
        + v9(flow_set(260, v9_record(A, B)))
    )
    batches = read(tmp_path / "export.bin", data, "netflow")
    found = rows(batches)
    assert [(row["src_ip"], row["src_packets"], row["dst_packets"]) for row in found] == [
        ("10.0.0.7", 7, 7),
        ("10.0.0.7", 7, None),
    ]
    assert found[0]["first_at"].timestamp() == AT_S - 1800
    assert notes(batches) == {"export_without_template": {"sets": 1}}


def ipfix(*sets: bytes) -> bytes:
    body = b"".join(sets)
    return struct.pack(">HHIII", 10, 16 + len(body), AT_S, 1, 77) + body


IPFIX_FIELDS = [(27, 16), (28, 16), (7, 2), (11, 2), (4, 1), (2, 8), (1, 4), (152, 8), (153, 8), (82, 65535)]
REVERSE = struct.pack(">HHI", 0x8002, 8, 29305) + struct.pack(">HHI", 0x8001, 8, 29305)


def test_ipfix_biflows_with_reduced_and_variable_fields(tmp_path: Path) -> None:
    specifiers = b"".join(struct.pack(">HH", *f) for f in IPFIX_FIELDS) + REVERSE
    template = flow_set(2, struct.pack(">HH", 300, len(IPFIX_FIELDS) + 2) + specifiers)
    ends = ipaddress.IPv6Address("2001:db8::7").packed + ipaddress.IPv6Address("2001:db8::9").packed
    record = ends + struct.pack(">HHBQIQQ", 50123, 3333, 6, 10, 900, AT_S * 1000, AT_S * 1000 + 5000)
    record += b"\x04eth0" + struct.pack(">QQ", 12, 4000)
    options = flow_set(3, struct.pack(">HHHHHHH", 301, 2, 1, 149, 4, 41, 8))
    (row,) = rows(
        read(tmp_path / "x.ipfix", ipfix(template, options) + ipfix(flow_set(300, record)), "ipfix")
    )
    assert (row["src_ip"], row["dst_ip"]) == ("2001:db8::7", "2001:db8::9")
    assert counts_of(row) == (10, 12, 900, 4000)
    assert row["last_at"].timestamp() == AT_S + 5


@pytest.mark.parametrize(
    ("element", "kind"), [((0, 460), "host"), ((39499, 1), "host"), ((8057, 808), "sni")]
)
def test_ipfix_names_of_the_server(element: tuple[int, int], kind: str, tmp_path: Path) -> None:
    fields = [(8, 4), (12, 4), (7, 2), (11, 2), (4, 1), (152, 8), (153, 8)]
    named = struct.pack(">HHI", 0x8000 | element[1], 65535, element[0]) if element[0] else None
    specifiers = b"".join(struct.pack(">HH", *f) for f in fields)
    specifiers += named or struct.pack(">HH", element[1], 65535)
    template = flow_set(2, struct.pack(">HH", 300, len(fields) + 1) + specifiers)
    ends = ipaddress.IPv4Address(A[0]).packed + ipaddress.IPv4Address(B[0]).packed
    name = b"SS.Antpool.com:3333"
    record = ends + struct.pack(">HHBQQ", A[1], B[1], 6, AT_S * 1000, AT_S * 1000 + 5000)
    record += bytes([len(name)]) + name
    (row,) = rows(read(tmp_path / "x.ipfix", ipfix(template) + ipfix(flow_set(300, record)), "ipfix"))
    assert row["names"] == [{"kind": kind, "name": "ss.antpool.com"}]


@pytest.mark.parametrize("port", [2055, 4739])
def test_export_packets_in_a_capture(port: int, tmp_path: Path) -> None:
    datagram = wire.udp_datagram(60000, port, v5((*A, *B)))
    frame = wire.ethernet(wire.ip_packet("192.0.2.1", "192.0.2.2", 17, datagram))
    data = wire.pcap([wire.Packet(AT_S, frame), wire.Packet(AT_S + 1, frame)])
    found = rows(read(tmp_path / "exports.pcap", data, "netflow_capture"))
    assert [row["src_ip"] for row in found] == ["10.0.0.7", "10.0.0.7"]


def exports() -> bytes:
    return v9(V9_TEMPLATE, flow_set(260, v9_record(A, B))) + v9(flow_set(260, v9_record(B, A)))


@pytest.mark.parametrize("content", [v5((*A, *B), (*B, *A)) + v5((*A, *B)), exports()], ids=["v5", "v9"])
def test_cut_and_damaged_exports_give_what_precedes(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "export.bin"
    for size in range(1, len(content)):
        path.write_bytes(content[:size])
        try:
            found = recognise(path, OPTIONS)
        except UnreadableFile:
            continue
        if found.format == "netflow":
            assert len(rows(list(found.reader(path, OPTIONS)))) <= 3
    path.write_bytes(v5((*A, *B)) + v5((*A, *B)) + b"garbage behind it, long enough to look like more")
    batches = list(recognise(path, OPTIONS).reader(path, OPTIONS))
    assert len(rows(batches)) == 2
    assert notes(batches) == {"export_damaged": {"offset": 144}}
