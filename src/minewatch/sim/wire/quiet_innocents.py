"""Quiet encrypted connections that are not mining, as instants, sizes and directions.

Kinds are told from what programs of each do by their protocols' documents (MQTT 3.1.1, OCPP 1.6-J, RFC 2177
IMAP IDLE, RFC 6455 WebSocket pings, FIX 4.4 heartbeats, Electrum 1.4); rates and sizes are assumed and wide.
The hard ones send work-like pushes (feeds), share-like events (tills, sensors, orders), or push when a block
comes (wallets, explorers).
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
import numpy.typing as npt

from minewatch.sim.loads.shapes import Rng, log_uniform
from minewatch.sim.wire.quiet_talk import (
    Link,
    Talk,
    answers,
    by_chance,
    every,
    in_bursts,
    nearly,
    on_wire,
    receipts,
    said,
    together,
    wide,
)

Floats = npt.NDArray[np.float64]
Kind = Callable[[Rng, Link, float, Floats], list[Talk]]
"""(random stream, link, span s, instants that all clients of the server share) → parts of a talk."""


def innocent(rng: Rng, name: str, link: Link, common: Floats, span_s: float) -> Talk:
    """Return a connection of the kind ``name`` of ``KINDS``.

    ``common`` are the instants at which the server tells something to all its clients: blocks for wallets and
    explorers, else see ``common_times``.
    """
    return on_wire(rng, together(KINDS[name](rng, link, span_s, common)), link)


def common_times(rng: Rng, name: str, span_s: float) -> Floats:
    """Return when a server tells all its clients something at once; of some kinds none does."""
    if name in ("ticker", "dashboard", "quiet_feed"):
        period_s = log_uniform(rng, 2, 90)
        regular = rng.random() < 0.5
        return every(rng, span_s, period_s, 0.05) if regular else by_chance(rng, span_s, period_s)
    if name in ("group_chat", "push_service", "orders", "game"):
        return by_chance(rng, span_s, log_uniform(rng, 60, 1800))
    return np.empty(0)


def _beats(rng: Rng, link: Link, span_s: float, periods: tuple[float, ...], size: int) -> list[Talk]:
    """Return signs of life that either side sends and the other answers."""
    at_s = every(rng, span_s, float(rng.choice(periods)), log_uniform(rng, 0.002, 0.5))
    if rng.random() < 0.3:
        return [said(at_s, size, True), receipts(rng, at_s, size)]
    return [said(at_s, size, False), answers(rng, at_s, link, size)]


def _push_service(rng: Rng, link: Link, span_s: float, common: Floats) -> list[Talk]:
    told = np.sort(np.concatenate([common, in_bursts(rng, span_s, log_uniform(rng, 200, 7200), 2, 3)]))
    return [
        *_beats(rng, link, span_s, (60.0, 240.0, 300.0, 840.0), int(rng.integers(2, 40))),
        said(told, wide(rng, told.size, log_uniform(rng, 150, 900), 0.6), True),
        receipts(rng, told, nearly(rng, told.size, int(rng.integers(10, 60)), 3)),
    ]


def _mail(rng: Rng, link: Link, span_s: float, _: Floats) -> list[Talk]:
    told = by_chance(rng, span_s, log_uniform(rng, 300, 7200))
    asked = np.repeat(told, 3) + np.tile([0.05, 0.4, 0.9], told.size)
    return [
        said(every(rng, span_s, float(rng.choice((120.0, 300.0))), 0.2), 22, True),
        said(told, nearly(rng, told.size, 18, 2), True),
        said(asked, wide(rng, asked.size, 45, 0.3), False),
        answers(rng, asked, link, wide(rng, asked.size, 900, 1.2)),
    ]


def _long_poll(rng: Rng, _link: Link, span_s: float, _: Floats) -> list[Talk]:
    size, gave = int(rng.integers(300, 900)), int(rng.integers(150, 400))
    asked = every(rng, span_s, float(rng.choice((30.0, 55.0, 60.0, 90.0))), 0.1)
    hold = asked + log_uniform(rng, 5, 28)
    return [said(asked, size, False), said(hold, nearly(rng, hold.size, gave, 2), True)]


def _sensor(rng: Rng, link: Link, span_s: float, _: Floats) -> list[Talk]:
    at_s = every(rng, span_s, log_uniform(rng, 2, 600), log_uniform(rng, 0.002, 2))
    orders = by_chance(rng, span_s, log_uniform(rng, 300, 20_000))
    parts = [said(at_s, nearly(rng, at_s.size, int(rng.integers(40, 500)), 4), False)]
    if rng.random() < 0.7:
        parts.append(answers(rng, at_s, link, int(rng.integers(4, 40))))
    parts += [said(orders, wide(rng, orders.size, 90, 0.4), True), receipts(rng, orders, 30)]
    return parts + _beats(rng, link, span_s, (30.0, 60.0, 120.0), 2)


def _events(rng: Rng, link: Link, span_s: float, _: Floats) -> list[Talk]:
    """Doors, counters, passers-by: reports by chance, each acknowledged; settings pushed now and then."""
    if rng.random() < 0.5:
        at_s = by_chance(rng, span_s, log_uniform(rng, 5, 600))
    else:
        at_s = in_bursts(rng, span_s, log_uniform(rng, 60, 1200), 4, log_uniform(rng, 1, 20))
    told = by_chance(rng, span_s, log_uniform(rng, 120, 7200))
    return [
        said(at_s, nearly(rng, at_s.size, int(rng.integers(60, 400)), int(rng.choice((1, 4, 30)))), False),
        answers(rng, at_s, link, int(rng.integers(4, 80))),
        said(told, nearly(rng, told.size, int(rng.integers(60, 500)), int(rng.choice((1, 10, 60)))), True),
        receipts(rng, told, int(rng.integers(4, 60))),
        *_beats(rng, link, span_s, (30.0, 60.0, 120.0, 300.0), int(rng.integers(2, 30))),
    ]


def _charger(rng: Rng, link: Link, span_s: float, _: Floats) -> list[Talk]:
    """Charging piles and meters: heartbeats and values, each answered, calls from the centre."""
    values = every(rng, span_s, float(rng.choice((10.0, 15.0, 30.0, 60.0, 300.0))), 0.3)
    calls = by_chance(rng, span_s, log_uniform(rng, 200, 3600))
    states = in_bursts(rng, span_s, log_uniform(rng, 300, 3600), 3, 4)
    return [
        said(values, nearly(rng, values.size, int(rng.integers(180, 700)), 6), False),
        answers(rng, values, link, int(rng.integers(25, 70))),
        said(states, nearly(rng, states.size, int(rng.integers(90, 200)), 8), False),
        answers(rng, states, link, int(rng.integers(25, 70))),
        said(calls, wide(rng, calls.size, 140, 0.3), True),
        receipts(rng, calls, nearly(rng, calls.size, 60, 10)),
        *_beats(rng, link, span_s, (30.0, 60.0, 300.0), int(rng.integers(25, 60))),
    ]


def _till(rng: Rng, link: Link, span_s: float, _: Floats) -> list[Talk]:
    """Tills and payment terminals: each sale asks and is answered, by chance, sizes nearly alike."""
    at_s = by_chance(rng, span_s, log_uniform(rng, 20, 900))
    told = by_chance(rng, span_s, log_uniform(rng, 300, 14_400))
    parts = [
        said(at_s, nearly(rng, at_s.size, int(rng.integers(200, 900)), int(rng.choice((2, 12, 60)))), False),
        answers(rng, at_s, link, nearly(rng, at_s.size, int(rng.integers(80, 400)), 4), 0.4),
        said(told, wide(rng, told.size, 400, 0.5), True),
    ]
    if rng.random() < 0.5:  # the answer is followed by a confirmation
        parts.append(said(at_s + 2 * link.rtt_s + rng.exponential(1.5, at_s.size), 90, False))
    return parts + _beats(rng, link, span_s, (30.0, 60.0, 180.0), int(rng.integers(4, 60)))


def _vpn(rng: Rng, link: Link, span_s: float, _: Floats) -> list[Talk]:
    parts = _beats(rng, link, span_s, (10.0, 25.0, 60.0), int(rng.integers(32, 96)))
    for from_server in (False, True):
        at_s = in_bursts(rng, span_s, log_uniform(rng, 10, 300), log_uniform(rng, 2, 20), 0.2)
        parts.append(said(at_s, wide(rng, at_s.size, 180, 0.9) // 16 * 16, from_server))
    return parts


def _shell(rng: Rng, link: Link, span_s: float, _: Floats) -> list[Talk]:
    keys = in_bursts(rng, span_s, log_uniform(rng, 20, 900), log_uniform(rng, 5, 60), 0.25)
    shown = in_bursts(rng, span_s, log_uniform(rng, 60, 900), 4, 0.3)
    parts = [said(keys, 36, False), answers(rng, keys, link, 36)]
    if rng.random() < 0.4:  # a program on the screen that renews itself
        drawn = every(rng, span_s, float(rng.choice((1.0, 2.0, 3.0, 5.0))), 0.02)
        parts.append(said(drawn, wide(rng, drawn.size, 300, 0.5), True))
    parts.append(said(shown, wide(rng, shown.size, 250, 1.0), True))
    return parts + _beats(rng, link, span_s, (15.0, 30.0, 60.0, 300.0), 44)


def _desktop(rng: Rng, link: Link, span_s: float, _: Floats) -> list[Talk]:
    moved = in_bursts(rng, span_s, log_uniform(rng, 30, 600), 20, 0.3)
    drawn = in_bursts(rng, span_s, log_uniform(rng, 20, 300), 10, 0.3)
    return [
        said(moved, wide(rng, moved.size, 60, 0.3), False),
        said(drawn, wide(rng, drawn.size, 250, 1.0), True),
        *_beats(rng, link, span_s, (1.0, 5.0, 10.0, 60.0), int(rng.integers(20, 60))),
    ]


def _database(rng: Rng, link: Link, span_s: float, _: Floats) -> list[Talk]:
    if rng.random() < 0.5:
        asked = in_bursts(rng, span_s, log_uniform(rng, 30, 900), log_uniform(rng, 2, 15), 0.2)
    else:
        asked = by_chance(rng, span_s, log_uniform(rng, 3, 120))
    spread = rng.choice((0.02, 0.3, 0.8))
    return [
        said(asked, wide(rng, asked.size, log_uniform(rng, 80, 500), spread), False),
        answers(rng, asked, link, wide(rng, asked.size, log_uniform(rng, 60, 1500), 1.5 * spread), 0.01),
    ]


def _chat(rng: Rng, link: Link, span_s: float, common: Floats) -> list[Talk]:
    wrote = in_bursts(rng, span_s, log_uniform(rng, 120, 3600), log_uniform(rng, 1, 10), 12)
    heard = np.sort(np.concatenate([common, in_bursts(rng, span_s, log_uniform(rng, 60, 1800), 4, 15)]))
    return [
        said(wrote, wide(rng, wrote.size, 180, 0.5), False),
        answers(rng, wrote, link, nearly(rng, wrote.size, int(rng.integers(40, 120)), 2)),
        said(heard, wide(rng, heard.size, 320, 0.6), True),
        receipts(rng, heard, nearly(rng, heard.size, 60, 3), 0.3),
        *_beats(rng, link, span_s, (10.0, 30.0, 45.0, 60.0), int(rng.integers(2, 60))),
    ]


def _feed(rng: Rng, link: Link, span_s: float, common: Floats) -> list[Talk]:
    """Quotes, counters, dashboards: the server tells all its clients, who show that they are there."""
    spread = rng.choice((0.0, 0.02, 0.3, 0.8))
    size = log_uniform(rng, 60, 2500)
    at_s = common + link.rtt_s / 2 + rng.exponential(0.01, common.size)
    parts = [said(at_s, wide(rng, at_s.size, size, spread), True)]
    parts += _beats(rng, link, span_s, (10.0, 20.0, 30.0, 60.0, 180.0), int(rng.integers(2, 90)))
    if rng.random() < 0.3:  # somebody looks at something else
        asked = by_chance(rng, span_s, log_uniform(rng, 60, 1200))
        parts += [said(asked, nearly(rng, asked.size, int(rng.integers(60, 250)), 6), False)]
        parts += [answers(rng, asked, link, wide(rng, asked.size, 90, 0.3))]
    return parts


def _game(rng: Rng, link: Link, span_s: float, common: Floats) -> list[Talk]:
    """Presence: the client tells where it is, the server what others do."""
    at_s = by_chance(rng, span_s, log_uniform(rng, 1, 15))
    others = np.sort(np.concatenate([common, by_chance(rng, span_s, log_uniform(rng, 1, 30))]))
    heard = nearly(rng, others.size, int(rng.integers(30, 200)), int(rng.choice((2, 20, 90))))
    parts = [
        said(at_s, nearly(rng, at_s.size, int(rng.integers(30, 120)), int(rng.choice((2, 8, 40)))), False),
        said(others, heard, True),
    ]
    if rng.random() < 0.5:
        parts.append(answers(rng, at_s, link, int(rng.integers(10, 40))))
    return parts + _beats(rng, link, span_s, (5.0, 10.0, 30.0), 20)


def _orders(rng: Rng, link: Link, span_s: float, common: Floats) -> list[Talk]:
    """Trading: orders by chance, each acknowledged and later filled; heartbeats both ways."""
    placed = by_chance(rng, span_s, log_uniform(rng, 4, 300))
    filled = np.sort(placed + rng.exponential(log_uniform(rng, 0.5, 120), placed.size))
    filled = filled[(filled < span_s) & (rng.random(filled.size) < rng.uniform(0.1, 1))]
    news = np.sort(np.concatenate([common, filled]))
    digits = int(rng.choice((3, 10, 30)))
    return [
        said(placed, nearly(rng, placed.size, int(rng.integers(140, 260)), digits), False),
        answers(rng, placed, link, nearly(rng, placed.size, int(rng.integers(180, 320)), digits)),
        said(news, nearly(rng, news.size, int(rng.integers(200, 420)), digits), True),
        *_beats(rng, link, span_s, (10.0, 30.0), int(rng.integers(60, 90))),
    ]


def _wallet(rng: Rng, link: Link, span_s: float, blocks: Floats) -> list[Talk]:
    """Wallets: the header of each block, then perhaps questions about addresses."""
    told = blocks + link.rtt_s / 2 + rng.exponential(0.3, blocks.size)
    asked = told[rng.random(told.size) < rng.choice((0.0, 0.3, 1.0))] + 0.02
    looked = in_bursts(rng, span_s, log_uniform(rng, 300, 7200), 8, 0.1)
    return [
        said(told, int(rng.integers(230, 300)), True),
        said(asked, int(rng.integers(90, 160)), False),
        answers(rng, asked, link, nearly(rng, asked.size, int(rng.integers(60, 300)), 8)),
        said(looked, nearly(rng, looked.size, 140, 4), False),
        answers(rng, looked, link, wide(rng, looked.size, 300, 0.8)),
        *_beats(rng, link, span_s, (60.0, 120.0, 300.0), int(rng.integers(40, 80))),
    ]


def _explorer(rng: Rng, link: Link, span_s: float, blocks: Floats) -> list[Talk]:
    """Pages that show blocks as they come, with figures of what waits for the next."""
    told = blocks + link.rtt_s / 2 + rng.exponential(0.3, blocks.size)
    period_s = log_uniform(rng, 2, 60)
    regular = rng.random() < 0.6
    between = every(rng, span_s, period_s, 0.2) if regular else by_chance(rng, span_s, period_s)
    spread = rng.choice((0.0, 0.02, 0.3))
    return [
        said(told, wide(rng, told.size, log_uniform(rng, 300, 6000), 0.2), True),
        said(between, wide(rng, between.size, log_uniform(rng, 100, 2500), spread), True),
        *_beats(rng, link, span_s, (20.0, 30.0, 60.0), int(rng.integers(2, 60))),
    ]


KINDS: Mapping[str, Kind] = MappingProxyType(
    {
        "push_service": _push_service, "mail": _mail, "long_poll": _long_poll, "sensor": _sensor,
        "events": _events, "charger": _charger, "till": _till, "vpn": _vpn, "shell": _shell,
        "desktop": _desktop, "database": _database, "group_chat": _chat, "ticker": _feed,
        "dashboard": _feed, "quiet_feed": _feed, "game": _game, "orders": _orders, "wallet": _wallet,
        "explorer": _explorer,
    }
)  # fmt: skip
"""Kinds of quiet encrypted connections."""

ON_BLOCKS = ("wallet", "explorer")
"""Kinds that tell of each block of a chain."""

SHARES: Mapping[str, float] = MappingProxyType(
    {
        "push_service": 0.3, "mail": 0.06, "long_poll": 0.08, "sensor": 0.15, "events": 0.06, "charger": 0.05,
        "till": 0.04, "vpn": 0.05, "shell": 0.02, "desktop": 0.02, "database": 0.03, "group_chat": 0.07,
        "ticker": 0.01, "dashboard": 0.02, "quiet_feed": 0.01, "game": 0.015, "orders": 0.005,
        "wallet": 0.005, "explorer": 0.005,
    }
)  # fmt: skip
"""How common each is among quiet, long encrypted connections (assumed)."""
