"""Delivering findings in the console, and taking labels away."""

from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from minewatch.office.conftest import LogIn, OpenAccount
from minewatch.office.intake.models import Delivery
from minewatch.office.intake.tests.conftest import finding, packed
from minewatch.office.platform.models import AuditEntry
from minewatch.office.platform.roles import Role


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: Any) -> None:
    monkeypatch.setenv("MINEWATCH_OFFICE_HOME", str(tmp_path))
    settings.TASKS = {"default": {"BACKEND": "django_tasks.backends.immediate.ImmediateBackend"}}


def test_an_analyst_delivers_and_sees_what_became_of_it(account: OpenAccount, log_in: LogIn) -> None:
    client = log_in(account("zhao", "energy-510703", Role.ANALYST))
    content = packed(findings=[finding(), finding("S-far", region_code="620000")])
    file = SimpleUploadedFile("week.zip", content)
    sent = client.post(reverse("deliver"), {"file": file, "origin": "lake"})
    assert (sent.status_code, sent["Location"]) == (302, reverse("deliveries"))
    assert "week.zip" in client.get(reverse("deliveries")).content.decode()
    page = client.get(reverse("delivery", args=[Delivery._base_manager.get().pk])).content.decode()
    assert "F-S-far-R-1" in page
    assert "620000" in page
    assert "F-S-farm-R-1" not in page


def test_a_delivery_is_seen_where_it_was_given(account: OpenAccount, log_in: LogIn) -> None:
    above = log_in(account("wu", "energy-510000", Role.ANALYST))
    file = SimpleUploadedFile("week.zip", packed(findings=[finding()]))
    above.post(reverse("deliver"), {"file": file, "origin": "lake"})
    address = reverse("delivery", args=[Delivery._base_manager.get().pk])
    below = log_in(account("zhao", "energy-510703", Role.ANALYST))
    assert above.get(address).status_code == 200
    assert below.get(address).status_code == 404
    assert "week.zip" not in below.get(reverse("deliveries")).content.decode()


def test_what_is_no_parcel_is_refused_in_place(account: OpenAccount, log_in: LogIn) -> None:
    client = log_in(account("zhao", "energy-510703", Role.ANALYST))
    file = SimpleUploadedFile("list.xlsx", b"no findings")
    sent = client.post(reverse("deliver"), {"file": file, "origin": "lake"})
    assert sent.status_code == 409
    assert "list.xlsx" in sent.content.decode()
    assert client.get(reverse("delivery", args=[7])).status_code == 404


def test_labels_leave_for_a_purpose(account: OpenAccount, log_in: LogIn) -> None:
    client = log_in(account("zhao", "energy-510703", Role.ANALYST))
    assert client.get(reverse("labels_file")).status_code == 200
    assert client.post(reverse("labels_file"), {"form": "csv", "purpose": ""}).status_code == 422
    assert not AuditEntry.objects.filter(action="exported").exists()
    sent = client.post(reverse("labels_file"), {"form": "csv", "purpose": "calibration"})
    assert sent.content.startswith(b"label_id,finding_id,")
    assert AuditEntry.objects.get(action="exported", actor="zhao").details["purpose"] == "calibration"


def test_an_inspector_neither_delivers_nor_takes_labels(account: OpenAccount, log_in: LogIn) -> None:
    client = log_in(account("sun", "energy-510703", Role.INSPECTOR))
    assert client.get(reverse("deliver")).status_code == 403
    assert client.get(reverse("deliveries")).status_code == 403
    assert client.post(reverse("labels_file")).status_code == 403
