"""Messages of a hidden miner and times of blocks, for steps that judge quiet connections."""

from datetime import datetime, timedelta
from typing import Any

import numpy as np

Row = dict[str, Any]
HOURS = 2.0


def block_times(start_at: datetime) -> list[Row]:
    """Return Monero's blocks of half a day from ``start_at`` on, by the clock of a node."""
    seconds = np.round(np.cumsum(np.random.default_rng(7).exponential(120.0, 360)))
    return [
        {"coin": "XMR", "height": 3_000_000 + n, "at": start_at + timedelta(seconds=at_s), "clock": "seen"}
        for n, at_s in enumerate(seconds.tolist())
    ]


def mining_messages(blocks: list[Row], first_at: datetime, seed: int) -> list[Row]:
    """Return work at each block, shares by chance and their answers, over two hours from ``first_at`` on."""
    rng = np.random.default_rng(seed)
    span = timedelta(hours=HOURS)
    work = [row["at"] + timedelta(seconds=0.6) for row in blocks if first_at < row["at"] < first_at + span]
    shares = [first_at + timedelta(seconds=float(at)) for at in np.sort(rng.uniform(0, 7200, 240))]
    said = [(at, 320, True) for at in work]
    said += [(at, 205, False) for at in shares] + [(at + timedelta(seconds=0.08), 85, True) for at in shares]
    return [{"at": at, "size": size, "from_dst": from_dst} for at, size, from_dst in sorted(said)]
