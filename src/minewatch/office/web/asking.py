"""A page with a form: shows it, has a service do what it says, and shows its refusal in place."""

from collections.abc import Callable
from typing import Any, NamedTuple

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from minewatch.office.platform.refusals import Refused
from minewatch.office.web.forms import OfficeForm


class Question(NamedTuple):
    """What a form page asks: its title, the words on its button, where Cancel leads, a note above the form.

    ``done`` is said once the service has done it.
    """

    title: str | Promise
    button: str | Promise = ""
    back: str = ""
    note: str | Promise = ""
    done: str | Promise = ""
    template: str = "web/form_page.html"


def ask(
    request: HttpRequest,
    question: Question,
    form: OfficeForm,
    act: Callable[[dict[str, Any]], str | HttpResponse],
) -> HttpResponse:
    """Show ``form``, bound where the request posts it; when it is valid ``act`` on its values.

    ``act`` calls the service and returns the address to go to, or the response (a file).
    A ``Refused`` is shown above the form (409).
    """
    context = question._asdict() | {"form": form, "button": question.button or _("Save")}
    status = 200
    if form.is_bound:
        status = 422
        if form.is_valid():
            try:
                answer = act(form.cleaned_data)
            except Refused as refusal:
                context["refusal"], status = str(refusal), 409
            else:
                if isinstance(answer, HttpResponse):
                    return answer
                messages.success(request, str(question.done or _("Done.")))
                return redirect(answer)
    return render(request, question.template, context, status=status)
