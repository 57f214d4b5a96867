"""What happens to exports by itself: their files are taken away in time."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from minewatch.office.platform.events import subscribe
from minewatch.office.register.exports.services import take_expired_away


@subscribe("platform.hour_began")
def look_after_files(_payload: Mapping[str, Any], at: datetime) -> None:
    """Take expired files away each hour."""
    take_expired_away(at)
