"""What webhooks tell of: for each kind of event the ids and links that go out, nothing of a person.

Words that somebody wrote (reasons, answers) stay in the office: who may read them asks the interface.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from minewatch.office.intake.models import Finding
from minewatch.office.platform import events
from minewatch.office.platform.scope import scoped, whole
from minewatch.office.platform.webhooks import Happening, spread
from minewatch.office.register.models import Site
from minewatch.office.verify.models import Batch, Case


class Told(NamedTuple):
    """What goes out of an event, and the path of the region where it was."""

    payload: dict[str, Any]
    region_path: str


Teller = Callable[[Mapping[str, Any]], Told | None]
_PLAIN = ("order", "approval", "obligation", "plea", "kind", "before", "after", "granted", "upheld")


def _of_case(payload: Mapping[str, Any]) -> Told | None:
    case = Case.objects.select_related("site__region").filter(pk=payload["case"]).first()
    if case is None:
        return None
    kept = {name: payload[name] for name in _PLAIN if name in payload}
    region = case.site.region
    links = {"case": reverse("api:case", args=[case.number]), "site": _site_link(case.site)}
    said = {"case": case.number, "site": case.site.code, "region": region.code, **kept, "links": links}
    return Told(said, region.path)


def _of_site(payload: Mapping[str, Any]) -> Told | None:
    number = payload.get("site", payload.get("id"))
    site = Site.objects.select_related("region").filter(pk=number).first()
    if site is None:
        return None
    links = {"site": _site_link(site)}
    return Told({"site": site.code, "region": site.region.code, "links": links}, site.region.path)


def _of_finding(payload: Mapping[str, Any]) -> Told | None:
    told = _of_site(payload)
    finding = Finding.objects.filter(pk=payload["finding"]).defer("row").first()
    if told is None or finding is None:
        return told
    told.payload["finding"] = finding.finding_id
    told.payload["links"]["finding"] = reverse("api:finding", args=[finding.pk])
    return told


def _of_batch(payload: Mapping[str, Any]) -> Told | None:
    batch = Batch.objects.select_related("region").filter(pk=payload["batch"]).first()
    if batch is None:
        return None
    links = {"batch": reverse("api:batch", args=[batch.number])}
    said = {"batch": batch.number, "region": batch.region.code, "sites": payload["sites"], "links": links}
    return Told(said, batch.region.path)


def _site_link(site: Site) -> str:
    return reverse("api:site", args=[site.code])


KINDS: Mapping[str, tuple[str | Promise, Teller]] = {
    "register.site_registered": (_("A site was registered"), _of_site),
    "register.site_changed": (_("A site was changed"), _of_site),
    "intake.finding_taken": (_("A finding came in"), _of_finding),
    "intake.finding_withdrawn": (_("A finding was withdrawn"), _of_finding),
    "verify.case_moved": (_("A case moved"), _of_case),
    "verify.case_reopened": (_("A case was reopened"), _of_case),
    "verify.order_given": (_("An order was given"), _of_case),
    "verify.order_received": (_("An order was received"), _of_case),
    "verify.order_done": (_("An order was done"), _of_case),
    "verify.order_returned": (_("An order was returned"), _of_case),
    "verify.order_withdrawn": (_("An order was withdrawn"), _of_case),
    "verify.approval_asked": (_("An approval was asked for"), _of_case),
    "verify.approval_decided": (_("An approval was decided"), _of_case),
    "verify.obligation_opened": (_("An obligation was opened"), _of_case),
    "verify.obligation_settled": (_("An obligation was settled"), _of_case),
    "verify.plea_filed": (_("An appeal or request came in"), _of_case),
    "verify.plea_decided": (_("An appeal or request was decided"), _of_case),
    "verify.batch_issued": (_("A batch was issued"), _of_batch),
}
"""Kinds of events that can be subscribed to, in words, and what is told of each."""


def listen() -> None:
    """Subscribe to all kinds; called once, when Django loads the pages."""
    for kind, (_title, teller) in KINDS.items():
        events.subscribe(kind)(_subscriber(kind, teller))


def _subscriber(kind: str, teller: Teller) -> events.Subscriber:
    def tell_webhooks(payload: Mapping[str, Any], at: datetime) -> None:
        with scoped(whole("webhooks")):
            told = teller(payload)
        if told is not None:
            spread(Happening(kind, payload["event"], told.payload, told.region_path, at))

    return tell_webhooks
