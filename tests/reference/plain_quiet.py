"""Slow, obvious twins of ``minewatch.kernels.traffic.quiet_messages``: lists in, lists out."""

from collections.abc import Sequence

Message = tuple[int, int, bool]
"""(instant µs, size, from the server)."""


def joined(packets: Sequence[Message]) -> list[Message]:
    """Join a segment of 1,200 bytes or more with the next packet, if that is of its side within 50 ms."""
    messages: list[Message] = []
    for place, (at, size, server) in enumerate(packets):
        before = packets[place - 1] if place else None
        if before and before[1] >= 1200 and before[2] == server and at - before[0] <= 50_000:
            first_at, sum_of_sizes, side = messages.pop()
            messages.append((first_at, sum_of_sizes + size, side))
        else:
            messages.append((at, size, server))
    return messages


def roles(messages: Sequence[tuple[int, bool]], within_us: int) -> list[tuple[int, int]]:
    """Return (0 client, 1 answer, 2 push; which message is answered or -1) of each message."""
    waiting: list[int] = []
    told = []
    for place, (at, server) in enumerate(messages):
        if not server:
            waiting.append(place)
            told.append((0, -1))
            continue
        waiting = [other for other in waiting if at - messages[other][0] <= within_us]
        told.append((1, waiting.pop(0)) if waiting else (2, -1))
    return told


def classes(sizes: Sequence[int], number: int) -> list[tuple[int, int]]:
    """Return (begin, count) of the most common classes of sizes within 8 bytes."""
    rest, found = list(sizes), []
    for _ in range(number):
        counts = {low: sum(low <= size <= low + 8 for size in rest) for low in sorted(set(rest))}
        begin = max(counts, key=lambda low: (counts[low], -low), default=0)
        found.append((begin, counts.get(begin, 0)))
        rest = [size for size in rest if not (counts and begin <= size <= begin + 8)]
    return found


def covered(at_us: Sequence[int], half_us: int, begin_us: int, end_us: int) -> int:
    """Count the microseconds, from their starts, that lie within reach of an instant."""
    return sum(any(at - half_us <= us < at + half_us for at in at_us) for us in range(begin_us, end_us))


def near(at_us: Sequence[int], other_us: Sequence[int], half_us: int) -> int:
    """Count instants with another series' within reach."""
    return sum(any(abs(at - other) <= half_us for other in other_us) for at in at_us)


def hits(
    push_us: Sequence[int],
    block_us: Sequence[int],
    half_us: int,
    span_us: Sequence[int],
    offsets: Sequence[int],
) -> list[tuple[int, int]]:
    """Return (blocks in the span, blocks with a push within reach) for each offset."""
    told = []
    for offset in offsets:
        inside = [block + offset for block in block_us if span_us[0] <= block + offset <= span_us[1]]
        told.append((len(inside), near(inside, push_us, half_us)))
    return told
