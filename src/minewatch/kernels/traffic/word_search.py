"""The search for many words at once in a stream of bytes, in any case; a word may be split over pieces.

The last eight bytes go along in one integer, so nothing is looked at twice and a piece of the stream goes on
where the one before it ended. The last four of them address a small table that says whether a word may end
here; few places pass it and are compared. ``| 0x20`` makes letters lower case (and merges a few signs, such
as ``_`` and DEL, which no text of interest tells apart).
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from numba import njit

Bytes = npt.NDArray[np.uint8]
Words = npt.NDArray[np.uint64]

_TABLE = 4096
_FACTOR = 0x9E3779B1
_LONGEST = 32


class Wanted(NamedTuple):
    """What is searched: ``signs`` are sets of words (bit masks), any of which is enough.

    ``may_end`` says by hash of four bytes whether a word may end with them; ``endings`` and ``masks`` hold
    the last eight bytes of each word, ``texts`` (words, 32) and ``sizes`` the whole.
    """

    may_end: Bytes
    endings: Words
    masks: Words
    texts: Bytes
    sizes: npt.NDArray[np.int64]
    signs: npt.NDArray[np.int64]


def wanted(signs: Sequence[Sequence[bytes]]) -> Wanted:
    """Prepare the search for ``signs``, each some words (4 to 32 bytes) that count when all were seen.

    Raises ValueError for more than 62 words or one of another length.
    """
    words = sorted({word.lower() for sign in signs for word in sign})
    if len(words) > 62 or any(not 4 <= len(word) <= _LONGEST for word in words):
        raise ValueError("at most 62 words of 4 to 32 bytes")
    folded = [bytes(byte | 0x20 for byte in word) for word in words]
    texts = np.zeros((len(words), _LONGEST), np.uint8)
    may_end = np.zeros(_TABLE, np.uint8)
    for row, word in zip(texts, folded, strict=True):
        row[: len(word)] = np.frombuffer(word, np.uint8)
        may_end[(int.from_bytes(word[-4:]) * _FACTOR & 0xFFFFFFFF) >> 20] = 1
    return Wanted(
        may_end,
        np.array([int.from_bytes(word[-8:]) for word in folded], np.uint64),
        np.array([(1 << 8 * min(len(word), 8)) - 1 for word in folded], np.uint64),
        texts,
        np.array([len(word) for word in words]),
        np.array([sum(1 << words.index(word.lower()) for word in sign) for sign in signs]),
    )


@njit(cache=True, nogil=True, _nrt=False)
def search(piece: Bytes, window: np.uint64, words: Wanted) -> tuple[np.uint64, int]:
    """Return (window to go on with, bit mask of the words that end in ``piece``).

    ``window`` is 0 at the start of a stream and after a gap. Of a word that began in the piece before, only
    the last eight bytes are compared.
    """
    found = 0
    may_end = words.may_end
    for n in range(len(piece)):
        window = (window << np.uint64(8)) | np.uint64(piece[n] | 0x20)
        place = ((window & np.uint64(0xFFFFFFFF)) * np.uint64(_FACTOR) >> np.uint64(20)) & np.uint64(4095)
        if may_end[place]:
            found |= _ending(piece, n, window, words)
    return window, found


@njit(cache=True, nogil=True, _nrt=False)
def _ending(piece: Bytes, last: int, window: np.uint64, words: Wanted) -> int:
    found = 0
    for word in range(len(words.endings)):
        if window & words.masks[word] != words.endings[word]:
            continue
        start = last + 1 - words.sizes[word]
        same = max(0, -start)
        while same < words.sizes[word] and piece[start + same] | 0x20 == words.texts[word, same]:
            same += 1
        if same == words.sizes[word]:
            found |= 1 << word
    return found


@njit(cache=True, nogil=True, _nrt=False)
def shows(found: int, words: Wanted) -> bool:
    """Tell whether the words in the mask ``found`` make up a sign."""
    enough = False
    for sign in words.signs:
        enough |= found & sign == sign
    return enough
