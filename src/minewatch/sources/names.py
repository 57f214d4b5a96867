"""Server names seen in a capture: by flow (SNI, Host) and by who asked the DNS for which address."""

from bisect import bisect_right

import numpy as np

from minewatch.kernels import names as kernel

_KIND = {kernel.POST: "host", kernel.GET: "host", kernel.HELLO: "sni"}
_MOST_ANSWERS = 500_000
_MOST_OF_A_FLOW = 8

Endpoint = tuple[int, int]
"""The two halves of an address, as the flow table holds them."""

NameSeen = tuple[str, str]
"""Kind (sni, host, dns) and name."""


class Names:
    """Collects the name events of ``minewatch.kernels``; keeps at most half a million DNS answers."""

    def __init__(self) -> None:
        self.store = (np.empty((4096, kernel.NAME_COLUMNS), np.int64), np.empty(1 << 20, np.uint8))
        self._of_flow: dict[int, list[NameSeen]] = {}
        self._answers: dict[tuple[Endpoint, Endpoint], list[tuple[int, str]]] = {}

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
        seen = self._of_flow.get(flow, [])
        answers = self._answers.get((client, server))
        if not answers:
            return seen
        position = bisect_right(answers, (at_ns, "\x7f"))
        return [*seen, ("dns", answers[position - 1][1])] if position else seen

    def _add_answer(self, event: list[int], name: str) -> None:
        if len(self._answers) >= _MOST_ANSWERS:
            self._answers = dict(list(self._answers.items())[_MOST_ANSWERS // 2 :])
        client = (event[kernel.CLIENT_HIGH], event[kernel.CLIENT_LOW])
        server = (event[kernel.SERVER_HIGH], event[kernel.SERVER_LOW])
        answers = self._answers.setdefault((client, server), [])
        if not answers or answers[-1][1] != name:
            answers.append((event[kernel.INSTANT_NS], name))
