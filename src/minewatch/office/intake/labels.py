"""Labels: what inspections found goes back to the analysis, subject by subject, in its canonical form."""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq
from django.db import transaction
from django.db.models import Max, Min

from minewatch.office.intake.models import Finding, KnownSite, Label
from minewatch.office.platform import audit, events
from minewatch.office.platform.exporting import note_export
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.services import By
from minewatch.office.register.models import Link, Site
from minewatch.schema.record_tables import LABELS

_SURE = 0.5
"""Link probability from which on what was found at a site holds for the thing linked."""

_BEYOND = timedelta(seconds=1)
"""Ends of periods are excluded."""


@dataclass(frozen=True)
class Judged:
    """What an inspection found at a site; ``reference`` names the judgement and is given once.

    ``usage_points``: 户号 behind which the machines were; none given: see ``_subjects``. ``power_kw`` and
    ``rest_kw`` hold for one account alone. ``valid_from``: since when it was so; None: since ever.
    """

    reference: str
    outcome: str
    selection: str = ""
    usage_points: tuple[str, ...] = ()
    innocent_class: str = ""
    mine_kind: str = ""
    power_kw: float | None = None
    rest_kw: float | None = None
    onset_at: datetime | None = None
    valid_from: datetime | None = None
    valid_to: datetime | None = None


@transaction.atomic
def judge(site: Site, judged: Judged, by: By) -> int:
    """Note what an inspection found as labels of the site and of what it has; return how many are new.

    A judgement given twice is noted once. Raises Refused for an outcome that is none, and where the site has
    nothing to speak of.
    """
    if judged.outcome not in Label.Outcome.values:
        raise Refused("outcome_unknown", outcome=judged.outcome)
    finding = Finding.objects.filter(site=site).order_by("-period_end_at", "-pk").first()
    subjects = list(_subjects(site, judged))
    if not subjects:
        raise Refused("label_without_subject")
    before = Label.objects.filter(reference=judged.reference).count()
    rows = [_label(site, finding, subject, judged, by) for subject in subjects]
    Label.objects.bulk_create(rows, ignore_conflicts=True)
    new = Label.objects.filter(reference=judged.reference).count() - before
    if new:
        details = {"reference": judged.reference, "outcome": judged.outcome, "labels": new}
        audit.record(by.act("site_labelled", ("site", site.pk)), details)
        events.publish("intake.site_labelled", {"site": site.pk, **details}, by.at)
    return new


class _Subject(NamedTuple):
    """What a label speaks of, and in which time beyond that of the judgement."""

    kind: str
    name: str
    first_at: datetime | None = None
    last_at: datetime | None = None


def _subjects(site: Site, judged: Judged) -> Iterator[_Subject]:
    """Yield what a judgement speaks of: the site as the analysis names it, its accounts, its addresses.

    Machines sit behind some of the accounts only: where several are linked and none is named, a site that
    mines says nothing of each.
    """
    keys = KnownSite.objects.filter(site=site).order_by("site_key")
    yield from (_Subject("site", key) for key in keys.values_list("site_key", flat=True))
    links = Link.objects.filter(site=site, ended_at=None, probability__gte=_SURE)
    numbers = links.exclude(usage_point=None).order_by("usage_point__number")
    linked = list(numbers.values_list("usage_point__number", flat=True))
    if judged.usage_points:
        yield from (_Subject("usage_point", number) for number in judged.usage_points)
    elif judged.outcome == Label.Outcome.NOT_MINING or len(linked) == 1:
        yield from (_Subject("usage_point", number) for number in linked)
    plants = links.exclude(plant=None).order_by("plant__number")
    yield from (_Subject("plant", number) for number in plants.values_list("plant__number", flat=True))
    yield from _endpoints(site)


def _endpoints(site: Site) -> Iterator[_Subject]:
    """Yield addresses and ports in the time in which they were seen: soon they are somebody else's."""
    seen = site.sightings.values("address", "port").annotate(first=Min("first_at"), last=Max("last_at"))
    for row in seen.order_by("address", "port"):
        name = f"{row['address']}:{row['port']}" if row["port"] else row["address"]
        yield _Subject("endpoint", name, row["first"], row["last"] + _BEYOND)


def _label(site: Site, finding: Finding | None, subject: _Subject, judged: Judged, by: By) -> Label:
    said = {name: getattr(judged, name) for name in _SAID}
    if subject.kind not in ("usage_point", "site"):
        said |= {"power_kw": None, "rest_kw": None}
    said["valid_from"] = judged.valid_from or subject.first_at
    said["valid_to"] = judged.valid_to or subject.last_at
    what = {"subject_kind": subject.kind, "subject_id": subject.name}
    return Label(site=site, finding=finding, decided_at=by.at, decided_by=by.user, **what, **said)


_SAID = [field.name for field in fields(Judged) if field.name != "usage_points"]


def table(after: datetime | None = None) -> pa.Table:
    """Return the labels in the active scope (decided after a time) as the table ``labels``."""
    rows = Label.objects.select_related("finding").order_by("pk")
    if after is not None:
        rows = rows.filter(decided_at__gt=after)
    return pa.Table.from_pylist([_row(label) for label in rows.iterator(2_000)], schema=LABELS)


def _row(label: Label) -> dict[str, Any]:
    row = {name: getattr(label, name, None) for name in LABELS.names}
    row["label_id"] = f"{label.reference}/{label.subject_kind}/{label.subject_id}"
    row["finding_id"] = label.finding.finding_id if label.finding else None
    return {name: None if value == "" else value for name, value in row.items()}


@transaction.atomic
def export(labels: pa.Table, form: str, purpose: str, by: By) -> bytes:
    """Return labels as a file that ``minewatch ingest`` reads, ``csv`` or ``parquet``; the purpose is noted.

    Raises Refused without a purpose.
    """
    note_export("labels", purpose, {"rows": labels.num_rows, "format": form}, by)
    out = io.BytesIO()
    if form == "parquet":
        pq.write_table(labels, out)
        return out.getvalue()
    text = io.TextIOWrapper(out, encoding="utf-8", newline="", write_through=True)
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(labels.schema.names)
    writer.writerows([_cell(value) for value in row.values()] for row in labels.to_pylist())
    return out.getvalue()


def _cell(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
