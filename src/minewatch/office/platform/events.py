"""Events: an earlier stage says what happened, later stages subscribe; nothing is lost and nothing doubled.

``publish`` writes the event in the transaction of what happened. ``deliver`` (called by the worker) gives
each waiting event to each subscriber in a transaction of its own, in which it also notes that the
subscriber took it: after a crash the part that was not committed is done again, the committed one is not.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from minewatch.office.platform.models import Event, EventTaken

Subscriber = Callable[[Mapping[str, Any], datetime], None]

_SUBSCRIBERS: dict[str, dict[str, Subscriber]] = {}


def publish(kind: str, payload: Mapping[str, Any], at: datetime) -> None:
    """Write an event of ``kind`` (``<app>.<what happened>``) into the open transaction."""
    Event.objects.create(kind=kind, payload=dict(payload), at=at)


def hour_began(now: datetime) -> None:
    """Publish ``platform.hour_began`` once for the hour of ``now``: what reminders and deadlines wait for."""
    hour = now.replace(minute=0, second=0, microsecond=0)
    key = f"hour {hour.isoformat()}"
    defaults = {"kind": "platform.hour_began", "payload": {"hour": hour.isoformat()}, "at": hour}
    Event.objects.get_or_create(key=key, defaults=defaults)


def subscribe(kind: str) -> Callable[[Subscriber], Subscriber]:
    """Register a function for events of ``kind``; it is called inside a transaction.

    It is given the payload, with the number of the event as ``event``, and the time.
    """

    def register(function: Subscriber) -> Subscriber:
        _SUBSCRIBERS.setdefault(kind, {})[f"{function.__module__}.{function.__qualname__}"] = function
        return function

    return register


def deliver(now: datetime, most: int = 500) -> int:
    """Deliver up to ``most`` waiting events in order; return how many were delivered.

    A subscriber's error stops the delivery there: later events may stand on it.
    """
    waiting = list(Event.objects.filter(delivered_at=None).order_by("id")[:most])
    for event in waiting:
        for name, function in _SUBSCRIBERS.get(event.kind, {}).items():
            _give(event, name, function)
        Event.objects.filter(pk=event.pk).update(delivered_at=now)
    return len(waiting)


def _give(event: Event, name: str, function: Subscriber) -> None:
    with transaction.atomic():
        Event.objects.select_for_update().get(pk=event.pk)  # one worker at a time
        _, is_new = EventTaken.objects.get_or_create(event=event, subscriber=name)
        if is_new:
            function({**event.payload, "event": event.pk}, event.at)
