"""Routes of imports, exports and edits of many."""

from django.urls import path

from minewatch.office.web.imports import edits, exports, lists, pages
from minewatch.office.web.listing import listed

urlpatterns = [
    path("imports/", listed(lists.ImportListing), name="imports"),
    path("imports/new/", pages.new, name="import_new"),
    path("imports/template/<slug:kind>.<slug:form>", pages.template, name="import_template"),
    path("imports/<int:number>/", pages.page, name="import"),
    path("imports/<int:number>/errors.csv", pages.errors, name="import_errors"),
    path("exports/", exports.page, name="exports"),
    path("exports/<int:number>/", exports.file, name="export"),
    *(
        path(f"edit/{kind}/", edits.edit, {"kind": kind}, name=f"edit_{route}")
        for kind, route in edits.LISTS.items()
    ),
]
