"""The table of regions that comes with the office (GB/T 2260), and how a newer one is taken in.

Codes in force and codes that ended since 2010 with the code that took their place; the table's head says its
sources and dates. Parks are no part of the standard: a system administrator adds them below their county.
"""

import csv
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path

from django.db import transaction

from minewatch.office.platform import audit
from minewatch.office.platform.models import Region
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.selectors import forget_regions
from minewatch.office.platform.services import By, RegionGiven, add_regions

TABLE = Path(__file__).parent / "data" / "regions.csv"


def read_table(path: Path = TABLE) -> Iterator[RegionGiven]:
    """Yield the rows of a table of regions: CSV in UTF-8, lines that begin with # are its sources."""
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(line for line in file if not line.startswith("#")):
            ended = int(row["ended"]) if row["ended"] else None
            names = {
                name: row[name] for name in ("code", "level", "name_zh", "name_en", "parent", "successor")
            }
            yield RegionGiven(**names, ended=ended)


@transaction.atomic
def load_table(by: By, path: Path = TABLE) -> int:
    """Bring the regions to what a table says: new ones, new names, ends; return how many changed.

    No region goes away: rows hang on it. Raises Refused where a parent or successor is unknown.
    """
    given = list(read_table(path))
    added = add_regions(given, by)
    changed = _renew(given)
    if changed:
        forget_regions()
        audit.record(
            by.act("regions_renewed", ("region", "")), {"codes": changed[:1000], "number": len(changed)}
        )
    return added + len(changed)


def _renew(given: Iterable[RegionGiven]) -> list[str]:
    known = {region.code: region for region in Region.objects.all()}
    changed = []
    for said in given:
        row = known[said.code]
        if said.successor and said.successor not in known:
            raise Refused("region_unknown", code=said.successor)
        successor = known[said.successor].pk if said.successor else None
        values = (said.name_zh, said.name_en or row.name_en, end_of(said), successor)
        if values != (row.name_zh, row.name_en, row.valid_to, row.successor_id):
            row.name_zh, row.name_en, row.valid_to, row.successor_id = values
            changed.append(row)
    Region.objects.bulk_update(changed, ["name_zh", "name_en", "valid_to", "successor"], batch_size=500)
    return [row.code for row in changed]


def end_of(given: RegionGiven) -> date | None:
    """Return the first day on which a region may have ceased: its year of end is known, not its day."""
    return date(given.ended, 1, 1) if given.ended else None
