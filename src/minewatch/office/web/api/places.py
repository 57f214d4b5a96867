"""Operations that belong to no stage: the token itself, regions and agencies, long work."""

from datetime import datetime
from typing import Any, Literal

from django.http import Http404, HttpRequest
from ninja import Query, Router, Schema

from minewatch.office.platform import lists
from minewatch.office.platform.models import Agency, Region, Work
from minewatch.office.platform.scope import active
from minewatch.office.web.api.doors import Asked, Bearer, Code, Number, Page, Text, by, holder_of, page

router = Router(tags=["office"])
ANY = Bearer()


class Me(Schema):
    """A token as the office sees it now: what is left of its permissions and region."""

    account: str
    agency: str
    token: str
    permissions: list[str]
    region: str
    expires_at: datetime


class RegionItem(Schema):
    """A region of GB/T 2260; a park has its county's code, a hyphen and a number."""

    code: str
    level: str
    name_zh: str
    name_en: str


class AgencyItem(Schema):
    """An agency: a department or company that works on cases."""

    code: str
    kind: str
    name_zh: str
    name_en: str
    region: str
    active: bool

    @staticmethod
    def resolve_region(row: Any) -> str:
        """Return the code of the agency's region."""
        return str(row.region.code)


class RegionsAsked(Asked):
    """Filters of regions."""

    text: Text | None = None
    level: Literal[tuple(Region.Level.values)] | None = None  # type: ignore[valid-type]


class AgenciesAsked(Asked):
    """Filters of agencies."""

    text: Text | None = None
    kind: Literal[tuple(Agency.Kind.values)] | None = None  # type: ignore[valid-type]
    region: Code | None = None


class WorkNow(Schema):
    """How far a piece of long work is."""

    id: int
    title: str
    state: str
    done: int
    total: int | None
    began_at: datetime
    ended_at: datetime | None


@router.get("/me", auth=ANY, response=Me)
def me(request: HttpRequest) -> Me:
    """Return what the token may do at this moment."""
    holder = holder_of(request)
    user = holder.token.user
    path = holder.scope.region_path
    region = Region.objects.filter(path=path).first()
    return Me(
        account=user.username,
        agency=user.agency.code if user.agency else "",
        token=holder.token.prefix,
        permissions=sorted(holder.permissions),
        region=region.code if region else "",
        expires_at=holder.token.expires_at,
    )


@router.get("/regions", auth=ANY, response=Page[RegionItem])
def regions(request: HttpRequest, asked: Query[RegionsAsked]) -> Page[Any]:
    """List the regions in force at and below the token's own."""
    below = active().region_path
    return page(request, asked, lambda said: lists.regions(said).filter(path__startswith=below), list)


@router.get("/agencies", auth=ANY, response=Page[AgencyItem])
def agencies(request: HttpRequest, asked: Query[AgenciesAsked]) -> Page[Any]:
    """List the agencies at and below the token's region."""
    below = active().region_path
    return page(
        request, asked, lambda said: lists.agencies(said).filter(region__path__startswith=below), list
    )


@router.get("/works/{number}", auth=ANY, response=WorkNow)
def work(request: HttpRequest, number: Number) -> Work:
    """Return how far a piece of work is that the token's account began."""
    found = Work.objects.filter(pk=number, user=by(request).user).first()
    if found is None:
        raise Http404(str(number))
    return found
