"""Exports of miner management: their shapes, their units, what is wrong in a row, and who stands in twice."""

import contextlib
import io
import json

import openpyxl
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from minewatch.office.platform.refusals import Refused
from minewatch.office.verify.inspections.hash_rates import hash_rate
from minewatch.office.verify.inspections.machines import Machine, count, hash_rates
from minewatch.office.verify.inspections.miner_exports import Export, read


def lines(*rows: str, encoding: str = "utf-8") -> Export:
    return read("\n".join(rows).encode(encoding), "export.csv")


@pytest.mark.parametrize(
    ("text", "unit", "told"),
    [
        ("14,18 TH/s", "", 14.18e12),
        ("200 540,59 GH/s", "", 200540.59e9),
        ("1,234.5 MH/s", "", 1234.5e6),
        ("95123.4 GHS", "", 95123.4e9),
        ("420 kSol/s", "", 420e3),
        ("104T", "", 104e12),
        ("104", "TH/s", 104e12),
        ("0.5 PH/s", "TH/s", 0.5e15),  # the unit that stands beside the number counts
        ("104", "", None),
        ("fast", "TH/s", None),
        ("5 W", "", None),
        ("-3 TH/s", "", None),
    ],
)
def test_hash_rates_are_read_with_their_unit(text: str, unit: str, told: float | None) -> None:
    assert hash_rate(text, unit) == (pytest.approx(told) if told is not None else None)


@given(
    st.floats(0.01, 9e5), st.sampled_from(["", "k", "M", "G", "T", "P"]), st.sampled_from(["H/s", "Sol/s"])
)
def test_what_is_written_is_read_again(value: float, prefix: str, unit: str) -> None:
    factor = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12, "P": 1e15}[prefix]
    assert hash_rate(f"{value:.6f} {prefix}{unit}") == pytest.approx(float(f"{value:.6f}") * factor)


def test_a_table_of_btc_tools() -> None:
    export = lines(
        "IP,Status,Type,Hash Rate RT,Hash Rate avg,Temp,Fan Speed,Pool 1,Worker 1,MAC,Firmware",
        "10.0.0.11,Running,Antminer S19j Pro,101.2 TH/s,103.9 TH/s,70,5900,p:3333,w.1,AA-BB-CC-00-00-01,v1",
        "10.0.0.12,Running,Antminer S19j Pro,0 TH/s,0 TH/s,20,0,p:3333,w.2,aa:bb:cc:00:00:02,v1",
        "10.0.0.13,Running,Antminer L7,9.1 GH/s,9.4 GH/s,70,5900,p:3333,w.3,aabbcc000003,v1",
    )
    assert export.refused == export.notes == ()
    first, _, third = export.machines
    assert (first.mac, first.ip, first.firmware, first.maker) == (
        "aa:bb:cc:00:00:01",
        "10.0.0.11",
        "v1",
        "Bitmain",
    )
    assert first.hash_rate == pytest.approx(103.9e12)  # the mean is taken before the moment
    assert third.algorithm == "scrypt"
    asics, scrypt = count(export.machines)
    assert (asics.model, asics.number, asics.running) == ("Antminer S19j Pro", 2, 1)
    assert asics.hash_rate_each == pytest.approx(103.9e12)
    assert hash_rates([asics, scrypt]) == pytest.approx({"SHA-256": 103.9e12, "scrypt": 9.4e9})


def test_a_chinese_table_in_gbk_with_a_title_above() -> None:
    export = lines(
        "矿机列表,,,,",
        "IP地址,MAC地址,矿机型号,平均算力(TH/s),功率(kW)",
        "192.168.1.5,AA:BB:CC:00:00:05,神马 M30S++,112.1,3.4",
        "192.168.1.6,AA:BB:CC:00:00:06,M30S++,109.9,3.6",
        encoding="gb18030",
    )
    assert [(one.hash_rate, one.power_w) for one in export.machines] == [
        (pytest.approx(112.1e12), pytest.approx(3400)),
        (pytest.approx(109.9e12), pytest.approx(3600)),
    ]
    assert {one.algorithm for one in export.machines} == {"SHA-256"}
    assert [machine.line for machine in export.machines] == [3, 4]


def test_a_workbook_is_read_from_its_sheet_of_machines() -> None:
    book = openpyxl.Workbook()
    book.active.append(["notes"])
    sheet = book.create_sheet("miners")
    sheet.append(["型号", "数量", "算法", "算力(MH/s)"])
    sheet.append(["GPU rig", 12, "ETC", 480.5])
    file = io.BytesIO()
    book.save(file)
    (machine,) = read(file.getvalue(), "farm.xlsx").machines
    assert (machine.model, machine.number, machine.algorithm) == ("GPU rig", 12, "Ethash")
    assert hash_rates(count([machine])) == pytest.approx({"Ethash": 12 * 480.5e6})


