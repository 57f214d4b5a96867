"""An office lived in by processes of their own: filled through its services, written to, read as it is.

python -m tests.office_life fill|begin|ask|write|take|files|tables HOME …
"""

import base64
import hashlib
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
MINEWATCH = str(Path(sys.executable).with_name("minewatch"))
PASSWORD = "gobi-Lantern-42-river"  # noqa: S105 - of the offices that tests make
COUNTY = "511823"
TEXT = "现场笔录 {}\n"


def minewatch(*words: str | Path, code: int = 0) -> str:
    """Run the command; return what it said."""
    environment = os.environ | {"MINEWATCH_LANG": "en"}
    done = subprocess.run(
        [MINEWATCH, *map(str, words)], check=False, capture_output=True, text=True, env=environment
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def living(verb: str, home: Path, *words: str | Path) -> subprocess.Popen[bytes]:
    """Start one of the lives below."""
    command = [sys.executable, "-m", "tests.office_life", verb, *map(str, (home, *words))]
    return subprocess.Popen(command, cwd=ROOT)


def week(first: int, number: int, run: str, **more: Any) -> bytes:
    """Return a parcel of findings of sites that lie apart; Django is set up."""
    from minewatch.office.intake.tests.conftest import W19, manifest, packed

    rows = [_apart(first + at, run) for at in range(number)]
    made = W19 + timedelta(days=8, seconds=first)
    return packed(findings=rows, manifests=[manifest(run, W19, number, made)], **more)


def _apart(number: int, run: str) -> dict[str, Any]:
    from minewatch.office.intake.tests.conftest import finding, named

    values = {"address": f"汉源县富林镇长街{number}号", "links": [], "endpoints": []}
    place = {"region_code": COUNTY, "lon": 102.6, "lat": 29.3}
    return finding(f"S-{number:04d}", run=run, usage_points=named(f"0511801{number:04d}"), **values, **place)


@contextmanager
def _office(home: Path) -> Iterator[Any]:
    from minewatch.office import running

    running.open_office(home)
    from minewatch.office.platform.scope import scoped, whole
    from minewatch.office.platform.services import By

    with scoped(whole("test")):
        yield By(None, datetime.now(UTC))


def fill(home: Path) -> None:
    """Take findings in, bring cases on their way, keep files, leave a delivery waiting."""
    with _office(home) as by:
        from minewatch.office.demonstration import live
        from minewatch.office.intake.services import receive, take_in
        from minewatch.office.intake.tests.conftest import W19, flow, reading
        from minewatch.office.platform import audit, work

        rows = {"flows": [flow()], "interval_readings": [reading(W19.date(), *[400.0] * 24)]}
        for delivery in receive(week(0, 30, "R-fill", **rows), "week.zip", "lake", by):
            take_in(delivery, by.at)
        assert len(live(by)) > 4
        keep(by, "fill", 5)
        receive(week(500, 3, "R-waiting"), "next.zip", "lake", by)
        work.end(work.begin("Export", None, by.at), {"rows": 7}, by.at)
        audit.seal()
    (home / "outlines").mkdir(exist_ok=True)
    (home / "outlines" / "县界.geojson").write_text('{"type": "FeatureCollection", "features": []}', "utf-8")


def keep(by: Any, name: str, number: int) -> None:
    """Keep files of evidence that nobody else keeps."""
    from minewatch.office.register.files import FileGiven, keep_file
    from minewatch.office.register.models import Site

    site = Site.objects.select_related("region").order_by("pk").first()
    for at in range(number):
        content = TEXT.format(f"{name} {at}").encode() * 400
        keep_file([content], FileGiven(f"{name}-{at}.txt", ("site", site.pk), site.region), by)


def write(home: Path, name: str, stop: Path) -> None:
    """Keep files and take deliveries in, one after another, until a file says to stop."""
    with _office(home) as by:
        from minewatch.office.intake.services import receive, take_in

        start = int(hashlib.sha256(name.encode()).hexdigest()[:6], 16)
        for at in count():
            if stop.exists():
                break
            keep(by, f"{name} {at}", 1)
            for delivery in receive(week(start + 2 * at, 2, f"R-{name}-{at}"), "more.zip", name, by):
                take_in(delivery, by.at)
            (stop.parent / name).write_text(str(at))


def begin(home: Path) -> None:
    """Begin what a worker is to do: findings to be taken in, cases to be handed over."""
    with _office(home) as by:
        from minewatch.office.intake import tasks
        from minewatch.office.intake.services import receive, take_in
        from minewatch.office.platform import events
        from minewatch.office.platform.models import Agency, User
        from minewatch.office.platform.services import By
        from minewatch.office.verify.handing import hand_over_many
        from minewatch.office.verify.models import Case

        for delivery in receive(week(0, 30, "R-before"), "week.zip", "lake", by):
            take_in(delivery, by.at)
        while events.deliver(by.at):
            pass
        cases = list(Case.objects.order_by("pk").values_list("pk", flat=True))
        county = By(User.objects.get(username="county"), by.at)
        city = Agency.objects.get(code="reform-511800")
        for part in range(2):
            hand_over_many(cases[15 * part : 15 * part + 15], city, f"移送 {part}", county)
            parcel = week(200 + 25 * part, 25, f"R-{part}")
            tasks.begin(receive(parcel, f"{part}.zip", f"origin {part}", by), by)


def ask(home: Path) -> None:
    """Leave cases handed over; print what programs ask of the server: path, token, content as base64."""
    with _office(home) as by:
        from minewatch.office.intake.services import receive, take_in
        from minewatch.office.platform import events, tokens
        from minewatch.office.platform.models import Agency, User
        from minewatch.office.platform.services import By
        from minewatch.office.verify.models import Case, Order
        from minewatch.office.verify.orders import OrderGiven, hand_over

        for delivery in receive(week(0, 12, "R-before"), "week.zip", "lake", by):
            take_in(delivery, by.at)
        while events.deliver(by.at):
            pass

        def token(username: str, permission: str) -> str:
            user = User.objects.select_related("region").get(username=username)
            given = tokens.TokenGiven(username, frozenset({permission}), user.region, 1)
            return tokens.make(given, By(user, by.at))[1]

        county, city = User.objects.get(username="county"), Agency.objects.get(code="reform-511800")
        for case in Case.objects.order_by("pk"):
            hand_over(case, OrderGiven(city, "移送"), By(county, by.at))
        delivers, receives = token("province", "intake.deliver_findings"), token("city", "verify.do_orders")
        asked = [
            (f"findings?name={n}.zip&origin=o{n}", delivers, week(200 + 5 * n, 5, f"R-{n}"))
            for n in range(12)
        ]
        orders = Order.objects.order_by("pk").values_list("pk", flat=True)
        asked += [(f"orders/{number}/receipt", receives, b"") for number in orders]
        lines = [(path, key, base64.b64encode(content).decode()) for path, key, content in asked]
        sys.stdout.write(json.dumps(lines))


def take(home: Path) -> None:
    """Take in what waits."""
    with _office(home) as by:
        from minewatch.office.intake.models import Delivery
        from minewatch.office.intake.services import take_in

        waiting = Delivery.objects.filter(state=Delivery.State.WAITING)
        taken = [take_in(delivery, by.at).state for delivery in waiting]
        assert taken == [Delivery.State.DONE]


def files(home: Path) -> None:
    """See that each file of evidence is there as it was kept."""
    with _office(home):
        from minewatch.office.register.files import damaged

        assert list(damaged()) == []


def tables(home: Path) -> None:
    """Print every row of every table, a line a table: its name and its rows as they are sorted."""
    with _office(home):
        from django.db import connection

        with connection.cursor() as cursor:
            for table in sorted(connection.introspection.table_names(cursor)):
                cursor.execute(f'SELECT * FROM "{table}"')  # noqa: S608 - a table's name
                rows = [[_plain(value) for value in row] for row in cursor.fetchall()]
                line = json.dumps([table, sorted(rows, key=repr)], ensure_ascii=False)
                sys.stdout.write(line + "\n")


def rows_of(home: Path) -> dict[str, list[list[str]]]:
    """Return every row of every table of an office."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.office_life", "tables", str(home)],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    return dict(map(json.loads, done.stdout.splitlines()))


def files_of(home: Path) -> dict[str, str]:
    """Return the hash of every file of a home but those that a set-up makes and the SQLite database."""
    made = ("static", "workers", "office.sqlite3")
    paths = [path for path in home.rglob("*") if path.is_file()]
    names = {path.relative_to(home).as_posix(): path for path in paths}
    return {
        name: hashlib.sha256(path.read_bytes()).hexdigest()
        for name, path in names.items()
        if not name.startswith(made)
    }


def _plain(value: Any) -> str:
    return hashlib.sha256(value).hexdigest() if isinstance(value, bytes | memoryview) else repr(value)


if __name__ == "__main__":
    verb, home, *words = sys.argv[1:]
    lives = (fill, begin, ask, write, take, files, tables)
    {life.__name__: life for life in lives}[verb](Path(home), *words[:1], *map(Path, words[1:]))
