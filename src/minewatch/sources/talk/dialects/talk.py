"""What the readers of all dialects share: the facts so far and the requests that wait for an answer."""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from minewatch.sources.talk.coins import coin_of_name
from minewatch.sources.talk.dialects.messages import Message
from minewatch.sources.talk.mining_facts import MiningFacts, Share

_MOST_WAITING = 4096
_NUMBER_LENGTH = 80


class Asked(NamedTuple):
    """A request that waits for its answer; ``share`` where it handed one in."""

    kind: str
    share: Share | None = None


class Talk:
    """One connection: ``facts`` holds what it told so far, ``over_http`` whether HTTP carries it.

    ``requester``: account and worker that the head of the HTTP request at hand names.
    """

    def __init__(self) -> None:
        self.facts = MiningFacts()
        self.over_http = False
        self.requester: tuple[str, str | None] | None = None
        self._waiting: dict[tuple[bool, str], deque[Asked]] = {}
        self._size = 0

    def set_dialect(self, dialect: str) -> None:
        """Take the dialect; the first one told stays."""
        if self.facts.dialect is None:
            self.facts.dialect = dialect
            if self.facts.pool_name:
                self.facts.note_coin(coin_of_name(self.facts.pool_name))

    def note_requester(self) -> str | None:
        """Take who asks by HTTP, now that the request is known to be a miner's; return the worker."""
        if self.requester is None:
            return None
        account, worker = self.requester
        self.facts.note_user(account, worker)
        return worker or account

    def ask(self, message: Message, kind: str, share: Share | None = None) -> None:
        """Note a request; beyond 4,096 unanswered ones the notes start anew."""
        if self._size >= _MOST_WAITING:
            self._waiting.clear()
            self._size = 0
        key = message.reverse, _number(message)
        self._waiting.setdefault(key, deque()).append(Asked(kind, share))
        self._size += 1

    def take_asked(self, message: Message) -> Asked | None:
        """Return the request that ``message`` answers; of one number, the first asked comes first."""
        key = not message.reverse, _number(message)
        queue = self._waiting.get(key)
        if not queue:
            return None
        asked = queue.popleft()
        if not queue:
            del self._waiting[key]
        self._size -= 1
        return asked


def _number(message: Message) -> str:
    return repr(message.value.get("id"))[:_NUMBER_LENGTH]


Handler = Callable[[Talk, Message], bool]
"""Takes a message of one method; False: it has not the form of mining."""

Handlers = Mapping[str, Handler]
"""By method in lower case."""

ResultHandler = Callable[[Talk, Any, Message], bool]
"""Takes the result in an answer; True: it held work or told of mining."""
