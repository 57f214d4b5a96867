"""A calibration for one county: the shipped null beside what inspections found there.

Labels say little about chance unless it is known why a subject was inspected. Two kinds of knowledge stay
valid whatever that reason was:

- A *sample*: subjects drawn by lot, or all of one class, join the innocents of their class.
- The *top*: from some score on (nearly) everybody was inspected. Then the number of innocents there is
  counted, not estimated, however the inspectors came to look. Who was not inspected counts as innocent.

A label below the top, given because a site was listed or reported, says nothing of the rate at which
innocents reach its score: it is shown, not counted.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from minewatch.fuse.nulls import Tail
from minewatch.fuse.strength import Calibration

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

LEFT_OPEN = 0.1
"""Share of the top that may be without an inspection; it counts as innocent (assumed)."""

UNNAMED = "unnamed"
"""Class of innocents whose label names none."""


@dataclass(frozen=True)
class Inspected:
    """Subjects of one family that count in a calibration, row by row, and the county they come from.

    ``sites`` and ``classes`` name site and innocent class ("" for none). ``innocent``: inspected and found
    so, or not inspected. ``in_class``, ``in_tail``: how the row counts. ``judged`` subjects had a score;
    ``start`` is the lower end of the top, None without one.
    """

    sites: Sequence[str]
    classes: Sequence[str]
    scores: Floats
    innocent: Flags
    in_class: Flags
    in_tail: Flags
    judged: int
    start: float | None

    def without(self, site: str) -> "Inspected":
        """Return the same without the innocents of one site."""
        gone = np.array([name == site for name in self.sites], bool) & self.innocent
        return replace(
            self,
            in_class=self.in_class & ~gone,
            in_tail=self.in_tail & ~gone,
            judged=self.judged - int(np.sum(gone & self.in_tail)),
        )


def top_start(scores: Floats, inspected: Flags) -> float | None:
    """Return the lowest score from which on at most ``LEFT_OPEN`` of the subjects are not ``inspected``.

    None where there is no such score. Subjects of one score are in the top together.
    """
    order = np.argsort(-scores, kind="stable")
    ranked, open_ = scores[order], np.cumsum(~inspected[order])
    ends = np.flatnonzero(np.append(ranked[1:] != ranked[:-1], True)) if len(ranked) else order
    complete = ends[open_[ends] <= LEFT_OPEN * (ends + 1)]
    return float(ranked[complete[-1]]) if len(complete) else None


def calibrated(shipped: Calibration, found: Inspected) -> Calibration:
    """Return the calibration of the county, and for each site whose labels count one without them.

    Scores without a sign are left in: at a score with one, they move p by less than its (T + N)-th part.
    """
    return replace(_with(shipped, found), own=_WithoutOwn(shipped, found))


class _WithoutOwn(Mapping[str, Calibration]):
    """Site → the calibration without its innocents that show a sign; made when asked for, for few are."""

    def __init__(self, shipped: Calibration, found: Inspected) -> None:
        self._shipped, self._found = shipped, found
        counted = found.innocent & (found.in_class | found.in_tail) & (found.scores > 0)
        self._sites = {name for name, counts in zip(found.sites, counted, strict=True) if counts}

    def __getitem__(self, site: str) -> Calibration:
        if site not in self._sites:
            raise KeyError(site)
        return _with(self._shipped, self._found.without(site))

    def __contains__(self, site: object) -> bool:
        return site in self._sites

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._sites))

    def __len__(self) -> int:
        return len(self._sites)


def _with(shipped: Calibration, found: Inspected) -> Calibration:
    null = shipped.null.joined(_by_class(found))
    if found.start is None:
        return replace(shipped, null=null)
    mines = int(np.sum(found.in_tail & ~found.innocent))
    scores = np.sort(found.scores[found.in_tail & found.innocent])
    return replace(shipped, null=replace(null, tail=Tail(found.start, scores, found.judged - mines)))


def _by_class(found: Inspected) -> Mapping[str, Floats]:
    names = np.array([name or UNNAMED for name in found.classes], dtype=object)
    chosen = found.in_class & found.innocent
    return {str(name): found.scores[chosen & (names == name)] for name in sorted(set(names[chosen]))}
