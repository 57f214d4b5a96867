"""The reasons that tell a person what a quiet connection shows."""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from minewatch.detect.encrypted.blocks import Blocks
from minewatch.detect.encrypted.evenness import Evenness
from minewatch.detect.encrypted.model import Verdict, shipped_model
from minewatch.detect.encrypted.talk import FEATURES, Floats, Talk
from minewatch.schema.reasons import Reason, reason


class Judged(NamedTuple):
    """A talk with what was measured of it; ``others``: connections to the same server at the same time."""

    talk: Talk
    others: int
    even: Evenness | None
    features: Floats
    blocks: Blocks
    verdict: Verdict

    def feature(self, name: str) -> float:
        """Return a feature by its name."""
        return float(self.features[FEATURES.index(name)])


def talk_reasons(judged: Judged) -> list[Reason]:
    """Return what speaks for mining, and on what the strength rests."""
    return list(_reasons(judged))


def _reasons(judged: Judged) -> Iterator[Reason]:
    get, hours = judged.feature, judged.talk.hours
    yield reason(
        "encrypted_events",
        hours=hours,
        size=10 ** get("event_size"),
        rate=10 ** get("event_rate"),
        gaps=get("event_gaps"),
    )
    if get("answered") > 0:
        percents = {"percent": 100 * get("answered"), "same_percent": 100 * get("answer_sizes")}
        yield reason("encrypted_answers", size=10 ** get("answer_size"), **percents)
    yield reason(
        "encrypted_pushes",
        pushes=int(judged.talk.push_us.size),
        rate=10 ** get("push_rate"),
        percent=100 * get("push_sizes"),
        size=10 ** get("push_size"),
    )
    yield _of_blocks(judged.blocks)
    if judged.others and np.isfinite(get("together")):
        yield reason("encrypted_together", connections=judged.others, factor=10 ** get("together"))
    if judged.even:
        yield reason("encrypted_even", ratio=judged.even.ratio)
    yield reason("encrypted_unread", kinds=len(shipped_model().kinds))


def _of_blocks(blocks: Blocks) -> Reason:
    best = blocks.best
    if best is None:
        return reason("encrypted_no_blocks")
    return reason("encrypted_blocks", **best._asdict())
