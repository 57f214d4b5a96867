"""Addresses of the pages of webhooks."""

from django.urls import path

from minewatch.office.web.listing import listed
from minewatch.office.web.webhooks import lists, pages

urlpatterns = [
    path("webhooks/", listed(lists.HookListing), name="hooks"),
    path("webhooks/new/", pages.hook_new, name="hook_new"),
    path("webhooks/<int:number>/", pages.hook, name="hook"),
    path("webhooks/<int:number>/secret/", pages.hook_secret, name="hook_secret"),
    path("webhooks/<int:number>/switch/", pages.hook_switch, name="hook_switch"),
    path("webhooks/<int:number>/replay/", pages.hook_replay, name="hook_replay"),
    path("webhooks/<int:number>/deliveries/<int:delivery>/", pages.delivery, name="hook_delivery"),
    path("administration/webhooks/", listed(lists.AllHookListing), name="all_hooks"),
    path("administration/webhooks/<int:number>/stop/", pages.hook_stop, name="hook_stop"),
]
