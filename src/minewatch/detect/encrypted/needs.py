"""What the detector of hidden mining needs before it judges a connection."""

from typing import NamedTuple

import numpy as np

from minewatch.detect.encrypted.talk import Talk
from minewatch.kernels.traffic.quiet_messages import ASKED, PUSH
from minewatch.schema.reasons import Reason, reason


class TalkNeeds(NamedTuple):
    """Least length, messages, and of these the server's own and the client's.

    In twenty minutes an ordinary machine sends twenty shares or more; with fewer messages the sizes and the
    times between them say nothing.
    """

    minutes: float = 20.0
    messages: int = 30
    pushes: int = 4
    asked: int = 6


TALK_NEEDS = TalkNeeds()


def talk_refusal(talk: Talk, needs: TalkNeeds = TALK_NEEDS) -> Reason | None:
    """Return why a connection cannot be judged, or None."""
    if talk.hours * 60 < needs.minutes:
        return reason("encrypted_short", minutes=talk.hours * 60, needed=needs.minutes)
    roles = np.bincount(talk.role, minlength=3)
    counts = {"messages": talk.at_us.size, "pushes": int(roles[PUSH]), "asked": int(roles[ASKED])}
    if any(counts[name] < getattr(needs, name) for name in counts):
        needed = {f"needed_{name}": getattr(needs, name) for name in counts}
        return reason("encrypted_few", **counts, **needed)
    return None
