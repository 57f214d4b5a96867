"""The job that sends a webhook; run again after a crash, it goes on where the delivery's row stands."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django_tasks import task

from minewatch.office.platform import allowances, webhooks
from minewatch.office.platform.events import subscribe
from minewatch.office.platform.models import RequestDone

_ANSWERS_KEPT = timedelta(days=2)
"""How long the same answer comes to the same ``Idempotency-Key``."""


@task()
def send(delivery: int) -> None:
    """Try a delivery, and come again when it says so."""
    again_at = webhooks.attempt(delivery, datetime.now(UTC))
    if again_at is not None:
        send.using(run_after=again_at).enqueue(delivery)


@subscribe("platform.hour_began")
def hour_began(_payload: Mapping[str, Any], at: datetime) -> None:
    """Take up deliveries whose job was lost; forget rates that are free again and old answers."""
    for delivery in webhooks.waiting(at):
        send.enqueue(delivery)
    allowances.forget(at)
    RequestDone.objects.filter(at__lt=at - _ANSWERS_KEPT).delete()
