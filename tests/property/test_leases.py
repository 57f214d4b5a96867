"""Leases against a slow twin that looks at every row, and chains through several translations."""

import ipaddress
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minewatch.attribute.leases import MOST_LAYERS, Endpoint, LeaseIndex, Resolution, endpoint_of
from minewatch.schema.network_tables import IP_LEASES

START = datetime(2026, 5, 1, tzinfo=UTC)
DAY = timedelta(days=1)


def lease(prefix: str, **values: Any) -> dict[str, Any]:
    """Return a row of ip_leases: all ports, since ``START``, without end and without holder."""
    row = dict.fromkeys(IP_LEASES.names) | {"prefix": prefix, "port_low": 0, "port_high": 65535}
    return row | {"valid_from": START, "kind": "static"} | values


def resolve(rows: list[dict[str, Any]], name: str, at: datetime = START + DAY) -> Resolution:
    return LeaseIndex(pa.Table.from_pylist(rows, schema=IP_LEASES)).resolve(endpoint_of(name, at))


def code(resolution: Resolution) -> str | None:
    return resolution.refusal.code if resolution.refusal else None


def holders(resolution: Resolution) -> dict[str | None, float]:
    return {claim.lease.holder_name: round(claim.probability, 6) for claim in resolution.claims}


BLOCKS = st.builds(lambda low, length: f"10.0.0.{low >> (32 - length) << (32 - length)}/{length}",
                   st.integers(0, 255), st.integers(24, 32))  # fmt: skip
ROWS = st.lists(
    st.builds(
        lambda prefix, port, since, days, holder: lease(
            prefix,
            port_low=port,
            port_high=port + 20000,
            valid_from=START + since * DAY,
            valid_to=START + (since + days) * DAY if days else None,
            holder_name=holder,
        ),
        BLOCKS,
        st.sampled_from([0, 20000, 40000]),
        st.integers(0, 4),
        st.integers(0, 3),
        st.sampled_from(["甲", "乙", "丙", "丁"]),
    ),
    max_size=12,
)


def slow_holders(rows: list[dict[str, Any]], endpoint: Endpoint) -> dict[str, float]:
    """Look at every row: those that fit, of these the most specific, all equally probable."""
    ip = ipaddress.ip_address(endpoint.ip)
    fits = [
        row
        for row in rows
        if ip in ipaddress.ip_network(row["prefix"])
        and row["port_low"] <= endpoint.port <= row["port_high"]
        and row["valid_from"] <= endpoint.at
        and (row["valid_to"] is None or endpoint.at < row["valid_to"])
    ]
    lengths = [ipaddress.ip_network(row["prefix"]).prefixlen for row in fits]
    best = [row for row, length in zip(fits, lengths, strict=True) if length == max(lengths)]
    found: dict[str, float] = {}
    distinct: dict[tuple[object, ...], float] = {}
    for row in best:
        key = tuple(row.values())
        distinct[key] = distinct.get(key, 0) + 1 / len(best)
        found[row["holder_name"]] = found.get(row["holder_name"], 0) + 1 / len(best)
    return found


@given(ROWS, st.integers(0, 255), st.sampled_from([0, 19999, 20000, 39999, 45000]), st.integers(0, 8))
def test_one_layer_is_resolved_as_the_slow_twin_does(
    rows: list[dict[str, Any]], host: int, port: int, half_days: int
) -> None:
    endpoint = Endpoint(f"10.0.0.{host}", port, START + half_days * DAY / 2)
    index = LeaseIndex(pa.Table.from_pylist(rows, schema=IP_LEASES))
    resolution = index.resolve(endpoint)
    found: dict[str, float] = {}
    for claim in resolution.claims:
        name = str(claim.lease.holder_name)
        found[name] = found.get(name, 0) + claim.probability
    assert found == pytest.approx(slow_holders(rows, endpoint))
    assert (resolution.refusal is None) == bool(resolution.claims)
    assert index.covers(endpoint.ip) == any(
        ipaddress.ip_address(endpoint.ip) in ipaddress.ip_network(row["prefix"]) for row in rows
    )


def chain(*, ports: bool = True) -> list[dict[str, Any]]:
    """Carrier translation by port blocks, a park's router by port blocks, then private addresses."""
    block = {"port_low": 4096, "port_high": 8191} if ports else {}
    return [
        lease("198.18.0.1", kind="nat", next_prefix="100.64.0.7", carrier="天枢", **block),
        lease("100.64.0.7", port_low=4096, port_high=6143, kind="nat", next_prefix="172.16.0.1"),
        lease("100.64.0.7", port_low=6144, port_high=8191, kind="nat", next_prefix="172.16.0.2"),
        lease("172.16.0.1", holder_name="甲", address="富林镇江汉路1号"),
        lease("172.16.0.2", holder_name="乙", address="富林镇江汉路2号"),
    ]


