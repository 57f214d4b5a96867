"""Routes of the phone's page and of sheets."""

from django.urls import path

from minewatch.office.web.field import desk, pages

urlpatterns = [
    path("field/", pages.field, name="field"),
    path("field/worker.js", pages.worker, name="field_worker"),
    path("field/pack/", pages.pack, name="field_pack"),
    path("field/<str:number>/", pages.field_inspection, name="field_inspection"),
    path("field/<str:number>/sheets/", pages.sheet_in, name="field_sheet"),
    path("field/<str:number>/photos/<uuid:client_id>/", pages.photo_in, name="field_photo"),
    path("inspections/<str:number>/machines/", desk.machines_new, name="sheet_new_machines"),
    path("inspections/<str:number>/machines/<int:file>/", desk.machines_check, name="sheet_machines"),
    path("inspections/<str:number>/join/", desk.sheets_join, name="sheets_join"),
]
