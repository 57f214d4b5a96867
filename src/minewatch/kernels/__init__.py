"""Numba loops: arrays and scalars in, arrays out.

numba keeps compiled code by the file of a function alone: a change in a function that it calls from another
file would go unnoticed, and old code would run. So the cache lies in a folder named after the content of all
kernels, inside ``NUMBA_CACHE_DIR`` where that is set.

To load kept code numba first imports all that it could need to compile, scipy's linear algebra among it:
0.2 s of every start. Kept code needs only the runtime; whatever is compiled still imports the rest.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from numba import config
from numba.core.caching import FunctionCache
from numba.core.runtime import rtsys

_FOLDER = Path(__file__).parent


def cache_name(files: Iterable[Path]) -> str:
    """Return the name of the cache folder for the source ``files``; another content, another name."""
    digest = hashlib.sha256()
    for path in sorted(files):
        digest.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return f"kernels-{digest.hexdigest()[:12]}"


def _cache_folder() -> str:
    name = cache_name(_FOLDER.rglob("*.py"))
    base = Path(config.CACHE_DIR) if config.CACHE_DIR else _FOLDER / "__pycache__"
    return str(base if base.name == name else base / name)


config.CACHE_DIR = _cache_folder()


def _load_kept(cache: FunctionCache, signature: Any, context: Any) -> Any:
    """Do what ``numba.core.caching.Cache.load_overload`` does, without its refresh of the context."""
    rtsys.initialize(context)
    with cache._guard_against_spurious_io_errors():
        return cache._load_overload(signature, context)


FunctionCache.load_overload = _load_kept
