"""Questions to carriers: asked, taken away as a file, and answered by one."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_safe

from minewatch.office.platform.refusals import Refused
from minewatch.office.verify import carriers, selectors
from minewatch.office.verify.models import Case, Question
from minewatch.office.web import asking
from minewatch.office.web.cases.forms import AnswerForm, ConfirmForm, PurposeForm, QuestionForm
from minewatch.office.web.doors import by, permitted

_WHY = {
    "unknown": _("was not asked"),
    "changed": _("address or port differ from the question"),
    "answered": _("was answered otherwise before"),
    "before": _("was taken before"),
    "empty": _("is empty"),
}
_MOST_TOLD = 20


@permitted("verify.ask_carriers")
@require_http_methods(["GET", "POST"])
def question_new(request: HttpRequest) -> HttpResponseBase:
    """Ask a carrier about cases; those that were ticked in the list are filled in."""
    ids = [int(one) for one in request.POST.getlist("ids") if one.isdigit() and len(one) < 19]
    ticked = Case.objects.filter(pk__in=ids).order_by("pk").values_list("number", flat=True)
    form = QuestionForm(
        request.POST if "numbers" in request.POST else None, initial={"numbers": "\n".join(ticked)}
    )

    def act(said: dict[str, Any]) -> str:
        cases = list(Case.objects.filter(number__in=said["numbers"].upper().split()).order_by("pk"))
        return reverse("question", args=[carriers.ask(said["carrier"], cases, by(request)).pk])

    question = asking.Question(_("Ask a carrier"), _("Ask"), reverse("questions"))
    return asking.ask(request, question, form, act)


@permitted("verify.see_cases")
@require_safe
def question(request: HttpRequest, number: int) -> HttpResponse:
    """Show a question, with its file to take away and the way to bring the answer."""
    found = _question(number)
    row = selectors.present_questions([found], by(request).at)[0]
    return render(request, "web/cases/question.html", {"question": row, "is_open": found.ended_at is None})


@permitted("verify.ask_carriers")
@require_http_methods(["GET", "POST"])
def question_file(request: HttpRequest, number: int) -> HttpResponseBase:
    """Give the question as a file, for a purpose."""
    found = _question(number)
    form = PurposeForm(request.POST or None)
    if form.is_valid():
        content = carriers.file_of(found, form.cleaned_data["purpose"], by(request))
        headers = {"Content-Disposition": f'attachment; filename="question-{found.pk}.csv"'}
        return HttpResponse(content, content_type="text/csv; charset=utf-8", headers=headers)
    back = reverse("question", args=[found.pk])
    note = _("The file holds addresses in the clear. Its purpose is noted.")
    return asking.ask(
        request, asking.Question(_("File for the carrier"), _("Take"), back, note), form, _nothing
    )


@permitted("verify.ask_carriers")
@require_http_methods(["GET", "POST"])
def question_answer(request: HttpRequest, number: int) -> HttpResponseBase:
    """Show what a carrier's file would change, and take it in once that was confirmed."""
    found = _question(number)
    back = reverse("question", args=[found.pk])

    def act(said: dict[str, Any]) -> str:
        taken = carriers.take_answer(found, said["text"].encode(), by(request))
        for row in taken.refused[:_MOST_TOLD]:
            told = _("Line %(line)s was not taken: it %(why)s.") % {"line": row.line, "why": _WHY[row.why]}
            messages.warning(request, told)
        return back

    if "text" in request.POST:
        question = asking.Question(_("Answer of the carrier"), _("Take in"), back)
        return asking.ask(request, question, ConfirmForm(request.POST), act)
    form = AnswerForm(request.POST or None, request.FILES or None)
    if form.is_valid():
        try:
            return _preview(request, found, form.cleaned_data["file"].read())
        except Refused as refusal:
            form.add_error("file", str(refusal))
    question = asking.Question(_("Answer of the carrier"), _("Look at it first"), back)
    return asking.ask(request, question, form, _nothing)


def _preview(request: HttpRequest, found: Question, content: bytes) -> HttpResponse:
    lines = [(line, _WHY.get(line.why, "")) for line in carriers.look_at(found, content)]
    context = {
        "lines": lines,
        "taken": sum(not line.why for line, _why in lines),
        "form": ConfirmForm(initial={"text": carriers.text_of(content)}),
        "question": found,
    }
    return render(request, "web/cases/answer.html", context)


def _question(number: int) -> Question:
    found = Question.objects.select_related("agency", "asker").filter(pk=number).first()
    if found is None:
        raise Http404(number)
    return found


def _nothing(_said: dict[str, Any]) -> str:
    return ""
