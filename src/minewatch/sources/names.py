"""Server names: seen in a flow itself (SNI, Host), or by who asked the DNS for which address."""

from bisect import bisect_right
from collections.abc import Hashable

import numpy as np

from minewatch.kernels import names as kernel

_KIND = {kernel.POST: "host", kernel.GET: "host", kernel.HELLO: "sni"}
_MOST_ANSWERS = 500_000
_MOST_OF_A_FLOW = 8

Endpoint = tuple[int, int]
"""The two halves of an address, as the flow table holds them."""

NameSeen = tuple[str, str]
"""Kind (sni, host, dns) and name."""


class DnsNames:
    """Names by client and answered address; keeps at most half a million pairs, the latest."""

    def __init__(self) -> None:
        self._answers: dict[tuple[Hashable, Hashable], list[tuple[int, str]]] = {}

    def add(self, client: Hashable, server: Hashable, at: int, name: str) -> None:
        """Note that ``client`` was told at ``at`` that ``name`` is at ``server``."""
        if len(self._answers) >= _MOST_ANSWERS:
            self._answers = dict(list(self._answers.items())[_MOST_ANSWERS // 2 :])
        answers = self._answers.setdefault((client, server), [])
        if not answers or answers[-1][1] != name:
            answers.append((at, name))

    def of(self, client: Hashable, server: Hashable, at: int) -> list[NameSeen]:
        """Return the name that ``client`` was last told for ``server`` before ``at``, if any."""
        answers = self._answers.get((client, server))
        position = bisect_right(answers, (at, "\x7f")) if answers else 0
        return [("dns", answers[position - 1][1])] if answers and position else []


class Names:
    """Collects the name events of ``minewatch.kernels``."""

    def __init__(self) -> None:
        self.store = (np.empty((4096, kernel.NAME_COLUMNS), np.int64), np.empty(1 << 20, np.uint8))
        self._of_flow: dict[int, list[NameSeen]] = {}
        self._dns = DnsNames()

    def take(self, filled: np.ndarray) -> None:
        """Take the ``filled[1]`` events and ``filled[2]`` bytes of text that are in ``store``."""
        if not filled[1]:
            return
        text = self.store[1][: filled[2]].tobytes().decode("ascii")
        for event in self.store[0][: filled[1]].tolist():
            name = text[event[kernel.TEXT_AT] : event[kernel.TEXT_AT] + event[kernel.TEXT_SIZE]]
            if event[kernel.KIND] == kernel.DNS:
                self._add_answer(event, name)
            else:
                self.add(event[kernel.FLOW], _KIND[event[kernel.KIND]], name)

    def add(self, flow: int, kind: str, name: str) -> None:
        """Note a name of a flow; a port behind it is cut off."""
        seen = self._of_flow.setdefault(flow, [])
        item = (kind, name.partition(":")[0] if name.count(":") == 1 else name)
        if item not in seen and len(seen) < _MOST_OF_A_FLOW:
            seen.append(item)

    def of(self, flow: int, client: Endpoint, server: Endpoint, at_ns: int) -> list[NameSeen]:
        """Return the names of a flow that began at ``at_ns``; the DNS name is the last answered before."""
        return [*self._of_flow.get(flow, []), *self._dns.of(client, server, at_ns)]

    def _add_answer(self, event: list[int], name: str) -> None:
        client = (event[kernel.CLIENT_HIGH], event[kernel.CLIENT_LOW])
        server = (event[kernel.SERVER_HIGH], event[kernel.SERVER_LOW])
        self._dns.add(client, server, event[kernel.INSTANT_NS], name)
