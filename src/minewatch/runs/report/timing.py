"""The server's messages around each block of a chain: one line a block, one dot a message."""

from collections.abc import Sequence
from dataclasses import dataclass

from minewatch.runs.report.data import Timing
from minewatch.runs.report.scales import STEPS, Tick

TIMING_PX = 260
"""Height of the drawing, pixels."""

MOST_BLOCKS = 400
"""Blocks drawn, the first ones; the words count all."""


@dataclass(frozen=True)
class TimingDrawing:
    """Dots as one path, marks of seconds before and after the block, where the block is (percent)."""

    endpoint: str
    timing: Timing
    dots: str
    marks: Sequence[Tick]
    block_at: float
    blocks_drawn: int


def timing_drawing(endpoint: str, timing: Timing) -> TimingDrawing:
    """Draw the messages of one connection around the blocks of its chain."""
    low, high = timing.around_s
    drawn = min(timing.blocks, MOST_BLOCKS)
    pairs = zip(timing.block.tolist(), timing.after_s.tolist(), strict=True)
    dots = [
        f"M{_share(after, low, high) * STEPS:.1f} {TIMING_PX * (block + 0.5) / drawn:.1f}h.01"
        for block, after in pairs
        if block < drawn
    ]
    seconds = range(int(low), int(high) + 1, 15)
    marks = [Tick(100 * _share(s, low, high), f"{_signed(s)} s", f"{_signed(s)}秒") for s in seconds]
    return TimingDrawing(endpoint, timing, "".join(dots), marks, 100 * _share(0, low, high), drawn)


def _signed(seconds: int) -> str:
    return f"{seconds:+d}" if seconds else "0"


def _share(seconds: float, low: float, high: float) -> float:
    return (seconds - low) / (high - low)
