"""Plain lists of mining pools, one domain or address a line, to rows of ``pool_endpoints``.

The comment at the head says whose list it is and of which day; without both it is no such list::

    # source: our own list
    # as_of: 2026-11-20
    stratum.pool.example
    203.0.113.9:3333
    2001:db8::/32

Lines of a hosts file (``0.0.0.0 pool.example``) are read too; what follows ``#`` on a line is passed over.
"""

import ipaddress
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa

from minewatch.schema.network_tables import POOL_ENDPOINTS
from minewatch.schema.reasons import reason
from minewatch.sources.batch import Batch, Reject, batch_schema
from minewatch.sources.options import ReadOptions
from minewatch.sources.text_lines import lines_of

_SCHEMA = batch_schema(POOL_ENDPOINTS)
_FACT = re.compile(r"#\s*(source|as_of)\s*[:=]\s*(.*\S)", re.IGNORECASE)
_DOMAIN = re.compile(
    r"(?:\*\.)?(?=.{4,253}$)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]"
)
_WITH_PORT = re.compile(r"(?:\[(?P<six>[0-9a-f:.]+)\]|(?P<other>[^:\[\]]+)):(?P<port>\d{1,5})")
_NOWHERE = frozenset({"0.0.0.0", "127.0.0.1", "::", "::1"})  # noqa: S104  (of hosts files, not bound to)


def is_pool_list(head: bytes, path: Path) -> bool:
    """Tell a list of pools by the source and the day in the comment at its head."""
    _ = path
    return len(_facts(head.decode("utf-8", "replace").splitlines())) == 2


def read_pool_list(path: Path, options: ReadOptions) -> Iterator[Batch]:
    """Yield the entries of a list; lines that are neither domain nor address are put aside."""
    facts: dict[str, Any] = {}
    rows: list[dict[str, Any]] = []
    rejected: list[Reject] = []
    for line in lines_of(path):
        if not rows and not rejected:
            facts |= _facts([line.text])
        text = line.text.partition("#")[0].strip().lower()
        if not text:
            continue
        entry = entry_of(text)
        if entry is None:
            rejected.append(Reject(line.number, reason("pool_line_unread"), None, line.text[:200]))
        else:
            rows.append({**entry, **facts, "source_line": line.number, "source_rows": 1})
        if len(rows) + len(rejected) >= options.batch_rows:
            yield _batch(rows, rejected, line.end_at)
            rows, rejected = [], []
    yield _batch(rows, rejected, path.stat().st_size)


def entry_of(text: str) -> dict[str, Any] | None:
    """Return kind, endpoint and port of a line in lower case; None where it names nothing."""
    words = text.split()
    if len(words) == 2 and words[0] in _NOWHERE:
        words = words[1:]
    if len(words) != 1:
        return None
    parts = _WITH_PORT.fullmatch(words[0])
    endpoint, port = (parts["six"] or parts["other"], int(parts["port"])) if parts else (words[0], 0)
    if port > 0xFFFF:
        return None
    if _is_prefix(endpoint):
        return {"kind": "address", "endpoint": endpoint, "port": port}
    return {"kind": "domain", "endpoint": endpoint, "port": port} if _DOMAIN.fullmatch(endpoint) else None


def _batch(rows: list[dict[str, Any]], rejected: list[Reject], bytes_done: int) -> Batch:
    return Batch("pool_endpoints", pa.Table.from_pylist(rows, schema=_SCHEMA), rejected, bytes_done)


def _facts(lines: list[str]) -> dict[str, Any]:
    """Return source and day from the comment lines that begin a list."""
    found: dict[str, Any] = {}
    for text in lines:
        if text.strip() and not text.startswith("#"):
            break
        if fact := _FACT.match(text):
            found[fact[1].lower()] = fact[2]
    try:
        found["as_of"] = date.fromisoformat(found["as_of"])
    except (KeyError, ValueError):
        found.pop("as_of", None)
    return found


def _is_prefix(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True
