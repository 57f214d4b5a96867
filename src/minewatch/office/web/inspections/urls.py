"""Routes of inspections."""

from django.urls import path

from minewatch.office.web.inspections import lists, pages, public, verbs
from minewatch.office.web.listing import listed
from minewatch.office.web.panels import OVERVIEW, PANELS

PANELS.append(pages.PANEL)
OVERVIEW.append(pages.MINE)

urlpatterns = [
    path("inspections/", listed(lists.InspectionListing), name="inspections"),
    path("inspections/mine/", pages.mine, name="inspections_mine"),
    path("inspections/mine/seen/", pages.notifications_seen, name="notifications_seen"),
    path("inspections/appoint/<int:number>/", verbs.appoint, name="inspection_appoint"),
    path("inspections/<str:number>/", pages.inspection, name="inspection"),
    path("inspections/<str:number>/sign/", verbs.sign, name="inspection_sign"),
    path("inspections/<str:number>/complete/", verbs.complete, name="inspection_complete"),
    path("inspections/<str:number>/postpone/", verbs.postpone, name="inspection_postpone"),
    path("inspections/<str:number>/replace/", verbs.replace, name="inspection_replace"),
    path("inspections/<str:number>/cancel/", verbs.cancel, name="inspection_cancel"),
    path("inspections/<str:number>/publish/", verbs.publish, name="inspection_publish"),
    path("inspections/<str:number>/correct/", verbs.correct, name="inspection_correct"),
    path("inspectors/", listed(lists.InspectorListing), name="inspectors"),
    path("inspectors/new/", verbs.inspector_new, name="inspector_new"),
    path("inspectors/<int:number>/", pages.inspector, name="inspector"),
    path("inspectors/<int:number>/retire/", verbs.inspector_retire, name="inspector_retire"),
    path("inspectors/<int:number>/recuse/", verbs.recusal_new, name="recusal_new"),
    path("recusals/<int:number>/end/", verbs.recusal_end, name="recusal_end"),
    path("complaints/", listed(lists.ComplaintListing), name="complaints"),
    path("complaints/new/", verbs.complaint_new, name="complaint_new"),
    path("plans/", listed(lists.PlanListing), name="plans"),
    path("plans/new/", verbs.plan_new, name="plan_new"),
    path("plans/<str:number>/", pages.plan, name="plan"),
    path("plans/<str:number>/issue/", verbs.plan_issue, name="plan_issue"),
    path("plans/<str:number>/drop/", verbs.plan_drop, name="plan_drop"),
    path("draws/", listed(lists.DrawListing), name="draws"),
    path("draws/new/", verbs.draw_new, name="draw_new"),
    path("draws/<str:number>/", pages.draw, name="draw"),
    path("draws/<str:number>/draw/", verbs.draw_carry_out, name="draw_carry_out"),
    path("draws/<str:number>/abandon/", verbs.draw_abandon, name="draw_abandon"),
    path("draws/<str:number>/send/", verbs.draw_send_out, name="draw_send_out"),
    path("public/", public.index, name="public"),
    path("public/results.json", public.results_file, name="public_results"),
    path("public/draws/<str:number>.json", public.draw_file, name="public_draw_file"),
    path("public/draws/<str:number>/", public.draw, name="public_draw"),
]
