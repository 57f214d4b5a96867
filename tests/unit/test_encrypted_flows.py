"""Hidden mining: by pushes against blocks, by the shape of the talk, by neighbours; refusals."""

from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pytest

from minewatch.detect.encrypted.blocks import chain_of, match, usable, weigh_blocks
from minewatch.detect.encrypted.encrypted_flows import chains_of, encrypted_evidence
from minewatch.detect.encrypted.evenness import evenness_of
from minewatch.detect.encrypted.talk import FEATURES, features_of, talk_of
from minewatch.sim.streams import stream
from minewatch.sim.wire.chains import found
from minewatch.sim.wire.quiet_innocents import innocent
from quiet_samples import (
    LINK,
    SPAN_S,
    START,
    block_rows,
    blocks_table,
    flow_row,
    flows_table,
    mining,
    service,
)

ZONE = ZoneInfo("Asia/Shanghai")
PARAMETERS = {
    "period_start_at": START.isoformat(),
    "period_end_at": (START + timedelta(days=3)).isoformat(),
    "zone": ZONE.key,
}


def evidence(rows: list[dict[str, Any]], blocks: list[dict[str, Any]] = []) -> list[dict[str, Any]]:  # noqa: B006
    tables = {"flows": flows_table(rows), "block_times": blocks_table(blocks)}
    return encrypted_evidence(tables, PARAMETERS).to_pylist()


def codes(row: dict[str, Any]) -> set[str]:
    return {item["code"] for item in row["reasons"]}


@pytest.mark.parametrize(("name", "coin"), [("monero", "XMR"), ("ethereum", "ETC")])
def test_pushes_with_each_block_are_strong_and_name_the_coin(name: str, coin: str) -> None:
    (talk,), blocks = mining(name, seed=1)
    (row,) = evidence([flow_row(talk, 1)], blocks)
    assert row["log10_lr"] > 5.28
    assert row["coin"] == coin
    assert row["subject_id"] == "192.0.2.1:40000"
    assert {"encrypted_blocks", "encrypted_events", "encrypted_answers", "encrypted_pushes"} <= codes(row)


def test_blocks_and_neighbours_each_add_strength() -> None:
    talks, blocks = mining("monero", seed=2, machines=3)
    rows = [flow_row(talk, number) for number, talk in enumerate(talks)]
    (alone,) = evidence(rows[:1])
    beside = evidence(rows)[0]
    full = evidence(rows, blocks)[0]
    assert 0 < alone["log10_lr"] < beside["log10_lr"] < full["log10_lr"]
    assert "encrypted_no_blocks" in codes(alone)
    assert "encrypted_together" in codes(beside) - codes(alone)


def test_neighbours_count_only_at_the_same_server_and_time() -> None:
    talks, _ = mining("monero", seed=2, machines=2)
    own = flow_row(talks[0], 1)
    elsewhere = flow_row(talks[1], 2, server="198.51.100.8")
    later = flow_row(talks[1], 2)
    later |= {name: later[name] + timedelta(days=1) for name in ("first_at", "last_at")}
    for other in (elsewhere, later):
        assert "encrypted_together" not in codes(evidence([own, other])[0])


@pytest.mark.parametrize(
    "kind", ["push_service", "sensor", "charger", "vpn", "shell", "group_chat", "dashboard"]
)
def test_other_services_show_no_sign(kind: str) -> None:
    _, blocks = mining("monero", seed=3)
    rows = [flow_row(service(kind, seed), seed) for seed in range(6)]
    assert [row for row in evidence(rows, blocks) if row["log10_lr"] is not None] == []


def test_what_follows_blocks_but_has_no_shares_is_a_wallet() -> None:
    rng = stream(5, "wallet")
    blocks = found(rng, "XMR", SPAN_S)
    talk = innocent(rng, "wallet", LINK, blocks[(blocks > 0) & (blocks < SPAN_S)] + 0.4, SPAN_S)
    times = list(block_rows(rng, {"XMR": blocks}))
    seen = talk_of(*_arrays(talk))
    assert weigh_blocks(seen.push_us, seen.span_us, chains_of(blocks_table(times))).log10_b > 6
    assert [row for row in evidence([flow_row(talk, 1)], times) if row["log10_lr"] is not None] == []


def _arrays(talk: Any) -> tuple[Any, Any, Any]:
    start_us = round(START.timestamp() * 1e6)
    return start_us + np.round(talk.at_s * 1e6).astype(np.int64), talk.size, talk.from_server


def test_rows_that_a_sensor_cut_are_one_connection() -> None:
    (talk,), blocks = mining("monero", seed=4)
    whole = flow_row(talk, 1)
    middle = len(whole["messages"]) // 2
    first = whole | {"messages": whole["messages"][:middle], "last_at": whole["messages"][middle - 1]["at"]}
    second = whole | {"messages": whole["messages"][middle:], "first_at": whole["messages"][middle]["at"]}
    cut = evidence([second | {"flow_id": "flow-002"}, first], blocks)
    (expected,) = evidence([whole], blocks)
    assert [(row["log10_lr"], row["period_end_at"]) for row in cut] == [
        (expected["log10_lr"], expected["period_end_at"])
    ]


def test_short_or_nearly_silent_connections_are_refused_once_for_a_host() -> None:
    (talk,), _ = mining("monero", seed=6)
    row = flow_row(talk, 1)
    short = row | {"messages": row["messages"][:60], "last_at": row["messages"][59]["at"]}
    few = row | {"messages": row["messages"][::12], "src_port": 40_001, "flow_id": "flow-002"}
    refused = evidence([short, few])
    assert [(item["subject_id"], item["log10_lr"]) for item in refused] == [("192.0.2.1:40000", None)]
    assert codes(refused[0]) == {"encrypted_short"}
    assert codes(evidence([few])[0]) == {"encrypted_few"}


