"""Addresses of the pages of tokens."""

from django.urls import path

from minewatch.office.web.listing import listed
from minewatch.office.web.tokens import lists, pages

urlpatterns = [
    path("tokens/", listed(lists.TokenListing), name="tokens"),
    path("tokens/new/", pages.token_new, name="token_new"),
    path("tokens/of/<slug:prefix>/", pages.token, name="token"),
    path("tokens/of/<slug:prefix>/draw/", pages.token_draw, name="token_draw"),
    path("tokens/of/<slug:prefix>/revoke/", pages.token_revoke, name="token_revoke"),
    path("administration/tokens/", listed(lists.AllTokenListing), name="all_tokens"),
    path("administration/tokens/of/<slug:prefix>/", pages.any_token, name="any_token"),
    path("administration/tokens/of/<slug:prefix>/revoke/", pages.any_token_revoke, name="any_token_revoke"),
    path("administration/machines/new/", pages.machine_new, name="machine_new"),
    path("administration/machines/of/<str:username>/token/", pages.machine_token, name="machine_token"),
]
