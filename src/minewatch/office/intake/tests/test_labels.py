"""What inspections found goes back as labels, subject by subject."""

import csv
import io

import pytest

from minewatch.office.conftest import AT, OFFICE
from minewatch.office.intake import labels
from minewatch.office.intake.labels import Judged, judge
from minewatch.office.intake.tests.conftest import Deliver, finding, named
from minewatch.office.platform.models import AuditEntry
from minewatch.office.platform.refusals import Refused
from minewatch.office.register.models import Site
from minewatch.schema.record_tables import LABELS


def test_a_judgement_speaks_of_the_site_and_what_it_has(deliver: Deliver) -> None:
    deliver(finding())
    site = Site.objects.get()
    assert judge(site, Judged("visit-1", "mining", "listed", power_kw=400.0), OFFICE) == 3
    rows = labels.table().to_pylist()
    assert [(row["subject_kind"], row["subject_id"]) for row in rows] == [
        ("site", "S-farm"),
        ("usage_point", "0510700012"),
        ("endpoint", "203.0.113.5:40321"),
    ]
    assert [row["power_kw"] for row in rows] == [400.0, 400.0, None]
    assert {row["finding_id"] for row in rows} == {"F-S-farm-R-1"}
    assert rows[2]["valid_from"] is not None
    assert rows[2]["valid_to"] > rows[2]["valid_from"]
    assert rows[0]["valid_from"] is None
    assert len({row["label_id"] for row in rows}) == 3


def test_a_judgement_given_twice_is_noted_once(deliver: Deliver) -> None:
    deliver(finding())
    judged = Judged("visit-1", "not_mining", innocent_class="cold_store")
    assert judge(Site.objects.get(), judged, OFFICE) == 3
    assert judge(Site.objects.get(), judged, OFFICE) == 0
    assert labels.table().num_rows == 3


def test_of_several_accounts_a_mine_blames_the_named_one_alone(deliver: Deliver) -> None:
    deliver(finding(usage_points=named("0510700012", "0510700013"), endpoints=[]))
    site = Site.objects.get()
    judge(site, Judged("visit-1", "mining"), OFFICE)
    judge(site, Judged("visit-2", "mining", usage_points=("0510700013",)), OFFICE)
    judge(site, Judged("visit-3", "not_mining"), OFFICE)
    accounts = [
        (row["label_id"].split("/")[0], row["subject_id"])
        for row in labels.table().to_pylist()
        if row["subject_kind"] == "usage_point"
    ]
    assert accounts == [
        ("visit-2", "0510700013"),
        ("visit-3", "0510700012"),
        ("visit-3", "0510700013"),
    ]


def test_an_outcome_that_is_none_is_refused(deliver: Deliver) -> None:
    deliver(finding())
    with pytest.raises(Refused, match="perhaps"):
        judge(Site.objects.get(), Judged("visit-1", "perhaps"), OFFICE)


def test_a_file_of_labels_has_the_canonical_columns_and_is_noted(deliver: Deliver) -> None:
    deliver(finding())
    judge(Site.objects.get(), Judged("visit-1", "victim", "tip"), OFFICE)
    rows = list(
        csv.DictReader(io.StringIO(labels.export(labels.table(), "csv", "calibration", OFFICE).decode()))
    )
    assert list(rows[0]) == LABELS.names
    assert (rows[0]["outcome"], rows[0]["selection"], rows[0]["power_kw"]) == ("victim", "tip", "")
    assert AuditEntry.objects.get(action="exported").details == {
        "purpose": "calibration",
        "rows": 3,
        "format": "csv",
    }
    assert labels.table(after=AT).num_rows == 0