def test_flow_logs_without_messages_are_refused_with_their_number() -> None:
    (talk,), _ = mining("monero", seed=6)
    log = flow_row(talk, 1) | {"messages": None}
    loud = log | {"src_ip": "192.0.2.2", "dst_bytes": 90_000_000, "flow_id": "flow-003"}
    short = log | {"src_ip": "192.0.2.3", "last_at": START + timedelta(minutes=9), "flow_id": "flow-004"}
    (refusal,) = evidence([log, log | {"src_port": 40_002, "flow_id": "flow-002"}, loud, short])
    assert refusal["log10_lr"] is None
    assert refusal["reasons"][0]["code"] == "encrypted_unnoted"
    assert '"connections": 2' in refusal["reasons"][0]["values"]


def test_flows_whose_dialect_is_known_are_left_to_the_other_detector() -> None:
    (talk,), _ = mining("monero", seed=6)
    assert evidence([flow_row(talk, 1, dialect="stratum_v1")]) == []


def test_an_order_of_rows_changes_nothing() -> None:
    talks, blocks = mining("bitcoin", seed=7, machines=4)
    rows = [flow_row(talk, number) for number, talk in enumerate(talks)]
    assert evidence(rows[::-1], blocks[::-1]) == evidence(rows, blocks)


def test_regular_chains_and_fast_ones_are_not_used() -> None:
    every_s = np.arange(0, 3600, 12.0)
    assert not usable(chain_of("ETH", "seen", (every_s * 1e6).astype(np.int64)))
    assert not usable(chain_of("KAS", "seen", np.sort(stream(1).uniform(0, 3.6e9, 3600)).astype(np.int64)))
    assert usable(chain_of("BTC", "seen", np.sort(stream(1).uniform(0, 3.6e9, 6)).astype(np.int64)))


def test_the_better_clock_and_the_first_time_of_a_block_count() -> None:
    blocks = np.cumsum(stream(3).exponential(120.0, 40)).round()
    rows = [
        {"coin": "XMR", "height": n, "at": START + timedelta(seconds=at + late), "clock": clock}
        for n, at in enumerate(blocks.tolist())
        for late, clock in ((0, "seen"), (3, "seen"), (-9, None), (-20, "header"))
    ]
    (chain,) = chains_of(blocks_table(rows))
    (headed,) = chains_of(blocks_table([row for row in rows if row["clock"] != "seen"]))
    assert (chain.clock, headed.clock) == ("seen", "header")
    start_us = round(START.timestamp() * 1e6)
    assert np.all(chain.at_us // 1_000_000 == start_us // 1_000_000 + blocks)
    assert headed.at_us.size == blocks.size


def test_clocks_that_are_apart_are_found() -> None:
    blocks_us = np.sort(stream(8).uniform(0, 3.6e9, 30)).astype(np.int64)
    pushes = np.sort(np.concatenate([blocks_us + 17_400_000, stream(9).integers(0, 3_600_000_000, 60)]))
    found_match = match(pushes, (0, 3_600_000_000), chain_of("XMR", "seen", blocks_us))
    assert found_match is not None
    assert abs(found_match.offset_s - 17.4) <= 0.5
    assert found_match.hits >= 29
    assert found_match.log10_b > 15


def test_no_block_in_the_time_says_nothing() -> None:
    blocks_us = np.sort(stream(8).uniform(0, 3.6e9, 30)).astype(np.int64) + 10**12
    weighed = weigh_blocks(
        np.arange(0, 3_600_000_000, 10**7), (0, 3_600_000_000), [chain_of("XMR", "seen", blocks_us)]
    )
    assert weighed == (0.0, None)


def test_features_say_what_they_claim() -> None:
    (talk,), _ = mining("monero", seed=9)
    features = dict(zip(FEATURES, features_of(talk_of(*_arrays(talk))), strict=True))
    assert 0.9 < features["event_gaps"] < 1.6
    assert features["answered"] > 0.9
    assert features["push_sizes"] == pytest.approx(1.0, abs=0.1)
    assert np.isnan(features["together"])
    clock = service("charger", 1)
    assert features_of(talk_of(*_arrays(clock)))[FEATURES.index("client_rate")] > 1


def test_nights_are_held_against_days() -> None:
    midnight_us = round(START.timestamp() * 1e6) + 14 * 3_600_000_000  # local midnight
    at_us = midnight_us + np.arange(0, 24 * 3600, 30, dtype=np.int64) * 1_000_000
    span = (int(at_us[0]), int(at_us[-1]))
    even = evenness_of(at_us, span, ZONE)
    by_day = evenness_of(at_us[at_us > midnight_us + 8 * 3_600_000_000], span, ZONE)
    assert even is not None
    assert even.is_even
    assert by_day is not None
    assert not by_day.is_even
    assert evenness_of(at_us[:400], (span[0], span[0] + 4 * 3_600_000_000), ZONE) is None


def test_an_empty_table_gives_an_empty_one() -> None:
    assert evidence([]) == []


def test_a_neighbour_that_has_nothing_to_do_with_the_pool_does_not_hide_a_miner() -> None:
    (talk,), blocks = mining("monero", seed=1)
    other = flow_row(service("vpn", 1), 2)
    (row,) = evidence([flow_row(talk, 1), other], blocks)
    assert "encrypted_together" in codes(row)
    assert row["log10_lr"] > 4
