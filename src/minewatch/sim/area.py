"""True power below one transformer, account by account: per phase, at each meter box, behind no meter."""

from collections.abc import Sequence

import numpy as np

from minewatch.sim.county import Customer
from minewatch.sim.grid import Rating, Supply, supply_of
from minewatch.sim.history import History
from minewatch.sim.low_voltage import PHASE_KV, REACTANCE, Layout, line_drop
from minewatch.sim.scene import Floats

NO_LOAD_V = 400 / 3**0.5
"""Phase voltage of an unloaded transformer at nominal voltage."""

_IMPEDANCE = 0.04
"""Short-circuit impedance of distribution transformers up to 630 kVA (GB/T 6451)."""


class Area:
    """What flows below a transformer: ``kw`` and ``kvar`` (3, periods), the rest (periods,).

    ``legal_kw`` is what meters see, ``export_kw`` what customers feed in, ``unmetered_kw`` what no
    meter sees.
    """

    def __init__(self, layout: Layout, dark: Floats) -> None:
        self.layout, self.dark, self.lit = layout, dark, 1 - dark
        self.kw, self.kvar = np.zeros((3, dark.size)), np.zeros((3, dark.size))
        self.legal_kw, self.export_kw, self.unmetered_kw = (np.zeros(dark.size) for _ in range(3))
        self.fallen_v = np.zeros((layout.boxes, 3, dark.size))

    def add(self, place: int, customer: Customer, past: History) -> Floats:
        """Add an account, number ``place`` of the layout.

        Returns by how much its own current pulls down the voltage at its meter, V, shape (1 or 3, periods).
        """
        net, bypass = past.net_kw * self.lit, past.bypass_kw * self.lit
        self.legal_kw += net
        self.export_kw += np.clip(-net, 0, None)
        self.unmetered_kw += bypass
        mine, kvar = past.mine_kw * self.lit, (past.kvar + past.bypass_kvar) * self.lit
        own = np.zeros((3, self.dark.size))
        rest = net + bypass - mine
        for phase in _used(past, customer.mine is not None):
            kw = past.rest_share[phase] * rest
            if customer.mine is not None:
                kw += past.mine_share[phase] * mine
            own[phase] = self._flow(customer.box, phase, kw, past.rest_share[phase] * kvar)
        ohm = self.layout.service_ohm[place]
        return own * ohm if customer.phase is None else 2 * ohm * own[customer.phase, None]

    def light(self, box: int, phases: Sequence[int], kw: Floats) -> None:
        """Add a load without meter, such as street lights, evenly on ``phases`` at a box."""
        self.unmetered_kw += kw * self.lit
        for phase in phases:
            part = kw * self.lit / len(phases)
            self._flow(box, phase, part, 0.4 * part)

    def _flow(self, box: int, phase: int, kw: Floats, kvar: Floats) -> Floats:
        """Add power on one phase at a box; returns the current that counts for the voltage, A."""
        amps = (kw + REACTANCE * kvar) / PHASE_KV
        self.kw[phase] += kw
        self.kvar[phase] += kvar
        self.fallen_v[box, phase] += amps
        return amps

    def supply(self, rating: Rating, line_loss: float) -> tuple[Supply, float]:
        """Return what goes in, and the factor of the layout's ohms by which lines lose what they are to lose.

        They lose the share ``line_loss`` of the rated power where the load is the rated one, on average over
        the time. After this ``fallen_v`` (boxes, 3, periods) is the voltage that falls to each box.
        """
        loss_kw = line_drop(self.layout, self.fallen_v)
        squared = (self.kw.sum(axis=0) ** 2 + self.kvar.sum(axis=0) ** 2).mean() / rating.rated_kva**2
        lost = max(float(loss_kw.sum(axis=0).mean()), 1e-12)
        scale = line_loss * rating.rated_kva * float(squared) / lost
        self.fallen_v *= scale
        return supply_of((self.kw, self.kvar), rating, loss_kw * scale, self.dark), scale

    def fallen_inside(self, rating: Rating) -> Floats:
        """Return the voltage that falls in the transformer, V, shape (3, periods)."""
        resistance = rating.load_loss_kw / rating.rated_kva
        reactance = (_IMPEDANCE**2 - min(resistance, _IMPEDANCE) ** 2) ** 0.5
        fallen: Floats = 3 * NO_LOAD_V / rating.rated_kva * (resistance * self.kw + reactance * self.kvar)
        return fallen


def _used(past: History, with_mine: bool) -> list[int]:
    """Return the phases that the account draws from."""
    return [phase for phase in range(3) if past.rest_share[phase] or (with_mine and past.mine_share[phase])]
