"""Stratum V2 in cleartext: binary frames, channels with a target each, shares answered in batches.

A frame is a header of 6 bytes (extension u16 with the channel bit 15, type u8, length u24; all little-endian)
and its body. Most connections are encrypted (Noise NX); in the clear it runs inside a farm, between
devices, proxies and a job declarator. Source: https://github.com/stratum-mining/sv2-spec, §3 and §5, §8.
"""

import struct
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from minewatch.sources.talk.coins import coin_of_bits
from minewatch.sources.talk.dialects.messages import is_stale, split_user
from minewatch.sources.talk.dialects.talk import Talk
from minewatch.sources.talk.mining_facts import Share

DIALECT = "stratum_v2"

_CHANNEL_BIT = 0x8000
_HEADER = 6
_LONGEST = 1 << 16
"""Jobs of extended channels have coinbase parts and branches: some kilobytes. After a longer body the
next frame of an exact form is looked for."""

_MOST_WAITING = 4096
_HASHES_OF_DIFFICULTY = 2.0**32
_LEAST_DIFFICULTY = 64
"""Below it a sum of difficulties may as well be a count of shares, as some software has it."""

_U256 = 32


class Frame(NamedTuple):
    """Type and body of a message."""

    kind: int
    body: bytes


class Said(NamedTuple):
    """A message that was understood: its name, a line that shows it, and who says such messages."""

    name: str
    text: str
    by_client: bool


def begins(prefix: bytes) -> bool | None:
    """Tell whether a connection that begins, or goes on, with ``prefix`` speaks V2; None: more is needed."""
    if prefix.startswith((*_EXACT_STARTS, _SUCCESS)):
        return True
    if any(start.startswith(prefix) for start in (*_EXACT_STARTS, _SUCCESS)):
        return None
    return _begins_setup(prefix)


def _begins_setup(prefix: bytes) -> bool | None:
    if any(prefix[:3]):
        return False
    if len(prefix) < _HEADER + 5:
        return None
    length = _header(prefix, 0)[2]
    protocol, lowest, highest = struct.unpack_from("<BHH", prefix, _HEADER)
    is_v2 = lowest == _VERSION <= highest < _MOST_VERSIONS and protocol <= _LAST_PROTOCOL
    return bool(is_v2 and _SETUP_SIZES[0] <= length <= _SETUP_SIZES[1])


class Frames:
    """Cuts a direction's bytes into frames; after a gap it takes up at a frame of an exact form."""

    def __init__(self) -> None:
        self._kept = b""
        self._lost = False

    def feed(self, data: bytes, lost: int) -> Iterator[Frame]:
        """Yield the frames that are complete with ``data``, before which ``lost`` bytes are missing."""
        data = data if lost else self._kept + data
        at = _first_exact(data) if lost or self._lost else 0
        self._lost = at < 0
        if self._lost:
            self._kept = data[-_HEADER:]
            return
        while (end := _end_of_frame(data, at)) > 0:
            yield Frame(data[at + 2], data[at + _HEADER : end])
            at = end
        self._lost = end < 0
        self._kept = data[at:]


def _end_of_frame(data: bytes, at: int) -> int:
    """Return where the frame at ``at`` ends: 0 where it is not complete, -1 where it is too long."""
    if len(data) - at < _HEADER:
        return 0
    length = _header(data, at)[2]
    end = at + _HEADER + length
    return -1 if length > _LONGEST else (end if end <= len(data) else 0)


def _header(data: bytes, at: int) -> tuple[int, int, int]:
    extension, kind, low, high = struct.unpack_from("<HBHB", data, at)
    return extension, kind, low | high << 16


def _first_exact(data: bytes) -> int:
    places = (data.find(start) for start in _EXACT_STARTS)
    return min((place for place in places if place >= 0), default=-1)


