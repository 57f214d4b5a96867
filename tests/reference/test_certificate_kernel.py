"""Kernels of certificates and addresses against their twins."""

import ipaddress
from pathlib import Path

import dpkt
import numpy as np
import plain_certificates as plain
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import certificate_samples as sample
from minewatch.detect.pools.pool_list import PoolList, entries_of
from minewatch.kernels.traffic.addresses import in_ranges
from minewatch.kernels.traffic.certificates import NAME_AT, NAME_SIZE, certificate_names

MOST = 5

names = st.binary(max_size=12) | st.sampled_from([b"Pool.Example", b"*.pool.example", b"a" * 300])
certificates = st.builds(
    sample.certificate,
    st.lists(names, max_size=3),
    st.lists(names, max_size=6),
    version=st.booleans(),
    critical=st.booleans(),
)


def found_in(flight: bytes, room: int = 1 << 14) -> list[str]:
    # the flight lies in the middle of other bytes, none of which may be read
    data = np.frombuffer(b"\x16" * 7 + flight + b"\x16" * 7, np.uint8)
    scratch, found = np.full(room, 0xAA, np.uint8), np.zeros((MOST, 2), np.int64)
    count = certificate_names(data, 7, 7 + len(flight), scratch, found)
    spans = [(int(row[NAME_AT]), int(row[NAME_SIZE])) for row in found[:count]]
    return [scratch[at : at + size].tobytes().decode() for at, size in spans]


def test_subject_and_alternative_names() -> None:
    own = sample.certificate([b"Pool.Example"], [b"pool.example", b"*.Stratum.Pool.Example"])
    other = sample.certificate([b"authority.example"], [])
    wanted = ["pool.example", "pool.example", "*.stratum.pool.example"]
    for record in (1 << 14, 100, 7):
        assert found_in(sample.first_flight(own, other, record=record)) == wanted


@settings(max_examples=150, deadline=None)
@given(st.lists(certificates, max_size=2), st.integers(1, 600), st.integers(0, 4000), st.integers(0, 1500))
def test_whole_and_cut_flights(chain: list[bytes], record: int, cut: int, room: int) -> None:
    flight = sample.first_flight(*chain, record=record)
    assert found_in(flight) == plain.certificate_names(flight, MOST)
    assert found_in(flight[:cut]) == plain.certificate_names(flight[:cut], MOST)
    assert found_in(flight, room) == plain.certificate_names(flight, MOST, room)


@settings(max_examples=300, deadline=None)
@given(certificates, st.lists(st.tuples(st.integers(0, 4000), st.integers(0, 255)), max_size=6))
def test_damaged_flights(certificate: bytes, changes: list[tuple[int, int]]) -> None:
    flight = bytearray(sample.first_flight(certificate))
    for at, byte in changes:
        flight[at % len(flight)] = byte
    assert found_in(bytes(flight)) == plain.certificate_names(bytes(flight), MOST)


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes(data: bytes) -> None:
    assert found_in(data) == plain.certificate_names(data, MOST)


def test_every_bit_of_a_flight() -> None:
    flight = sample.first_flight(sample.certificate([b"pool.example"], [b"a.example", b"b.example"]))
    for bit in range(8 * len(flight)):
        damaged = bytearray(flight)
        damaged[bit // 8] ^= 1 << bit % 8
        assert found_in(bytes(damaged)) == plain.certificate_names(bytes(damaged), MOST)


REAL = {
    "google_ssl": "www.google.com",
    "tls-rdn-extract": "*.officeapps.live.com",
    "pluralsight": "*.imgix.com",
    "waze": "*.world.waze.com",
}


@pytest.mark.parametrize("name", REAL)
def test_real_certificates(name: str, shared_data: Path) -> None:
    sent: dict[bytes, dict[int, bytes]] = {}
    with (shared_data / "captures" / f"{name}.pcap").open("rb") as file:
        for _, frame in dpkt.pcap.Reader(file):
            ip = dpkt.ethernet.Ethernet(frame).data
            tcp = ip.data if isinstance(ip, dpkt.ip.IP) else None
            if isinstance(tcp, dpkt.tcp.TCP) and tcp.sport == 443 and tcp.data:
                segments = sent.setdefault(ip.src + ip.dst + tcp.dport.to_bytes(2, "big"), {})
                segments.setdefault(tcp.seq, tcp.data)
    flights = [b"".join(segments[seq] for seq in sorted(segments)) for segments in sent.values()]
    found = {seen for flight in flights for seen in found_in(flight[: 1 << 14])}
    assert REAL[name] in found
    assert found == {seen for flight in flights for seen in plain.certificate_names(flight[: 1 << 14], MOST)}


prefixes = st.one_of(
    st.tuples(st.integers(0, 2**32 - 1), st.integers(8, 32)).map(
        lambda each: str(ipaddress.ip_network((each[0], each[1]), strict=False))
    ),
    st.tuples(st.integers(0, 2**128 - 1), st.integers(1, 128)).map(
        lambda each: str(ipaddress.ip_network((each[0], each[1]), strict=False))
    ),
)


def as_number(address: str) -> int:
    ip = ipaddress.ip_address(address)
    return int(ip) + (0xFFFF << 32 if ip.version == 4 else 0)


@settings(max_examples=100, deadline=None)
@given(st.lists(prefixes, max_size=8), st.data())
def test_addresses_in_ranges(listed: list[str], data: st.DataObject) -> None:
    row = {"kind": "address", "port": 0, "pool": None, "coin": None, "source": "test", "as_of": plain.DAY}
    pools = PoolList(entries_of({**row, "endpoint": prefix} for prefix in listed))
    networks = [ipaddress.ip_network(prefix) for prefix in listed]
    ends = [str(net[n]) for net in networks for n in (0, -1)]
    beside = [str(ipaddress.ip_address(end) + step) for end in ends for step in (-1, 1) if inner(end)]
    candidates = [*ends, *beside, "10.0.0.1", "::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"]
    address = data.draw(st.sampled_from(candidates))
    spans = [(as_number(str(net[0])), as_number(str(net[-1]))) for net in networks]
    number = as_number(address)
    high, low = np.array([number >> 64, number & (1 << 64) - 1], np.uint64).view(np.int64).tolist()
    assert in_ranges(pools.ranges, high, low) == plain.in_ranges(spans, number)
    by_list = pools.of_address(address)
    assert (by_list is not None) == any(ipaddress.ip_address(address) in net for net in networks)


def inner(address: str) -> bool:
    return 0 < int(ipaddress.ip_address(address)) < 2**32 - 1
