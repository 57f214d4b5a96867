"""Slow, obvious twin of the search for mining words: streams put together whole, words sought at once."""

from collections.abc import Sequence
from typing import NamedTuple


class Segment(NamedTuple):
    """``data`` said by the destination (``reverse``) or the source, ``offset`` bytes into its stream."""

    reverse: bool
    offset: int
    data: bytes


def shows_sign(segments: Sequence[Segment], signs: Sequence[Sequence[bytes]]) -> bool:
    """Tell whether the words of one of ``signs`` lie in what is without a gap from the stream's start on.

    Segments behind a gap count each for itself.
    """
    texts: list[bytes] = []
    for reverse in (False, True):
        said: dict[int, int] = {}
        for segment in segments:
            if segment.reverse == reverse:
                texts.append(segment.data)
                for n, byte in enumerate(segment.data):
                    said.setdefault(segment.offset + n, byte)
        whole = bytearray()
        while len(whole) in said:
            whole.append(said[len(whole)])
        texts.append(bytes(whole))
    lower = [text.lower() for text in texts]
    return any(all(any(word in text for text in lower) for word in sign) for sign in signs)
