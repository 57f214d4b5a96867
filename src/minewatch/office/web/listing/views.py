"""The view of a list: shows a page of it, gives it as a file, keeps and drops filters."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods

from minewatch.office.platform.exporting import SHORTEST_PURPOSE
from minewatch.office.platform.paging import page_of
from minewatch.office.register.filters import drop_filter, filters_of, keep_filter
from minewatch.office.web.doors import View, by, permitted
from minewatch.office.web.forms import OfficeForm
from minewatch.office.web.listing import exports
from minewatch.office.web.listing.columns import Column, Line, lines
from minewatch.office.web.listing.listing import FilterForm, Listing, Sight

SIZES = (25, 50, 100, 200)
_OF_THE_PAGE = ("sort", "size", "page")


class ExportForm(OfficeForm):
    """What a list is exported for, and how."""

    auto_id = "export_%s"
    purpose = forms.CharField(label=_("Purpose"), min_length=SHORTEST_PURPOSE, max_length=300)
    form = forms.ChoiceField(label=_("Format"), choices=[("xlsx", "XLSX"), ("csv", "CSV")])
    clear = forms.BooleanField(label=_("Show protected fields"), required=False)


class KeepForm(OfficeForm):
    """A name for the filter in force."""

    name = forms.CharField(label=_("Name"), max_length=80)
    for_agency = forms.BooleanField(label=_("For everybody in my agency"), required=False)


@dataclass(frozen=True)
class _Asked:
    """A request for a list: the filters as understood, and the order, page and size."""

    request: HttpRequest
    listing: Listing
    filters: FilterForm

    @property
    def sort(self) -> str:
        return str(self.request.GET.get("sort") or self.listing.order)

    @property
    def size(self) -> int:
        size = _number(self.request.GET.get("size"))
        return size if size in SIZES else SIZES[0]

    @property
    def said(self) -> dict[str, Any]:
        return exports.cleaned(self.filters)

    def address(self, **changed: object) -> str:
        """Return the query of this page with some of its values changed."""
        values = {name: self.request.GET.getlist(name) for name in self.request.GET if name != "page"}
        kept = {name: value for name, value in values.items() if any(value)}
        return "?" + urlencode(kept | {name: [str(value)] for name, value in changed.items()}, doseq=True)


@dataclass(frozen=True)
class Heading:
    """The head of a column: its title, the address that sorts by it, how it is sorted (``aria-sort``)."""

    column: Column
    address: str
    sorted: str


def listed(kind: type[Listing]) -> View:
    """Return the view of a list; it asks for the permission that the list names."""
    exports.LISTINGS[kind.name] = kind

    def view(request: HttpRequest) -> HttpResponseBase:
        listing = kind()
        asked = _Asked(request, listing, listing.filters(request.GET, auto_id="filter_%s"))
        if request.method == "POST":
            return _do(asked)
        return _show(asked)

    return permitted(kind.permission)(require_http_methods(["GET", "HEAD", "POST"])(view))


def _show(asked: _Asked) -> HttpResponse:
    request, listing = asked.request, asked.listing
    who = by(request)
    rows = listing.ordered(listing.select(asked.said), asked.sort)
    number = _number(request.GET.get("page"))
    page = page_of(rows, number, asked.size, lambda found: _lines(listing, found, Sight(who)))
    context = {
        "listing": listing,
        "page": page,
        "filters": asked.filters,
        "headings": [_heading(asked, column) for column in listing.columns],
        "previous": asked.address(page=page.number - 1) if page.number > 1 else "",
        "next": asked.address(page=page.number + 1) if page.number < page.pages else "",
        "here": asked.address(page=page.number),
        "sizes": [(size, asked.address(size=size), size == asked.size) for size in SIZES],
        "sort": request.GET.get("sort", ""),
        "actions": [action for action in listing.actions if request.user.has_perm(action.permission)],
    }
    if request.htmx and not request.htmx.boosted:  # type: ignore[attr-defined]
        return render(request, "web/listing/table.html", context)
    return render(request, "web/listing/page.html", context | _around(asked))


def _around(asked: _Asked) -> dict[str, Any]:
    """Return what stands around the table and does not change with it."""
    user = by(asked.request).user
    assert user is not None  # noqa: S101 - by() gives one
    listing = asked.listing
    kept = [(one, "?" + urlencode(one.query, doseq=True)) for one in filters_of(user, listing.name)]
    adding = listing.adding if listing.adding and user.has_perm(listing.adding[2]) else None
    return {
        "kept": kept,
        "keep_form": KeepForm(auto_id="keep_%s"),
        "export_form": _export_form(asked)
        if listing.exporting and user.has_perm(listing.exporting)
        else None,
        "adding": adding,
    }


def _export_form(asked: _Asked, data: Any = None) -> ExportForm:
    form = ExportForm(data, auto_id="export_%s")
    if not (asked.listing.clearing and asked.request.user.has_perm(asked.listing.clearing)):
        del form.fields["clear"]
    return form


def _lines(listing: Listing, rows: Any, sight: Sight) -> list[Line]:
    return lines(listing.columns, [row.pk for row in rows], listing.present(rows, sight))


def _heading(asked: _Asked, column: Column) -> Heading:
    if not column.sort:
        return Heading(column, "", "")
    is_rising = asked.sort == column.name
    falls = asked.sort == f"-{column.name}"
    address = asked.address(sort=f"-{column.name}" if is_rising else column.name)
    return Heading(column, address, "ascending" if is_rising else "descending" if falls else "none")


def _do(asked: _Asked) -> HttpResponseBase:
    request, name = asked.request, asked.listing.name
    match request.POST.get("do"):
        case "export":
            return _export(asked)
        case "keep":
            form = KeepForm(request.POST)
            if form.is_valid():
                said = form.cleaned_data
                keep_filter(name, said["name"], _query(request), by(request), for_agency=said["for_agency"])
                messages.success(request, _("The filter is kept."))
        case "drop":
            drop_filter(_number(request.POST.get("filter")), by(request))
            messages.success(request, _("The filter was dropped."))
    return redirect(request.get_full_path())


def _query(request: HttpRequest) -> dict[str, list[str]]:
    given = {name: request.GET.getlist(name) for name in request.GET if name not in _OF_THE_PAGE[1:]}
    return {name: values for name, values in given.items() if any(values)}


def _export(asked: _Asked) -> HttpResponseBase:
    """Have the whole list, as filtered, made as a file; the purpose is noted first."""
    request, listing = asked.request, asked.listing
    if not (listing.exporting and request.user.has_perm(listing.exporting)):
        raise PermissionDenied(listing.exporting or "export")
    form = _export_form(asked, request.POST)
    if not form.is_valid():
        messages.error(request, _("Say what the export is for."))
        return redirect(request.get_full_path())
    wanted = form.cleaned_data
    clear = bool(wanted.get("clear"))
    query = _query(request)
    about = exports.Asked(listing.name, str(listing.title), query, wanted["form"], wanted["purpose"], clear)
    exports.begin(about, by(request))
    messages.success(request, _("The file is being made: it waits for you under Exports."))
    return redirect("exports")


def _number(text: str | None) -> int:
    return int(text) if text and text.isascii() and text.isdigit() and len(text) < 10 else 0
