"""Accounts that collect at several sites: known again by a hash, never a reason to merge."""

from minewatch.attribute.accounts import (
    MOST_SITES,
    NAMED,
    WALLET,
    AccountSeen,
    account_key,
    account_links,
    other_owners,
    shared_accounts,
)

MONERO = "48" + "a" * 93
ETHER = "0xAbCd" + "0" * 36


def test_a_wallet_is_one_everywhere_and_a_name_only_at_its_pool() -> None:
    assert account_key(MONERO, "pool.one.example") == account_key(MONERO, None) == MONERO
    assert account_key(ETHER, None) == account_key(ETHER.lower(), None)
    assert account_key("Lucky88", "eu.pool.example") == account_key("lucky88", "btc.pool.example")
    assert account_key("lucky88", "pool.example") != account_key("lucky88", "other.example")
    assert account_key("lucky88", "198.51.100.7:3333") == "lucky88@198.51.100.7:3333"


def test_names_that_mean_nobody_link_nothing() -> None:
    for name in ("x", "test", "WORKER", " anonymous "):
        assert account_key(name, "pool.example") is None
    assert account_key("lucky88", None) is None


def test_only_accounts_at_several_sites_are_told() -> None:
    seen = [
        AccountSeen("S-1", "198.51.100.1:4000", MONERO, "pool.example"),
        AccountSeen("S-1", "198.51.100.1:4001", MONERO, None),
        AccountSeen("S-2", "198.51.100.2:4000", MONERO, "pool.example"),
        AccountSeen("S-3", "198.51.100.3:4000", "lucky88", "a.pool.example"),
        AccountSeen("S-1", "198.51.100.1:4002", "lucky88", "b.pool.example"),
        AccountSeen("S-4", "198.51.100.4:4000", "alone88", "a.pool.example"),
    ]
    found = shared_accounts(seen)
    assert set(found) == {"S-1", "S-2", "S-3"}
    assert {item.elsewhere: item.probability for item in found["S-1"]} == {("S-2",): WALLET, ("S-3",): NAMED}
    assert found["S-2"][0].account_id in {item.account_id for item in found["S-1"]}
    links = list(account_links(found["S-1"]))
    assert {(link.from_kind, link.to_kind) for link in links} == {
        ("endpoint", "account"),
        ("account", "site"),
    }
    assert MONERO not in str([link.as_row() for link in links])
    assert shared_accounts(reversed(seen)) == found


def test_many_sites_are_counted_and_not_all_named() -> None:
    seen = [AccountSeen(f"S-{n:03d}", f"198.51.100.{n}:4000", MONERO, None) for n in range(60)]
    links = list(account_links(shared_accounts(seen)["S-000"]))
    assert sum(link.to_kind == "site" for link in links) == MOST_SITES
    assert links[-1].basis.values["sites"] == 59


def test_sites_of_one_owner_are_no_campaign() -> None:
    seen = [AccountSeen(f"S-{n}", f"198.51.100.{n}:4000", MONERO, None) for n in range(4)]
    accounts = shared_accounts(seen)["S-0"]
    owners = {"S-0": frozenset({"甲"}), "S-1": frozenset({"甲", "E1"}), "S-2": frozenset({"乙"})}
    assert other_owners("S-0", accounts, owners) == 2  # S-2, and S-3 of which nothing is known