def test_json_of_awesome_miner_and_of_pyasic() -> None:
    awesome = {
        "totalHashrate5s": "14,18 TH/s",
        "groupList": [
            {
                "id": 2,
                "name": "Bitcoin Miners",
                "minerList": [
                    {
                        "id": 7,
                        "name": "Antminer S9 #1",
                        "hostname": "192.168.0.123",
                        "speedInfo": {"hashrate": "14,18 TH/s", "avgHashrate": "13,89 TH/s"},
                        "coinInfo": {"displayName": "Bitcoin (BTC)"},
                        "poolList": [{"name": "My pool", "hostname": "pool.example"}],
                    }
                ],
            }
        ],
    }
    (machine,) = read(json.dumps(awesome).encode(), "miners.json").machines
    assert (machine.model, machine.ip, machine.algorithm) == ("Antminer S9", "192.168.0.123", "SHA-256")
    assert machine.hash_rate == pytest.approx(13.89e12)
    pyasic = {
        "ip": "10.0.0.1",
        "mac": "AA:BB:CC:00:00:09",
        "make": "IceRiver",
        "model": "KS3",
        "algo": "KHeavyHash",
        "hashrate": {"unit": {"value": 10**12, "suffix": "TH/s"}, "rate": 8.1},
        "wattage": 3200,
    }
    (machine,) = read((json.dumps(pyasic) + "\n").encode(), "data.jsonl").machines
    assert (machine.algorithm, machine.power_w) == ("kHeavyHash", 3200)
    assert machine.hash_rate == pytest.approx(8.1e12)


def test_each_row_says_what_is_wrong_with_it() -> None:
    export = lines(
        "ip,mac,serial,model,hashrate,power",
        "10.0.0.1,aa:bb:cc:00:00:01,S1,Antminer S19,95,3250 W",
        "10.0.0.2,aa:bb:cc:00:00:02,S2,,95 TH/s,3250 W",
        "10.0.0.3,aa:bb:cc:00:00:03,S3,Box of unknown make,95 TH/s,much",
        "",
        "10.0.0.9,AABBCC000001,,Antminer S19,95 TH/s,3250 W",
        "10.0.0.8,,S3,Antminer S19,95 TH/s,3250 W",
        "10.0.0.3,,,Antminer S19,95 TH/s,3250 W",
        "10.0.0.7,00:00:00:00:00:00,N/A,Antminer S19,95 TH/s,3250 W",
        "10.0.0.6,00:00:00:00:00:00,N/A,Antminer S19,95 TH/s,3250 W",
    )
    assert [(row.line, row.code) for row in export.refused] == [
        (3, "machine_no_model"),
        (6, "machine_twice"),
        (7, "machine_twice"),
        (8, "machine_twice"),
    ]
    assert [(row.line, row.code) for row in export.notes] == [
        (2, "machine_hash_rate"),
        (4, "machine_power_w"),
        (4, "machine_no_algorithm"),
    ]
    assert [one.ip for one in export.machines] == ["10.0.0.1", "10.0.0.3", "10.0.0.7", "10.0.0.6"]
    assert all(str(row) for row in (*export.refused, *export.notes))


def test_rates_of_two_algorithms_are_never_added() -> None:
    machines = [
        Machine(1, "A", algorithm="SHA-256", hash_rate=1e14),
        Machine(2, "A", algorithm="scrypt", hash_rate=1e10),
        Machine(3, "B", algorithm="SHA-256", hash_rate=2e14),
    ]
    counts = count(machines)
    assert len(counts) == 3
    assert hash_rates(counts) == {"SHA-256": 3e14, "scrypt": 1e10}


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"colour,size\nred,3\n", "export_no_machines"),
        (b"", "export_no_machines"),
        (b"\xd0\xcf\x11\xe0old", "export_old_excel"),
        (b"PK\x03\x04not really", "export_broken"),
        (b"[" * 100_000, "export_broken"),
        (b'{"ip": ', "export_broken"),
        (b"\xff\xfe\x00\xd8", "file_not_text"),
    ],
)
def test_what_is_no_export_is_refused(content: bytes, code: str) -> None:
    with pytest.raises(Refused) as refusal:
        read(content, "file")
    assert refusal.value.code == code


@given(st.binary(max_size=300))
def test_nothing_makes_the_reader_fail_in_another_way(content: bytes) -> None:
    with contextlib.suppress(Refused):
        read(content, "x")


@example([["", "", "", "", "INF"]])
@given(st.lists(st.lists(st.text(max_size=12), max_size=5), max_size=6))
def test_no_table_makes_it_fail(rows: list[list[str]]) -> None:
    text = "ip,model,hashrate,power,count\n" + "\n".join(",".join(row) for row in rows)
    with contextlib.suppress(Refused):
        read(text.encode("utf-8", "surrogatepass"), "x")
