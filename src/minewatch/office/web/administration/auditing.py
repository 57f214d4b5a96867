"""Pages of the audit administrator beside the list: checking the chain, taking it and its end outside."""

import json
from collections.abc import Iterator
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST

from minewatch.office.platform import audit
from minewatch.office.platform.exporting import note_export
from minewatch.office.platform.exports import anchor_text
from minewatch.office.platform.models import AuditEntry
from minewatch.office.web.administration import forms
from minewatch.office.web.asking import Question, ask
from minewatch.office.web.doors import by, permitted

_BREAKS_SHOWN = 50


@permitted("platform.see_audit")
@require_http_methods(["GET", "HEAD", "POST"])
def audit_check(request: HttpRequest) -> HttpResponse:
    """Check the whole chain when asked to, against an anchor where one is given."""
    context: dict[str, Any] = {}
    if request.method == "POST":
        anchors, context["anchor_refused"] = _anchors(request)
        context["breaks"] = list(audit.verify(anchors))[:_BREAKS_SHOWN]
        context["checked"] = not context["anchor_refused"]
    return render(request, "web/administration/check.html", context)


def _anchors(request: HttpRequest) -> tuple[dict[int, str], bool]:
    text = request.POST.get("anchor", "").strip()
    try:
        said = [json.loads(line) for line in text.splitlines() if line.strip()]
        return {int(one["seq"]): str(one["hash"]) for one in said}, False
    except (ValueError, KeyError, TypeError):
        return {}, True


@permitted("platform.export_audit")
@require_POST
def audit_anchor(request: HttpRequest) -> HttpResponse:
    """Give the end of the chain as a file."""
    who = by(request)
    headers = {"Content-Disposition": f'attachment; filename="anchor-{who.at:%Y%m%d-%H%M}.json"'}
    return HttpResponse(anchor_text(who), content_type="application/json", headers=headers)


@permitted("platform.export_audit")
@require_http_methods(["GET", "HEAD", "POST"])
def audit_export(request: HttpRequest) -> HttpResponseBase:
    """Give the chain as JSON lines that can be checked without the office, without details of cases."""
    form = forms.bound(forms.ExportForm, request, after=0)
    answers: list[HttpResponseBase] = []

    def act(said: dict[str, Any]) -> str:
        who = by(request)
        note_export("audit", said["purpose"], {"after": said["after"], "format": "jsonl"}, who)
        headers = {"Content-Disposition": f'attachment; filename="audit-{who.at:%Y%m%d-%H%M}.jsonl"'}
        answers.append(
            StreamingHttpResponse(_lines(said["after"]), content_type="application/jsonl", headers=headers)
        )
        return reverse("audit")

    question = Question(_("Export the chain"), _("Export"), reverse("audit"))
    answer = ask(request, question, form, act)
    return answers[0] if answers else answer


def _lines(after: int) -> Iterator[str]:
    for entry in AuditEntry.objects.filter(seq__gt=after).order_by("seq").iterator(chunk_size=1000):
        yield json.dumps(audit.line(entry, with_details=False), ensure_ascii=False, sort_keys=True) + "\n"
