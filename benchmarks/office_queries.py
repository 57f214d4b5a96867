"""``python -m benchmarks.office_queries HOME [ROUTE…]``: queries of each route, counted in-process, as JSON.

The largest number over some addresses and accounts; beginnings and ends of transactions are none. Once a
minute the doorkeeper looks at an account's sessions, which is said apart (``look``). With routes, the
statements of each address are printed with their times.
"""

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from minewatch.office import running

_ASKERS = ("nation-0", "province-1", "county-0", "system", "security", "audit")
_ADDRESSES = 4


def main(home: Path, named: list[str]) -> None:
    """Count and print."""
    running.open_office(home)
    from django.conf import settings
    from django.test.utils import setup_test_environment

    settings.SESSIONS_OF_AN_ACCOUNT = 1_000  # ours are not to end those of the load
    setup_test_environment()
    from benchmarks.office_pages import routes

    known = json.loads((home / "known.json").read_text("utf-8"))
    found: dict[str, dict[str, Any]] = {}
    for name in _ASKERS:
        client = _client(name)
        for route in named or routes():
            for seed in range(_ADDRESSES):
                row = _asked(client, route, known[name], seed)
                if row and row["queries"] >= found.get(route, {"queries": -1})["queries"]:
                    found[route] = {**row, "account": name}
                if row and named:
                    _tell(row)
    for row in found.values():
        row.pop("said")
    if not named:
        sys.stdout.write(json.dumps(found, ensure_ascii=False))


def _client(name: str) -> Any:
    from django.test import Client

    from minewatch.office.platform.models import User

    client = Client()
    backend = "allauth.account.auth_backends.AuthenticationBackend"
    client.force_login(User.objects.get(username=name), backend=backend)
    return client


def _asked(client: Any, route: str, known: Any, seed: int) -> dict[str, Any] | None:
    from benchmarks.office_pages import address

    where = address(route, known, np.random.default_rng(seed))
    if where is None or (looked := _counted(client, route, where, looks=True)) is None:
        return None
    said, size = _counted(client, route, where, looks=False) or ([], 0)
    return {
        "queries": len(said),
        "look": len(looked[0]) - len(said),
        "bytes": size,
        "address": where,
        "said": said,
    }


def _counted(client: Any, route: str, where: str, *, looks: bool) -> tuple[list[Any], int] | None:
    """Load a page; return its statements and its size, None where the account does not see it."""
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    from benchmarks.office_pages import is_part

    if looks:
        session = client.session
        session["looked_at"] = 0
        session.save()
    connection.queries_log.clear()
    with CaptureQueriesContext(connection) as said:
        answer = client.get(where, headers={"hx-request": "true"} if is_part(route) else {})
        size = len(answer.getvalue())
    if answer.status_code != 200:
        return None
    return [one for one in said if not one["sql"].startswith(_OF_TRANSACTIONS)], size


_OF_TRANSACTIONS = ("BEGIN", "COMMIT", "SAVEPOINT", "RELEASE", "ROLLBACK")


def _tell(row: dict[str, Any]) -> None:
    spent = sum(float(one["time"]) for one in row["said"])
    print(f"\n== {row['address']}  {row['queries']} queries, {spent:.3f} s, {row['bytes']} bytes")  # noqa: T201
    for one in row["said"]:
        print(f"   {float(one['time']) * 1e3:8.1f} ms  {one['sql'][:1500]}")  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