def test_a_chain_of_translations_leads_to_the_holder_of_the_port() -> None:
    resolution = resolve(chain(), "198.18.0.1:5000")
    assert [layer.prefix for layer in resolution.claims[0].layers] == [
        "198.18.0.1",
        "100.64.0.7",
        "172.16.0.1",
    ]
    assert holders(resolution) == {"甲": 0.975, "乙": 0.025}


def test_inner_ports_that_nobody_kept_leave_both_holders() -> None:
    resolution = resolve(chain(ports=False), "198.18.0.1:50000")
    assert holders(resolution) == {"甲": 0.5, "乙": 0.5}


def test_an_inner_block_is_shared_by_all_in_it() -> None:
    rows = [lease("198.18.0.1", kind="nat", next_prefix="10.1.0.0/30")]
    rows += [lease(f"10.1.0.{host}", holder_name=name) for host, name in enumerate("甲乙丙丁")]
    assert holders(resolve(rows, "198.18.0.1:5000")) == dict.fromkeys("甲乙丙丁", 0.25)


def test_inner_addresses_of_another_carrier_are_no_candidates() -> None:
    rows = [
        lease("198.18.0.1", kind="nat", next_prefix="10.1.0.1", carrier="天枢"),
        lease("10.1.0.1", holder_name="甲", carrier="天枢"),
        lease("10.1.0.1", holder_name="乙", carrier="瑶光"),
    ]
    assert holders(resolve(rows, "198.18.0.1:5000")) == {"甲": 1.0}


def test_a_translation_that_names_its_holder_is_the_end_where_nothing_lies_behind() -> None:
    rows = [lease("198.18.0.1", kind="nat", next_prefix="192.168.0.0/16", holder_name="甲")]
    assert holders(resolve(rows, "198.18.0.1:5000")) == {"甲": 1.0}


def test_ipv6_is_resolved() -> None:
    rows = [lease("2001:db8::/32", holder_name="甲"), lease("2001:db8:1::/48", holder_name="乙")]
    assert holders(resolve(rows, "[2001:db8:1::5]:3333")) == {"乙": 1.0}
    assert holders(resolve(rows, "2001:db8:2::5:3333")) == {"甲": 1.0}


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([], "lease_unknown"),
        ([lease("198.18.0.1", valid_to=START + DAY / 2, holder_name="甲")], "lease_expired"),
        ([lease("198.18.0.1", port_low=1, port_high=2, holder_name="甲")], "lease_port_unassigned"),
        ([lease("198.18.0.1")], "lease_without_holder"),
        ([lease("198.18.0.1", next_prefix="10.0.0.9")], "lease_inner_unknown"),
        ([lease("198.18.0.1", next_prefix="198.18.0.1")], "lease_chain_circular"),
        (
            [lease(f"198.18.0.{n}", next_prefix=f"198.18.0.{n + 1}") for n in range(1, MOST_LAYERS + 3)],
            "lease_chain_circular",
        ),
    ],
)
def test_what_cannot_be_resolved_is_refused_with_the_layer(rows: list[dict[str, Any]], expected: str) -> None:
    assert code(resolve(rows, "198.18.0.1:5000")) == expected


def test_the_end_of_a_lease_belongs_to_the_next() -> None:
    rows = [
        lease("198.18.0.1", valid_to=START + DAY, holder_name="甲"),
        lease("198.18.0.1", valid_from=START + DAY, holder_name="乙"),
    ]
    assert holders(resolve(rows, "198.18.0.1:5000", START + DAY)) == {"乙": 1.0}
    before = START + DAY - timedelta(microseconds=1)
    assert holders(resolve(rows, "198.18.0.1:5000", before)) == {"甲": 1.0}


def test_a_day_of_sessions_is_looked_up_by_port() -> None:
    """A hundred thousand sessions of one address beside a wide lease: no look at each for every endpoint."""
    second = timedelta(seconds=1)
    rows = [lease("198.51.100.9", valid_from=START - 9 * DAY, valid_to=START, holder_name="before")]
    for n in range(100_000):
        port, times = (
            1024 + n % 60_000,
            {"valid_from": START + n * second, "valid_to": START + (n + 5) * second},
        )
        rows.append(lease("198.51.100.9", port_low=port, port_high=port, holder_name=f"H{n}", **times))
    index = LeaseIndex(pa.Table.from_pylist(rows, schema=IP_LEASES))
    for n in range(0, 100_000, 50):
        found = index.resolve(Endpoint("198.51.100.9", 1024 + n % 60_000, START + (n + 2) * second))
        assert holders(found) == {f"H{n}": 1.0}
    assert holders(index.resolve(Endpoint("198.51.100.9", 7, START - DAY))) == {"before": 1.0}
