"""Which articles of the notice 发改运行〔2021〕1283号 a site falls under, by kind and state."""

from collections.abc import Mapping
from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from minewatch.office.register.models import Site

NOTICE = "发改运行〔2021〕1283号"


class Article(NamedTuple):
    """An article of the notice and what it asks for."""

    number: str
    text: str | Promise


_ARTICLES: Mapping[str, Article] = {
    article.number: article
    for article in (
        Article(
            "(三)", _("Operating projects are listed with enterprise, size, hash rate and power use, weekly.")
        ),
        Article("(四)", _("Projects under construction are listed, with the planned start of operation.")),
        Article(
            "(五)", _("Abnormal use and missing output of plants are analysed; illegal supply is reported.")
        ),
        Article("(八)", _("Mining in the name of a data centre is forbidden.")),
        Article("(十)", _("New projects get no connection and no supply; applications in hand are stopped.")),
        Article("(十二)", _("Illegal supply is punished; proven illegal use is limited or cut off.")),
        Article("(十三)", _("The surcharge on the price of power is levied in full and in time.")),
        Article("(十四)", _("The project leaves the electricity market within a time limit.")),
        Article("(十五)", _("Fiscal and tax support ends.")),
        Article("(十六)", _("Financial services end.")),
        Article("(十七)", _("The project is shut down within a time limit.")),
        Article("(十九)", _("The mine is placed: IP address, enterprise and physical premises.")),
    )
}
_OPERATING = ("(三)", "(十九)")
_CONSTRUCTION = ("(四)", "(十)")
_CONFIRMED = ("(十三)", "(十四)", "(十五)", "(十六)", "(十七)")
_SUPPLY = frozenset({Site.Kind.UNMETERED.value, Site.Kind.DIVERSION.value})
_NOTHING_OWED = frozenset({Site.State.VICTIM.value, Site.State.NOT_MINING.value})


def legal_basis(phase: str, kind: str, state: str) -> list[Article]:
    """Return the articles that apply to a site of a phase, kind and state, in the order of the notice.

    A victim and a site that does not mine fall under what asks to find and to place, and under no measure.
    """
    numbers = set(_CONSTRUCTION if phase == Site.Phase.CONSTRUCTION else _OPERATING)
    if state not in _NOTHING_OWED:
        numbers |= {"(五)", "(十二)"} if kind in _SUPPLY else set()
        numbers |= set(_CONFIRMED) if state in (Site.State.CONFIRMED, Site.State.CLOSED) else set()
    return [article for number, article in _ARTICLES.items() if number in numbers]
