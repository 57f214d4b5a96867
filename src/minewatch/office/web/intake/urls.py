"""Routes of the intake."""

from django.urls import path

from minewatch.office.web.intake import lists, pages
from minewatch.office.web.listing import listed

urlpatterns = [
    path("deliveries/", listed(lists.DeliveryListing), name="deliveries"),
    path("deliveries/new/", pages.deliver, name="deliver"),
    path("deliveries/<int:number>/", pages.delivery, name="delivery"),
    path("labels/", pages.labels_file, name="labels_file"),
]
