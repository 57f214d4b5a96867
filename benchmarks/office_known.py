"""``python -m benchmarks.office_known HOME``: some of what each account's region holds, as JSON."""

import json
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from minewatch.office import running

_SOME = 60


def main(home: Path) -> None:
    """Print by account what addresses are made of."""
    running.open_office(home)
    from benchmarks.office_pages import ACCOUNTS
    from minewatch.office.platform.models import User
    from minewatch.office.platform.scope import scoped
    from minewatch.office.platform.selectors import scope_of

    told: dict[str, Any] = {}
    for user in User.objects.filter(username__in=ACCOUNTS):
        with scoped(scope_of(user)):
            told[user.username] = {} if user.administers else _known(user)
    sys.stdout.write(json.dumps(told))


def _known(user: Any) -> dict[str, list[Any]]:
    from minewatch.office.platform.models import Region
    from minewatch.office.register import models as register
    from minewatch.office.verify.models import Batch, Case, Question

    below = Region.objects.filter(path__startswith=user.region.path, depth__lte=user.region.depth + 2)
    sites = list(register.Site.objects.order_by("-power_kw", "pk")[:_SOME])
    points = _some(register.UsagePoint, "pk", "number", "customer_name", "transformer_id")
    seen = _some(register.Sighting, "address", "wallet")
    firms = _some(register.Enterprise, "pk", "name", "uscc")
    return {
        "region": list(below.filter(valid_to=None).values_list("code", flat=True)[:_SOME]),
        "site_code": [site.code for site in sites],
        "site_code_start": [site.code[:6] for site in sites],
        "site_name": [site.name[:4] for site in sites],
        "big_site": list(register.Site.objects.filter(pk=1).values_list("code", flat=True)),
        "firm_word": [name[2:4] for _, name, _ in firms],
        "uscc": [code for _, _, code in firms],
        "enterprise": [pk for pk, _, _ in firms],
        "usage_point": [row[0] for row in points],
        "number": [row[1] for row in points],
        "number_start": [row[1][:8] for row in points],
        "person": [row[2] for row in points if len(row[2]) > 1],
        "transformer": [row[3] for row in points],
        "ip": [address for address, _ in seen],
        "wallet": [wallet for _, wallet in seen],
        "prefix": [prefix for prefix, _ in _some(register.Line, "prefix", "pk")],
        "line": [pk for _, pk in _some(register.Line, "prefix", "pk")],
        "plant": [pk for pk, _ in _some(register.Plant, "pk", "number")],
        "premises": [pk for pk, _ in _some(register.Premises, "pk", "address")],
        "address_word": [text[-9:-3] for _, text in _some(register.Premises, "pk", "address")],
        "case": [number for number, _ in _some(Case, "number", "pk")],
        "case_start": ["C2026-00"],
        "batch": [number for number, _ in _some(Batch, "number", "pk")],
        "question": [pk for pk, _ in _some(Question, "pk", "due_at")],
    }


def _some(model: Any, *names: str) -> list[Any]:
    rows: Iterable[Any] = model.objects.values_list(*names).order_by("-pk")[:_SOME]
    return list(rows)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
