"""The one place of the console where the time is read; everything behind it is given the time."""

from datetime import UTC, datetime


def now() -> datetime:
    """Return the present instant, UTC."""
    return datetime.now(UTC)
