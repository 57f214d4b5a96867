"""Lists of the console: a page with a table, said once as data."""

from minewatch.office.web.listing.columns import Column, Kind
from minewatch.office.web.listing.listing import Action, FilterForm, Listing, Sight
from minewatch.office.web.listing.views import listed

__all__ = ["Action", "Column", "FilterForm", "Kind", "Listing", "Sight", "listed"]
