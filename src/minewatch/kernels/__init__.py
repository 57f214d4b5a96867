"""Numba loops: arrays and scalars in, arrays out.

numba keeps compiled code by the file of a function alone: a change in a function that it calls from another
file would go unnoticed, and old code would run. So the cache lies in a folder named after the content of all
kernels, inside ``NUMBA_CACHE_DIR`` where that is set.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from numba import config

_FOLDER = Path(__file__).parent


def cache_name(files: Iterable[Path]) -> str:
    """Return the name of the cache folder for the source ``files``; another content, another name."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return f"kernels-{digest.hexdigest()[:12]}"


def _cache_folder() -> str:
    name = cache_name(_FOLDER.glob("*.py"))
    base = Path(config.CACHE_DIR) if config.CACHE_DIR else _FOLDER / "__pycache__"
    return str(base if base.name == name else base / name)


config.CACHE_DIR = _cache_folder()