class _Body:
    """Reads the fields of a body one after the other. Raises IndexError or struct.error beyond its end."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def u32(self) -> int:
        return int(self._number("<I", 4))

    def u64(self) -> int:
        return int(self._number("<Q", 8))

    def f32(self) -> float:
        return float(self._number("<f", 4))

    def skip(self, size: int) -> None:
        self._at += size

    def target(self) -> float:
        """Return 2^256 over a U256: hashes a share takes on average; 0 for a target of zero."""
        number = int.from_bytes(self._take(_U256), "little")
        return 2.0**256 / number if number else 0.0

    def string(self) -> str:
        return self._take(self._take(1)[0]).decode("utf-8", "replace")

    def _number(self, form: str, size: int) -> int | float:
        (value,) = struct.unpack(form, self._take(size))
        return value

    def _take(self, size: int) -> bytes:
        data = self._data[self._at : self._at + size]
        if len(data) < size:
            raise IndexError(size)
        self._at += size
        return data


class Channels:
    """The channels of a connection: what was asked, opened, handed in and answered."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk
        self._asked: dict[int, str] = {}
        self._shares: dict[int, deque[tuple[int, Share]]] = {}
        self._waiting = 0

    def take(self, frame: Frame, at: int) -> Said | None:
        """Take a frame seen at ``at`` (µs) and return what it said, None where it is not understood."""
        message = _MESSAGES.get(frame.kind)
        if message is None:
            return None
        try:
            text = message.read(self, _Body(frame.body), at)
        except (IndexError, struct.error):
            return None
        self._talk.set_dialect(DIALECT)
        return Said(message.name, f"{message.name} {text}".rstrip(), message.by_client)

    def setup(self, body: _Body, at: int) -> str:
        """SetupConnection: where the miner connects and what it is."""
        _ = at
        body.skip(9)
        host = body.string()
        body.skip(2)
        device = [body.string() for _ in range(3)]
        self._talk.facts.note_agent(" ".join(part for part in device if part))
        self._talk.facts.note_pool(host if "." in host else None)
        return f"{host} {' '.join(device)}"

    def open_channel(self, body: _Body, at: int) -> str:
        """Open*MiningChannel: who mines, and how fast it thinks it is."""
        _ = at
        number, user, rate = body.u32(), body.string(), body.f32()
        account, worker = split_user(user)
        self._talk.facts.note_user(account, worker)
        self._talk.facts.note_hash_rate(f"request {number}", rate)
        if len(self._asked) < _MOST_WAITING:
            self._asked[number] = worker or account
        return f"{user} {rate:.4g} H/s"

    def opened(self, body: _Body, at: int) -> str:
        """Open*MiningChannel.Success: the channel's number and first target."""
        number, channel, hashes = body.u32(), body.u32(), body.target()
        session = self._talk.facts.session(str(channel))
        session.worker = self._asked.pop(number, None)
        self._talk.facts.note_difficulty(at, hashes, session)
        self._talk.facts.identified = True
        return f"channel {channel} {hashes:.6g} hashes/share"

    def refused(self, body: _Body, at: int) -> str:
        """OpenMiningChannel.Error."""
        _ = at
        self._asked.pop(body.u32(), None)
        self._talk.facts.refused = not self._talk.facts.identified
        return body.string()

    def update(self, body: _Body, at: int) -> str:
        """UpdateChannel: a new rate of the devices behind the channel."""
        _ = at
        channel, rate = body.u32(), body.f32()
        self._talk.facts.note_hash_rate(f"channel {channel}", rate)
        return f"channel {channel} {rate:.4g} H/s"

    def close(self, body: _Body, at: int) -> str:
        """CloseChannel."""
        _ = at
        channel = body.u32()
        self._talk.facts.end_session(str(channel))
        return f"channel {channel}"

    def job(self, body: _Body, at: int) -> str:
        """New(Extended)MiningJob."""
        channel, number = body.u32(), body.u32()
        self._talk.facts.note_job(at, str(number), session=self._talk.facts.session_of_job(str(channel)))
        return f"channel {channel} job {number}"

    def previous_hash(self, body: _Body, at: int) -> str:
        """SetNewPrevHash: a block was found; the compact target of the chain tells the coin."""
        _ = at
        channel, number = body.u32(), body.u32()
        body.skip(_U256 + 4)
        bits = f"{body.u32():08x}"
        self._talk.facts.note_coin(*coin_of_bits(bits))
        return f"channel {channel} job {number} bits {bits}"

    def set_target(self, body: _Body, at: int) -> str:
        """SetTarget: holds for the jobs that follow; for a group, the shares of all its channels."""
        channel, hashes = body.u32(), body.target()
        self._talk.facts.note_difficulty(at, hashes, self._talk.facts.session(str(channel)))
        return f"channel {channel} {hashes:.6g} hashes/share"

    def share(self, body: _Body, at: int) -> str:
        """SubmitShares*: one share with a number that grows."""
        _ = at
        channel, number, job = body.u32(), body.u32(), body.u32()
        facts = self._talk.facts
        share = facts.note_share(None, str(job), facts.session(str(channel)))
        if self._waiting < _MOST_WAITING:
            self._waiting += 1
            self._shares.setdefault(channel, deque()).append((number, share))
        return f"channel {channel} number {number} job {job}"

    def accepted(self, body: _Body, at: int) -> str:
        """SubmitShares.Success: so many shares up to the number are good, and the sum of their difficulties.

        The sum tells the difficulty of a channel that was opened before the capture.
        """
        channel, last, count, total = body.u32(), body.u32(), body.u32(), body.u64()
        session = self._talk.facts.session(str(channel))
        if session.unit is None and total >= _LEAST_DIFFICULTY * max(count, 1):
            self._talk.facts.note_difficulty(at, _HASHES_OF_DIFFICULTY * total / max(count, 1), session)
        queue = self._shares.get(channel, deque())
        for _number in range(count):
            if not queue or queue[0][0] > last:
                break
            self._answer(queue, True, False)
        return f"channel {channel} up to {last}, {count} shares"

    def rejected(self, body: _Body, at: int) -> str:
        """SubmitShares.Error: shares before it that were not refused are still to be accepted."""
        _ = at
        channel, number, why = body.u32(), body.u32(), body.string()
        queue = self._shares.get(channel, deque())
        place = next((n for n, (each, _share) in enumerate(queue) if each == number), None)
        if place is not None:
            queue.rotate(-place)
            self._answer(queue, False, is_stale(why) or "invalid-job" in why)
            queue.rotate(place)
        return f"channel {channel} number {number} {why}"

    def _answer(self, queue: deque[tuple[int, Share]], accepted: bool, stale: bool) -> None:
        _, share = queue.popleft()
        self._waiting -= 1
        self._talk.facts.note_answer(share, accepted, stale)


