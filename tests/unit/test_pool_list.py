"""Lists of pools: names, addresses and certificates, which entry counts, and what is no entry."""

from datetime import date
from typing import Any

import pytest

from minewatch.detect.pools.pool_list import PoolList, entries_of, shipped, with_rows

BASE: dict[str, Any] = {
    "kind": "domain",
    "endpoint": "pool.example",
    "port": 0,
    "pool": None,
    "coin": None,
    "source": "a list",
    "as_of": date(2026, 5, 1),
}


def pools(*rows: dict[str, Any]) -> PoolList:
    return PoolList(entries_of(BASE | row for row in rows))


@pytest.mark.parametrize(
    ("name", "serves_work"),
    [
        ("ss.antpool.com.", True),
        ("SS.AntPool.com", True),
        ("eu.stratum.antpool.com", True),
        ("www.antpool.com", False),
        ("antpool.com", False),
    ],
)
def test_names_of_the_shipped_list(name: str, serves_work: bool) -> None:
    found = shipped().of_name(name)
    assert found is not None
    assert (found.entry.endpoint, found.serves_work) == ("antpool.com", serves_work)


@pytest.mark.parametrize("name", ["example.org", "notantpool.com", "antpool.com.example.org", "com", ""])
def test_names_of_nobody(name: str) -> None:
    assert shipped().of_name(name) is None


def test_a_listed_host_gives_work_though_nothing_stands_before_it() -> None:
    assert pools({"endpoint": "xmr.pool.example"}).of_name("xmr.pool.example").serves_work  # type: ignore[union-attr]


def test_an_entry_with_a_port_is_of_that_port_only() -> None:
    known = pools({"port": 3333}, {"kind": "address", "endpoint": "203.0.113.0/24", "port": 443})
    on_port = known.of_name("pool.example", 3333)
    assert on_port is not None
    assert (on_port.serves_work, on_port.on_listed_port) == (True, True)
    assert known.of_name("pool.example", 443) is None
    assert known.of_name("pool.example") is not None  # the port is not known
    on_web = known.of_address("203.0.113.7", 443)
    assert on_web is not None
    assert on_web.serves_work
    assert known.of_address("203.0.113.7", 3333) is None
    assert known.of_address("203.0.114.7", 443) is None


def test_the_port_then_the_latest_then_the_narrowest_counts() -> None:
    known = pools(
        {"pool": "old", "as_of": date(2020, 1, 1), "source": "x"},
        {"pool": "new"},
        {"pool": "port", "port": 3333, "as_of": date(2019, 1, 1)},
        {"kind": "address", "endpoint": "2001:db8::/32", "pool": "wide"},
        {"kind": "address", "endpoint": "2001:db8::7", "pool": "narrow", "as_of": date(2019, 1, 1)},
    )
    assert known.of_name("a.pool.example", 3333).entry.pool == "port"  # type: ignore[union-attr]
    assert known.of_name("a.pool.example", 4444).entry.pool == "new"  # type: ignore[union-attr]
    assert known.of_address("2001:db8::7").entry.pool == "narrow"  # type: ignore[union-attr]
    assert known.of_address("2001:db8::8").entry.pool == "wide"  # type: ignore[union-attr]


def test_names_in_certificates() -> None:
    known = pools({}, {"kind": "certificate", "endpoint": "A Mining Proxy"})
    assert known.of_certificate("a mining proxy").serves_work  # type: ignore[union-attr]
    wildcard = known.of_certificate("*.pool.example")
    assert wildcard is not None
    assert (wildcard.name, wildcard.serves_work) == ("*.pool.example", False)
    assert known.of_certificate("stratum.pool.example").serves_work  # type: ignore[union-attr]
    assert known.of_certificate("proxy") is None
    assert known.of_name("a mining proxy") is None


def test_what_is_no_entry_is_kept_apart() -> None:
    known = pools({"endpoint": "com"}, {"kind": "address", "endpoint": "203.0.113.300"}, {"kind": "asn"})
    assert len(known.unread) == 3
    assert known.of_name("example.com") is None
    assert len(known.ranges) == 0


def test_rows_come_beside_the_shipped_list() -> None:
    known = with_rows([BASE])
    assert known.of_name("x.pool.example") is not None
    assert known.of_name("x.antpool.com") is not None
    assert with_rows([]) is shipped()
