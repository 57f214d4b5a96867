"""A matrix as a picture of one pixel a value, embedded in the page."""

import base64
import struct
import zlib

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]

_VIRIDIS = np.array(
    [
        [68, 1, 84],
        [72, 40, 120],
        [62, 73, 137],
        [49, 104, 142],
        [38, 130, 142],
        [31, 158, 137],
        [53, 183, 121],
        [110, 206, 88],
        [181, 222, 43],
        [253, 231, 37],
    ]
)
"""Ten steps of viridis (van der Walt and Smith 2015, CC0): even in lightness, safe for colour-blind eyes."""


def raster_uri(values: npt.NDArray[np.float64], top: float) -> str:
    """Return a matrix (rows, columns) as a ``data:`` address of a PNG.

    0 is dark, ``top`` and above bright, NaN transparent. Raises ValueError where ``top`` is not positive.
    """
    if not top > 0:
        raise ValueError(f"the brightest value must be positive, not {top}")
    steps = np.nan_to_num(np.clip(values / top, 0, 1), nan=0.0) * 254 + 1
    shades = np.where(np.isnan(values), 0, np.rint(steps)).astype(np.uint8)
    return "data:image/png;base64," + base64.b64encode(_png(shades)).decode()


def legend_uri() -> str:
    """Return the colours from 0 (left) to the brightest (right) as a ``data:`` address of a PNG."""
    return raster_uri(np.linspace(0, 1, 255)[np.newaxis, :], 1)


def _png(shades: Bytes) -> bytes:
    height, width = shades.shape
    lines = np.concatenate([np.zeros((height, 1), np.uint8), shades], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    chunks = [
        (b"IHDR", header),
        (b"PLTE", _palette().tobytes()),
        (b"tRNS", b"\0"),
        (b"IDAT", zlib.compress(lines.tobytes(), 9)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, body) for kind, body in chunks)


def _palette() -> Bytes:
    position = np.linspace(0, len(_VIRIDIS) - 1, 255)
    channels = [np.interp(position, np.arange(len(_VIRIDIS)), _VIRIDIS[:, c]) for c in range(3)]
    colours = np.rint(np.stack(channels, axis=1)).astype(np.uint8)
    return np.concatenate([np.zeros((1, 3), np.uint8), colours])


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
