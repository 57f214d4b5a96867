"""Addresses of the programming interface."""

from django.urls import path

from minewatch.office.web.api.interface import api

urlpatterns = [path("api/v1/", api.urls)]
