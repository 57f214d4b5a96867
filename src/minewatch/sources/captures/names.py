"""Server names of flow logs: by who asked the DNS for which address."""

from bisect import bisect_right
from collections.abc import Hashable

_MOST_ANSWERS = 500_000

NameSeen = tuple[str, str]
"""Kind (sni, host, dns, certificate) and name."""


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
