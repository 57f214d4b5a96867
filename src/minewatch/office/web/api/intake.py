"""Operations of the intake: findings come in, labels go out; findings of a site and what shows them."""

from datetime import datetime
from typing import Any, Literal

from django.http import Http404, HttpRequest, HttpResponse
from ninja import Field, Query, Router, Schema

from minewatch.office.intake import labels, selectors
from minewatch.office.intake.selectors import DeliveryLine, FindingLine, FindingPage
from minewatch.office.intake.services import receive
from minewatch.office.intake.tasks import begin
from minewatch.office.register.selectors import site_by_code
from minewatch.office.web.api.content import taken, takes
from minewatch.office.web.api.doors import (
    Asked,
    Bearer,
    Clear,
    Code,
    Number,
    Page,
    Purpose,
    Text,
    by,
    eyes,
    page,
)
from minewatch.office.web.api.once import once

router = Router(tags=["intake"])
SEE, DELIVER = Bearer("intake.see_findings"), Bearer("intake.deliver_findings")
LABELS = Bearer("intake.export_labels")


class FindingsGiven(Schema):
    """What the file is called and which analysis made it."""

    name: Text = "findings"
    origin: Text = Field("lake", min_length=1, description="Name of the analysis, the same each time")


class Received(Schema):
    """Deliveries by number, one a run in the file, and the work that takes them in."""

    deliveries: list[int]
    work: int


class DeliveryItem(Schema):
    """A delivery of findings in a list: `counts` are findings by what became of them."""

    id: int
    name: str
    origin: str
    run_id: str
    period_start_at: datetime
    period_end_at: datetime
    rows: int
    state: str
    counts: dict[str, int]
    received_at: datetime
    done_at: datetime | None


class LabelsAsked(Schema):
    """What the labels are taken for, and their form."""

    purpose: Purpose
    form: Literal["csv", "parquet"] = "csv"


@router.post("/findings", auth=DELIVER, response=Received, openapi_extra=takes("application/octet-stream"))
def findings(request: HttpRequest, given: Query[FindingsGiven]) -> HttpResponse:
    """Take a file of findings (a parcel, Parquet or Arrow); the same file again is the same delivery.

    What became of it is told by `/deliveries/{number}`.
    """
    content, who = taken(request), by(request)

    def act() -> dict[str, Any]:
        received = receive(content, given.name, given.origin, who)
        work = begin(received, who)
        return {"deliveries": [delivery.pk for delivery in received], "work": work.pk}

    return once(request, content, act)


@router.get("/deliveries", auth=DELIVER, response=Page[DeliveryItem])
def deliveries(request: HttpRequest, asked: Query[Asked]) -> Page[Any]:
    """List the deliveries of findings."""
    return page(request, asked, lambda _said: selectors.delivery_rows(), list)


@router.get("/deliveries/{number}", auth=DELIVER, response=DeliveryLine)
def delivery(request: HttpRequest, number: Number) -> DeliveryLine:  # noqa: ARG001
    """Return a delivery: how many findings were new, changed, withdrawn, or put aside and why."""
    found = selectors.delivery(number)
    if found is None:
        raise Http404(str(number))
    return found


@router.get("/sites/{code}/findings", auth=SEE, response=list[FindingLine])
def site_findings(request: HttpRequest, code: Code) -> list[FindingLine]:  # noqa: ARG001
    """Return what each run said of a site, newest period first; withdrawn findings stay, marked."""
    found = site_by_code(code)
    if found is None:
        raise Http404(code)
    return selectors.findings_of(found.pk)


@router.get("/findings/{number}", auth=SEE, response=FindingPage)
def finding(request: HttpRequest, number: Number, asked: Query[Clear]) -> FindingPage:
    """Return a finding with its reasons, contradictions and links."""
    found = selectors.finding_page(number, eyes(request, asked.purpose))
    if found is None:
        raise Http404(str(number))
    return found


@router.get("/findings/{number}/evidence", auth=SEE, response=dict[str, Any])
def evidence(request: HttpRequest, number: Number, asked: Query[Clear]) -> dict[str, Any]:
    """Return what shows a finding: load curves with the block, flows and workers, evidence."""
    found = selectors.exhibit_of(number, eyes(request, asked.purpose))
    if found is None:
        raise Http404(str(number))
    return found


@router.get("/labels", auth=LABELS, response=None)
def labels_file(request: HttpRequest, asked: Query[LabelsAsked]) -> HttpResponse:
    """Return what inspections confirmed in the token's region, as the table that `minewatch ingest` reads."""
    content = labels.export(labels.table(), asked.form, asked.purpose, by(request))
    kinds = {"csv": "text/csv; charset=utf-8", "parquet": "application/vnd.apache.parquet"}
    return HttpResponse(content, content_type=kinds[asked.form])
