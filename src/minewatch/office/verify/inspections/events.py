"""What inspections do when something happens elsewhere: an order that is returned or withdrawn."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from minewatch.office.platform.events import subscribe
from minewatch.office.platform.scope import scoped, whole
from minewatch.office.platform.services import By
from minewatch.office.verify.inspections.services import order_undone


@subscribe("verify.order_returned")
def order_returned(payload: Mapping[str, Any], at: datetime) -> None:
    """Cancel the inspection of an order that its agency returned."""
    with scoped(whole("inspections")):
        order_undone(payload["order"], payload["reason"], By(None, at))


@subscribe("verify.order_withdrawn")
def order_withdrawn(payload: Mapping[str, Any], at: datetime) -> None:
    """Cancel the inspection of an order that was taken back."""
    with scoped(whole("inspections")):
        order_undone(payload["order"], payload["reason"], By(None, at))
