"""How endpoint, lease, address, usage point and enterprise hang together, as columns with lines between."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from minewatch.runs.report.data import Row

ORDER = (
    "endpoint",
    "nat",
    "lease",
    "address",
    "plant",
    "transformer",
    "usage_point",
    "application",
    "enterprise",
)
"""Columns from left to right; an unknown kind comes last."""

MOST_NODES = 4
"""Nodes drawn in a column; the table below the drawing has all."""

NODE_PX, GAP_PX = 64, 14
_SHARE = 0.78
"""Share of a column that the node takes; the lines run in the rest."""


class Column(NamedTuple):
    """One kind of thing: the names drawn and how many are not."""

    kind: str
    names: list[str]
    left_out: int


class Line(NamedTuple):
    """A link: ends in percent from the left and pixels from the top, and its probability."""

    x1: float
    y1: float
    x2: float
    y2: float
    probability: float


@dataclass(frozen=True)
class Chain:
    """Columns and lines of the drawing; ``height`` in pixels."""

    columns: list[Column]
    lines: list[Line]
    height: int


def chain(links: Sequence[Row]) -> Chain | None:
    """Lay out rows of the type ``LINK``; None where there are none."""
    strength: dict[tuple[str, str], float] = {}
    for link in links:
        for end in ("from", "to"):
            node = (link[f"{end}_kind"], link[f"{end}_id"])
            strength[node] = max(strength.get(node, 0.0), link["probability"])
    if not strength:
        return None
    kinds = sorted({kind for kind, _ in strength}, key=_rank)
    columns = [_column(kind, strength) for kind in kinds]
    tallest = max(len(column.names) for column in columns)
    return Chain(columns, _lines(links, columns), tallest * (NODE_PX + GAP_PX) - GAP_PX)


def _rank(kind: str) -> tuple[int, str]:
    return (ORDER.index(kind) if kind in ORDER else len(ORDER), kind)


def _column(kind: str, strength: dict[tuple[str, str], float]) -> Column:
    names = sorted((name for k, name in strength if k == kind), key=lambda n: (-strength[kind, n], n))
    return Column(kind, names[:MOST_NODES], len(names[MOST_NODES:]))


def _lines(links: Sequence[Row], columns: Sequence[Column]) -> list[Line]:
    places = {
        (column.kind, name): (number, row)
        for number, column in enumerate(columns)
        for row, name in enumerate(column.names)
    }
    lines = []
    for link in links:
        ends = [places.get((link[f"{end}_kind"], link[f"{end}_id"])) for end in ("from", "to")]
        if ends[0] and ends[1] and ends[0][0] != ends[1][0]:
            lines.append(_line(min(ends[0], ends[1]), max(ends[0], ends[1]), len(columns), link))
    return lines


def _line(left: tuple[int, int], right: tuple[int, int], count: int, link: Row) -> Line:
    x1, x2 = 100 * (left[0] + _SHARE) / count, 100 * right[0] / count
    y1, y2 = (row * (NODE_PX + GAP_PX) + NODE_PX / 2 for row in (left[1], right[1]))
    return Line(round(x1, 2), y1, round(x2, 2), y2, link["probability"])
