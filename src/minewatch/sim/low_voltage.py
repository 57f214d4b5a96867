"""Low-voltage lines below a transformer: where each meter hangs, how far its voltage falls, what is lost.

A line has three phase wires and a neutral of the same kind. The neutral carries what the phases do not
balance, so with R for one wire phase a falls by ``R (2.5 i_a - 0.5 (i_a + i_b + i_c))``: a load on one phase
lifts the other two (W. H. Kersting, Distribution System Modeling and Analysis, ch. 4, for currents in phase
with their voltages). Reactive current counts with X / R = 0.3, that of an insulated aluminium line of 70 to
120 mm2. Assumed: up to four branches, boxes 15 to 70 m apart. A designer chooses wires by what they lose:
resistances are scaled so that a given share of the energy is lost.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from minewatch.sim.county import Customer
from minewatch.sim.loads.shapes import Rng, log_uniform
from minewatch.sim.scene import Floats

PHASE_KV = 0.22
REACTANCE = 0.3
_MOST_BRANCHES, _BOXES_PER_BRANCH = 4, 5


@dataclass(frozen=True)
class Layout:
    """Boxes ordered along their branches; ohms are of one wire.

    ``segment_ohm`` (boxes,) is the line from the box before, or the transformer; ``branch_of`` (boxes,) the
    branch; ``service_ohm`` (customers,) from box to meter.
    """

    segment_ohm: Floats
    branch_of: npt.NDArray[np.int64]
    service_ohm: Floats

    @property
    def boxes(self) -> int:
        """Number of boxes."""
        return self.segment_ohm.size

    def branches(self) -> Iterator[slice]:
        """Yield the boxes of each branch, from the transformer outwards."""
        edges = np.flatnonzero(np.diff(self.branch_of, prepend=-1, append=-1))
        yield from map(slice, edges[:-1].tolist(), edges[1:].tolist())

    def line_ohm(self) -> Floats:
        """Return the resistance of one wire from the transformer to each box, shape (boxes,)."""
        return np.concatenate([np.cumsum(self.segment_ohm[boxes]) for boxes in self.branches()])


def draw_layout(rng: Rng, customers: Sequence[Customer]) -> Layout:
    """Draw the lines below a transformer that supplies ``customers``; the first of a branch may be far."""
    boxes = max(customer.box for customer in customers) + 1
    branches = min(_MOST_BRANCHES, -(-boxes // _BOXES_PER_BRANCH))
    per_ohm_km = log_uniform(rng, 0.25, 0.65)
    metres = rng.uniform(15, 70, boxes)
    branch_of = np.arange(boxes) * branches // boxes
    metres[np.flatnonzero(np.diff(branch_of, prepend=-1))] *= rng.uniform(1, 4, branches)
    kva = np.array([customer.contract_kva for customer in customers])
    service = rng.uniform(0.01, 0.05, kva.size) * 12 / np.maximum(kva, 12)
    return Layout(per_ohm_km * metres / 1000, branch_of, service)


def line_drop(layout: Layout, amps: Floats) -> Floats:
    """Turn currents drawn at each box and phase, A, shape (boxes, 3, periods), into fallen voltage, in place.

    Returns what the lines lose in each phase, kW, shape (3, periods).
    """
    loss_kw = np.zeros(amps.shape[1:])
    for boxes in layout.branches():
        carried = amps[boxes]
        for outer in range(len(carried) - 1, 0, -1):
            carried[outer - 1] += carried[outer]
        fallen = np.zeros(amps.shape[1:])
        for box, ohm in enumerate(layout.segment_ohm[boxes]):
            step = 2.5 * ohm * carried[box] - 0.5 * ohm * carried[box].sum(axis=0)
            loss_kw += step * carried[box] / 1000
            fallen += step
            carried[box] = fallen
    return loss_kw
