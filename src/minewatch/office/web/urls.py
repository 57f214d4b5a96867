"""Routes of the office."""

from django.urls import include, path

from minewatch.office.web import pages

urlpatterns = [
    path("", include("minewatch.office.web.overview.urls")),
    path("", include("minewatch.office.web.sites.urls")),
    path("", include("minewatch.office.web.register.urls")),
    path("", include("minewatch.office.web.imports.urls")),
    path("", include("minewatch.office.web.intake.urls")),
    path("", include("minewatch.office.web.administration.urls")),
    path("", include("minewatch.office.web.cases.urls")),
    path("", include("minewatch.office.web.api.urls")),
    path("", include("minewatch.office.web.tokens.urls")),
    path("", include("minewatch.office.web.webhooks.urls")),
    path("", include("minewatch.office.web.inspections.urls")),
    path("", include("minewatch.office.web.field.urls")),
    path("account/", include("allauth.urls")),
    path("language/", pages.set_language, name="set_language"),
    path("healthz", pages.healthz, name="healthz"),
]
