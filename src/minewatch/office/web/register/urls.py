"""Routes of the inventories, of duplicates and of evidence files."""

from django.urls import path
from django.utils.translation import gettext_lazy as _

from minewatch.office.web.listing import listed
from minewatch.office.web.panels import PANELS, Panel
from minewatch.office.web.register import lists, pages

PANELS.append(
    Panel("files", _("Evidence files"), "web/register/files.html", pages.files_context, "register.see_things")
)

urlpatterns = [
    path("inventory/operating/", listed(lists.OperatingInventory), name="inventory"),
    path("inventory/construction/", listed(lists.ConstructionInventory), name="inventory_construction"),
    path("duplicates/", pages.duplicates, {"kind": "enterprise"}, name="duplicate_entries"),
    path("duplicates/<slug:kind>/", pages.duplicates, name="duplicates"),
    path("duplicates/<slug:kind>/<int:first>/<int:second>/", pages.merge_two, name="merge_two"),
    path("merges/", listed(lists.MergeListing), name="merges"),
    path("merges/<int:number>/undo/", pages.merge_undo, name="merge_undo"),
    path("sites/<str:code>/files/new/", pages.file_new, name="file_new"),
    path("files/<int:number>/", pages.file, name="file"),
]
