"""The handshake of Stratum V2 by its sizes alone.

The caller sends 64 bytes (its ephemeral key), the pool answers with 234 (64 of its key, 80 of its encrypted
static key, 90 of its encrypted signature). What follows are frames: a header of 22 bytes, then the message
and 16 bytes. The caller sets the connection up; the answer ``SetupConnection.Success`` has 6 bytes (44 with
all). A miner then opens a channel, with at least 41 bytes; who only wants block templates sends 6.

Source: Stratum V2 specification, §3.2, §3.6, §4.5.1, §4.5.2, §5.3 and §7.1.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

CALL, ANSWER = 64, -234
"""The sizes with which a connection opens; negative from the server."""

_FRAME = 22 + 16
_SETUP_LEAST, _SETUP_MOST = _FRAME + 17, 2 * _FRAME + 1500
_SUCCESS = _FRAME + 6
_CHANNEL_LEAST = _FRAME + 41


def noise_sign(sizes: Sequence[int]) -> str | None:
    """Return how much of the handshake the sizes of a connection's first payloads show.

    ``noise_channel``: up to the opening of a mining channel. ``noise_setup``: up to the answer to the set-up.
    ``noise_opening``: the first two sizes and nothing that contradicts them; None: another shape.
    """
    if tuple(sizes[:2]) != (CALL, ANSWER):
        return None
    turns = list(_turns(sizes[2:]))
    if not turns:
        return "noise_opening"
    if not _SETUP_LEAST <= turns[0] <= _SETUP_MOST:
        return None
    if len(turns) == 1:
        return "noise_opening"
    if turns[1] != -_SUCCESS:
        return None
    return "noise_channel" if len(turns) > 2 and turns[2] >= _CHANNEL_LEAST else "noise_setup"


def _turns(sizes: Sequence[int]) -> Iterator[int]:
    """Yield the bytes that one side sends until the other speaks."""
    for _, turn in groupby(sizes, key=lambda size: size > 0):
        yield sum(turn)
