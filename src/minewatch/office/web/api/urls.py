"""Addresses of the programming interface and of the page that shows it."""

from django.urls import path

from minewatch.office.web.api import pages
from minewatch.office.web.api.interface import api

urlpatterns = [path("api/v1/", api.urls), path("api/docs/", pages.docs, name="api_docs")]
