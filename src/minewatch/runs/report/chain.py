"""How endpoint, lease, address, usage point and enterprise hang together, as columns with lines between."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from minewatch.runs.report.data import Row

LAYERS = (
    ("endpoint",),
    ("lease",),
    ("holder",),
    ("application",),
    ("transformer", "feeder", "plant"),
    ("usage_point",),
    ("address", "enterprise"),
)
"""Kinds of things from left to right; an unknown kind comes last, in a column of its own."""

_ELSEWHERE = {"account", "site"}
"""Kinds of links that lead away from the site: told in the table, not drawn."""

MOST_NODES = 4
"""Nodes drawn in a column; the table below the drawing has all."""

NODE_PX, GAP_PX = 64, 14
_PITCH_PX = NODE_PX + GAP_PX
_SHARE = 0.78
"""Share of a column that the node takes; the lines run in the rest."""


class Node(NamedTuple):
    """A thing that is linked."""

    kind: str
    name: str


class Column(NamedTuple):
    """One layer: kinds that occur in it, the things drawn and how many are not."""

    kinds: list[str]
    nodes: list[Node]
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
    """Lay out rows of the type ``LINK`` within the site; None where there are none."""
    inside = [link for link in links if not {link["from_kind"], link["to_kind"]} & _ELSEWHERE]
    strength: dict[Node, float] = {}
    for link in inside:
        for node in _ends(link):
            strength[node] = max(strength.get(node, 0.0), link["probability"])
    if not strength:
        return None
    layers = sorted({_layer(node.kind) for node in strength})
    columns = [_column([node for node in strength if _layer(node.kind) == n], strength) for n in layers]
    tallest = max(len(column.nodes) for column in columns)
    return Chain(columns, _lines(inside, columns), tallest * _PITCH_PX - GAP_PX)


def _ends(link: Row) -> tuple[Node, Node]:
    return Node(link["from_kind"], link["from_id"]), Node(link["to_kind"], link["to_id"])


def _layer(kind: str) -> tuple[int, str]:
    known = [number for number, kinds in enumerate(LAYERS) if kind in kinds]
    return (known[0], "") if known else (len(LAYERS), kind)


def _column(nodes: Sequence[Node], strength: Mapping[Node, float]) -> Column:
    """Strongest first; leases stay in the order in which one translates to the next."""
    ordered = sorted(nodes, key=lambda node: 0 if node.kind == "lease" else -strength[node])
    return Column(sorted({node.kind for node in nodes}), ordered[:MOST_NODES], len(ordered[MOST_NODES:]))


def _lines(links: Sequence[Row], columns: Sequence[Column]) -> list[Line]:
    places = {node: (n, row) for n, column in enumerate(columns) for row, node in enumerate(column.nodes)}
    lines = []
    for link in links:
        ends = sorted(places[node] for node in _ends(link) if node in places)
        if len(ends) == 2:
            lines.append(_line(ends[0], ends[1], len(columns), link["probability"]))
    return lines


def _line(left: tuple[int, int], right: tuple[int, int], count: int, probability: float) -> Line:
    """Join right and left edges of two nodes; within one column (nested translations) their middles."""
    same = left[0] == right[0]
    x1 = 100 * (left[0] + (_SHARE / 2 if same else _SHARE)) / count
    x2 = x1 if same else 100 * right[0] / count
    y1, y2 = (row * _PITCH_PX + NODE_PX / 2 for row in (left[1], right[1]))
    return Line(round(x1, 2), y1, round(x2, 2), y2, probability)