class _Kind(NamedTuple):
    name: str
    by_client: bool
    read: Callable[[Channels, _Body, int], str]


_SETUP = 0x00
_SETUP_SIZES = (17, 9 + 256 + 2 + 4 * 256)
_VERSION, _MOST_VERSIONS, _LAST_PROTOCOL = 2, 256, 3
_SUCCESS = struct.pack("<HBHBH", 0, 0x01, 6, 0, _VERSION)
"""SetupConnection.Success with the version used: the first bytes of the other side."""

_MESSAGES: Mapping[int, _Kind] = {
    _SETUP: _Kind("SetupConnection", True, Channels.setup),
    0x10: _Kind("OpenStandardMiningChannel", True, Channels.open_channel),
    0x11: _Kind("OpenStandardMiningChannel.Success", False, Channels.opened),
    0x12: _Kind("OpenMiningChannel.Error", False, Channels.refused),
    0x13: _Kind("OpenExtendedMiningChannel", True, Channels.open_channel),
    0x14: _Kind("OpenExtendedMiningChannel.Success", False, Channels.opened),
    0x15: _Kind("NewMiningJob", False, Channels.job),
    0x16: _Kind("UpdateChannel", True, Channels.update),
    0x18: _Kind("CloseChannel", True, Channels.close),
    0x1A: _Kind("SubmitSharesStandard", True, Channels.share),
    0x1B: _Kind("SubmitSharesExtended", True, Channels.share),
    0x1C: _Kind("SubmitShares.Success", False, Channels.accepted),
    0x1D: _Kind("SubmitShares.Error", False, Channels.rejected),
    0x1F: _Kind("NewExtendedMiningJob", False, Channels.job),
    0x20: _Kind("SetNewPrevHash", False, Channels.previous_hash),
    0x21: _Kind("SetTarget", False, Channels.set_target),
}

_EXACT = {
    (0, 0x15): (45, 49),
    (_CHANNEL_BIT, 0x15): (45, 49),
    (_CHANNEL_BIT, 0x1A): (24,),
    (_CHANNEL_BIT, 0x1C): (20,),
    (_CHANNEL_BIT, 0x20): (48,),
    (_CHANNEL_BIT, 0x21): (36,),
}
"""Extension with channel bit and type → lengths of the body: six bytes that no other traffic begins with."""

_EXACT_STARTS = tuple(
    struct.pack("<HBHB", extension, kind, size, 0)
    for (extension, kind), sizes in _EXACT.items()
    for size in sizes
)
