"""Addresses of the administrators' pages."""

from django.urls import path, re_path

from minewatch.office.web.administration import accounts, auditing, lists, places
from minewatch.office.web.listing import listed

_CHANGES = "|".join(accounts.CHANGES)

urlpatterns = [
    path("administration/accounts/", listed(lists.AccountListing), name="accounts"),
    path("administration/accounts/new/", accounts.account_new, name="account_new"),
    path("administration/accounts/of/<str:username>/", accounts.account_page, name="account_page"),
    path(
        "administration/accounts/of/<str:username>/password/",
        accounts.account_password,
        name="account_password",
    ),
    re_path(
        rf"^administration/accounts/of/(?P<username>[^/]+)/(?P<change>{_CHANGES})/$",
        accounts.account_change,
        name="account_change",
    ),
    path("administration/roles/", listed(lists.AskedListing), name="roles_asked"),
    path("administration/roles/<int:number>/", accounts.role_decide, name="role_decide"),
    path("administration/agencies/", listed(lists.AgencyListing), name="agencies"),
    path("administration/agencies/new/", places.agency_new, name="agency_new"),
    path("administration/agencies/of/<slug:code>/", places.agency_edit, name="agency_edit"),
    path("administration/regions/", listed(lists.RegionListing), name="regions"),
    path("administration/regions/park/", places.park_new, name="park_new"),
    path("administration/state/", places.office_state, name="office_state"),
    path("audit/", listed(lists.AuditListing), name="audit"),
    path("audit/check/", auditing.audit_check, name="audit_check"),
    path("audit/anchor/", auditing.audit_anchor, name="audit_anchor"),
    path("audit/export/", auditing.audit_export, name="audit_export"),
]
