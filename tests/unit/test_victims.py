"""Owner or victim: each clue says what it is worth, and what a site's hours and returns tell."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from minewatch.fuse.presence import Presence, rest_share, returns
from minewatch.fuse.victims import RATIOS, Opinion, Owner, opinion

ZONE = ZoneInfo("Asia/Shanghai")
MONDAY = datetime(2026, 5, 11, tzinfo=ZONE).astimezone(UTC)
HOUR = timedelta(hours=1)
HOSPITAL = Owner(Presence(), public_body=True, beside_much=True, meter_agrees=False, power_kw=0.8)


def connection(number: int, first_h: float = 0, hours: float = 10, **values: Any) -> Mapping[str, Any]:
    first = MONDAY + first_h * HOUR
    said = {
        "capture": "a",
        "src_ip": f"10.1.0.{number}",
        "src_port": 5000,
        "dst_ip": "203.0.113.7",
        "dst_port": 3333,
        "protocol": 6,
        "opening_seen": True,
        "first_at": first,
        "last_at": first + hours * HOUR,
        "src_packets": 9,
        "dst_packets": 9,
        "src_bytes": 900 + number,
        "dst_bytes": 900,
        "shares_submitted": 9,
        "names": [],
        "dialect": "monero_login",
        "agent": "XMRig/6.21.0",
        "workers": [{"worker": f"w{number}"}],
        "machines": None,
        "accounts": [],
        "pool": None,
    }
    row = {
        "evidence_id": f"E{number}-{first_h}",
        "subject_id": f"10.1.0.{number}:5000",
        "host": None,
        "onset_at": first,
        "ended_at": first + hours * HOUR,
        "power_kw": 0.08,
        "hash_rate": 2000.0,
        "algorithm": "RandomX",
        "coin": "XMR",
    }
    own = {key: value for key, value in values.items() if key in row}
    return {**row, **own, "flow": said | {key: value for key, value in values.items() if key in said}}


def codes(told: Opinion) -> set[str]:
    return {item.code for item in told.reasons}


def test_office_computers_at_a_hospital_are_probably_infected() -> None:
    told = opinion([connection(n) for n in range(10)], HOSPITAL)
    assert told.probability > 0.9
    assert codes(told) == {"kind_prior_public", "kind_algorithm_cpu", "kind_machine_rate"}


def test_mining_machines_at_a_hospital_are_probably_somebodys_own() -> None:
    asic = {"algorithm": "SHA-256", "power_kw": 3.2, "hash_rate": 1e14, "agent": "bmminer/2.0.0"}
    machines = [connection(n, **asic) for n in range(3)]
    told = opinion(machines, HOSPITAL)
    assert told.probability < 0.01
    assert {"kind_algorithm_machine", "kind_agent_machine"} <= codes(told)


def test_a_coin_that_only_its_blocks_tell_counts_as_its_algorithm() -> None:
    hidden = {"algorithm": None, "power_kw": None, "hash_rate": None, "dialect": None, "agent": None}
    for coin, code in (("XMR", "kind_algorithm_cpu"), ("BTC", "kind_algorithm_machine"), (None, None)):
        told = opinion([connection(1, coin=coin, **hidden)], HOSPITAL)
        assert codes(told) - {"kind_prior_public", "kind_unsure"} == ({code} if code else set())


def test_a_block_in_the_curve_that_fits_speaks_for_a_farm_of_servers() -> None:
    servers = [connection(n, power_kw=0.5, hash_rate=20_000.0) for n in range(10)]
    agreed = opinion(servers, Owner(Presence(), True, False, True, 5.0))
    assert agreed.probability < 0.2
    assert "kind_meter_agrees" in codes(agreed)


def test_a_proxy_of_many_kilowatts_is_not_one_infected_computer() -> None:
    proxy = [connection(1, power_kw=60.0, hash_rate=2e6)]
    told = opinion(proxy, Owner(Presence(), True, False, False, 60.0))
    assert told.probability < 0.2
    assert "kind_power" in codes(told)


@pytest.mark.parametrize(
    ("presence", "code"),
    [
        (Presence(rest_share=0.1), "kind_office_hours"),
        (Presence(rest_share=3.0), "kind_odd_hours"),
        (Presence(rest_share=1.0), "kind_steady"),
        (Presence(hours=6.0, returns=5), "kind_comes_back"),
        (Presence(hours=100.0, returns=1), "kind_stays_on"),
        (Presence(resolves=True), "kind_bare_address"),
        (Presence(sites_with_account=1), "kind_account_elsewhere"),
        (Presence(shared_server="198.51.100.9:8443"), "kind_shared_server"),
    ],
)
def test_each_clue_moves_the_odds_by_what_it_says(presence: Presence, code: str) -> None:
    wire = [connection(n) for n in range(4)]
    plain = opinion(wire, Owner(Presence(), False, True, False, 0.3))
    told = opinion(wire, Owner(presence, False, True, False, 0.3))
    assert code in codes(told)
    odds = [item.probability / (1 - item.probability) for item in (plain, told)]
    assert odds[1] / odds[0] == pytest.approx(RATIOS[code])


def test_the_middle_says_that_it_is_open() -> None:
    told = opinion([connection(1)], Owner(Presence(rest_share=1.0), False, False, False, 0.08))
    assert 0.2 < told.probability < 0.8
    assert told.reasons[0].code == "kind_unsure"


def hours_of_week() -> list[datetime]:
    return [MONDAY + n * HOUR for n in range(7 * 24)]


def test_computers_that_people_switch_off_rest_by_night() -> None:
    days = [connection(n, 24 * day + 8.5, 9) for n in range(5) for day in range(5)]
    share = rest_share(days, hours_of_week(), ZONE)
    assert share is not None
    assert share < 0.1
    always = rest_share([connection(1, 0, 7 * 24)], hours_of_week(), ZONE)
    assert always == pytest.approx(1.0, abs=0.02)


def test_a_site_that_was_not_watched_by_night_does_not_rest_by_night() -> None:
    days = [connection(1, 24 * day + 8, 10) for day in range(5)]
    watched = [hour for hour in hours_of_week() if 8 <= hour.astimezone(ZONE).hour < 18]
    assert rest_share(days, watched[:50], ZONE) is None
    assert rest_share([], hours_of_week(), ZONE) is None


def test_a_miner_that_comes_back_is_followed_by_host_and_worker() -> None:
    killed = [connection(1, n, 0.8) for n in range(6)]
    assert returns(killed) == (pytest.approx(4.8), 5)
    alike = [connection(1, 0, 5, workers=[]), connection(1, 0.5, 5, workers=[])]
    assert returns(alike) == (0.0, 0)  # two at once under one name cannot be followed
    apart = [connection(1, 0, 1), connection(1, 30, 1)]
    assert returns(apart) == (pytest.approx(2.0), 0)


def test_software_that_need_not_say_its_name_hides_nothing() -> None:
    for dialect, opened, hidden in (
        ("monero_login", True, True),
        ("monero_login", False, False),
        ("ethereum_stratum", True, False),
        ("ids_alert", True, False),
    ):
        told = opinion([connection(1, agent=None, dialect=dialect, opening_seen=opened)], HOSPITAL)
        assert ("kind_agent_hidden" in codes(told)) == hidden


def test_scripts_in_browsers_are_no_choice_of_who_sits_there() -> None:
    told = opinion([connection(1, agent=None, dialect="browser_miner")], HOSPITAL)
    assert "kind_browser" in codes(told)
    assert told.probability > 0.9
