"""The audit chain: appended in the act's transaction, unchangeable, and every change is seen."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import DatabaseError, connection, transaction

from minewatch.office.platform import audit
from minewatch.office.platform.audit import Act, Break
from minewatch.office.platform.models import AuditEntry

AT = datetime(2026, 5, 4, 9, 30, 1, 123456, tzinfo=UTC)


def act(number: int) -> Act:
    return Act("li.na", "energy-1", "site_listed", ("site", str(number)), AT)


def three() -> list[AuditEntry]:
    with transaction.atomic():
        for number in range(3):
            audit.record(act(number), {"reason": "矿机", "kw": 12.5})
    audit.seal()
    return list(AuditEntry.objects.order_by("id"))


@pytest.mark.django_db
def test_an_unbroken_chain_verifies_and_links() -> None:
    entries = three()
    assert list(audit.verify()) == []
    assert [entry.previous for entry in entries] == [audit.GENESIS, entries[0].hash, entries[1].hash]
    assert list(audit.verify({2: entries[1].hash})) == []


@pytest.mark.django_db
def test_an_entry_is_sealed_right_after_its_commit(django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True), transaction.atomic():
        assert audit.record(act(1)).seq is None
    assert AuditEntry.objects.get().seq == 1
    assert audit.seal() == 0


@pytest.mark.django_db
@pytest.mark.parametrize("field", ["actor", "details", "at"])
def test_what_waits_to_be_sealed_cannot_be_changed_either(field: str) -> None:
    audit.record(act(1))
    value: object = {"actor": "x", "details": {"x": 1}, "at": datetime(2020, 1, 1, tzinfo=UTC)}[field]
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        AuditEntry.objects.update(**{field: value})


@pytest.mark.django_db
def test_an_act_that_fails_leaves_no_entry() -> None:
    def fail() -> None:
        with transaction.atomic():
            audit.record(act(1))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert AuditEntry.objects.count() == 0
    assert list(audit.verify()) == []


def test_no_entry_without_a_transaction(own_database: str) -> None:
    with pytest.raises(transaction.TransactionManagementError):
        audit.record(act(1))


def test_what_was_committed_is_sealed_and_stays(own_database: str) -> None:
    with transaction.atomic():
        audit.record(act(1))
    connection.close()
    assert AuditEntry.objects.get().seq == 1
    assert list(audit.verify()) == []


@pytest.mark.parametrize("again", [1, 2])
def test_a_database_of_its_own_holds_what_the_migrations_made(own_database: str, again: int) -> None:
    assert AuditEntry.objects.count() == 0
    assert audit.anchor(AT).seq == 0


@pytest.mark.django_db
@pytest.mark.parametrize("change", ["update", "delete"])
def test_the_database_refuses_to_change_a_link(change: str) -> None:
    three()
    rows = AuditEntry.objects.filter(seq=2)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        rows.update(actor="x") if change == "update" else rows.delete()


def without_triggers(statement: str) -> None:
    with connection.cursor() as cursor:
        if connection.vendor == "sqlite":
            cursor.execute("DROP TRIGGER platform_auditentry_no_update")
            cursor.execute("DROP TRIGGER platform_auditentry_no_delete")
        else:
            cursor.execute("ALTER TABLE platform_auditentry DISABLE TRIGGER USER")
        cursor.execute(statement)


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("statement", "found"),
    [
        ("UPDATE platform_auditentry SET actor = 'x' WHERE seq = 2", [Break(2, "altered")]),
        ("DELETE FROM platform_auditentry WHERE seq = 2", [Break(2, "missing")]),
        ("DELETE FROM platform_auditentry WHERE seq = 3", [Break(3, "missing")]),
    ],
)
def test_a_change_behind_the_triggers_is_seen(statement: str, found: list[Break]) -> None:
    three()
    without_triggers(statement)
    assert list(audit.verify()) == found


@pytest.mark.django_db
def test_an_export_verifies_without_the_database() -> None:
    three()
    exported = [json.loads(json.dumps(entry)) for entry in audit.lines()]
    assert list(audit.verify_lines(exported, {3: exported[2]["hash"]})) == []
    exported[1]["details"]["kw"] = 13.0
    assert list(audit.verify_lines(exported)) == [Break(2, "altered")]
    assert [entry["seq"] for entry in audit.lines(after=2)] == [3]


@pytest.mark.django_db
def test_an_export_without_details_verifies_too() -> None:
    bare = [audit.line(entry, with_details=False) for entry in three()]
    assert "details" not in bare[0]
    assert list(audit.verify_lines(bare)) == []
    assert list(audit.verify_lines([bare[0], bare[1] | {"actor": "x"}, bare[2]])) == [Break(2, "altered")]


@pytest.mark.django_db
def test_a_chain_made_anew_does_not_fit_the_anchor() -> None:
    entries = three()
    assert list(audit.verify({3: "f" * 64})) == [Break(3, "altered")]
    assert list(audit.verify({9: entries[0].hash})) == [Break(9, "missing")]
