"""What the hour brings to programs: lost deliveries are taken up, old answers and free rates forgotten."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from minewatch.office.platform import allowances, webhooks
from minewatch.office.platform.events import subscribe
from minewatch.office.platform.models import RequestDone

_ANSWERS_KEPT = timedelta(days=2)
"""How long the same answer comes to the same ``Idempotency-Key``."""


@subscribe("platform.hour_began")
def hour_began(_payload: Mapping[str, Any], at: datetime) -> None:
    """Take up deliveries whose job was lost; forget rates that are free again and old answers."""
    for delivery in webhooks.waiting(at):
        webhooks.send.enqueue(delivery)
    allowances.forget(at)
    RequestDone.objects.filter(at__lt=at - _ANSWERS_KEPT).delete()
