"""The id of a flow: the same flow of the same capture has the same id on every machine."""

import hashlib


def flow_id(*parts: object) -> str:
    """Return the id of a flow from its capture, five-tuple and start (microseconds since 1970)."""
    return "F-" + hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()[:20]
