"""``python -m benchmarks.office_filling HOME USAGE_POINTS``: set up the office in HOME and fill it."""

import sys
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from minewatch.office import running

SEED = 5


def main(home: Path, usage_points: int) -> None:
    """Set up and fill; the same seed and day give the same rows."""
    running.open_office(home)
    running.set_up()
    from django.db import transaction

    from benchmarks import office_country as country
    from benchmarks import office_history as history
    from benchmarks.office_pouring import filling
    from minewatch.office.platform.scope import scoped, whole

    now = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    made = country.Country(usage_points, now, np.random.default_rng(SEED))
    with scoped(whole("benchmark")), filling(), transaction.atomic():
        country.settle(made)
        country.fill_register(made)
        history.fill_findings(made)
        history.fill_cases(made)
        history.fill_records(made)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
