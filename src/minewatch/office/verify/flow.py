"""The way of a case: which state follows which, what each means for the site, and what comes next."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from minewatch.office.register.models import Site
from minewatch.office.verify.models import Approval, Case, Judgement, Obligation

S, V, Due = Case.State, Judgement.Verdict, Obligation.Kind

AFTER: Mapping[str, frozenset[str]] = {
    "": frozenset({S.SUSPECTED}),
    S.SUSPECTED: frozenset({S.ASSIGNED, S.CLOSED}),
    S.ASSIGNED: frozenset({S.INSPECTED, S.SUSPECTED}),
    S.INSPECTED: frozenset({S.CONFIRMED, S.VICTIM, S.NOT_MINING, S.ASSIGNED}),
    S.CONFIRMED: frozenset({S.MEASURES, S.INSPECTED}),
    S.VICTIM: frozenset({S.CLOSED, S.INSPECTED}),
    S.NOT_MINING: frozenset({S.CLOSED, S.INSPECTED}),
    S.MEASURES: frozenset({S.EXIT_PLAN, S.INSPECTED}),
    S.EXIT_PLAN: frozenset({S.CLEARED, S.MEASURES, S.INSPECTED}),
    S.CLEARED: frozenset({S.SUSPECTED}),
    S.CLOSED: frozenset({S.SUSPECTED}),
    S.JOINED: frozenset(),
}
"""By state, those that may follow. An appeal leads back to inspected, a return or recurrence to suspected."""

ENDED = frozenset({S.CLEARED, S.CLOSED})
"""Nothing may be open in these."""

RESTING = ENDED | {S.JOINED}
"""Nobody works on a case in these. A joined case rests as long as its site is merged: see ``joining``."""

JUDGED: Mapping[str, str] = {V.ACTIVE: S.CONFIRMED, V.VICTIM: S.VICTIM, V.NOT_MINING: S.NOT_MINING}
"""By verdict, the state it leads to."""

OBLIGED: Mapping[str, tuple[str, ...]] = {
    V.ACTIVE: (Due.SURCHARGE, Due.REVISIT),
    V.VICTIM: (Due.CLEANUP,),
    V.NOT_MINING: (),
}
"""By verdict, what it obliges to."""

NOT_OF_JUDGEMENTS = frozenset({Due.PUBLICATION, Due.OTHER})
"""What no judgement opens, and none ends."""

SITE_STATES: Mapping[str, str] = {
    S.SUSPECTED: Site.State.SUSPECTED,
    S.CONFIRMED: Site.State.CONFIRMED,
    S.VICTIM: Site.State.VICTIM,
    S.NOT_MINING: Site.State.NOT_MINING,
    S.CLEARED: Site.State.CLOSED,
}
"""By state of the case, that of the site where it changes."""

HURTS: Mapping[str, frozenset[str]] = {
    Approval.Kind.LISTING: frozenset({S.CONFIRMED}),
    Approval.Kind.PRICE: frozenset({S.CONFIRMED, S.MEASURES, S.EXIT_PLAN}),
    Approval.Kind.SUPPLY_CUT: frozenset({S.CONFIRMED, S.MEASURES, S.EXIT_PLAN}),
    Approval.Kind.WAIVER: frozenset(S),
}
"""By what takes two persons, the states in which it may be asked for."""

NEXT: Mapping[str, str | Promise] = {
    S.SUSPECTED: _("Hand the case down, or assign its inspection"),
    S.ASSIGNED: _("Inspect the site"),
    S.INSPECTED: _("Judge what was found"),
    S.CONFIRMED: _("Have the listing approved, then take measures"),
    S.VICTIM: _("Have the intrusion cleaned up, then close"),
    S.NOT_MINING: _("Close the case"),
    S.MEASURES: _("Fix the exit plan"),
    S.EXIT_PLAN: _("Visit again after the exit, then verify it"),
    S.CLEARED: _("Nothing: the exit is verified"),
    S.CLOSED: _("Nothing: the case is closed"),
    S.JOINED: _("Nothing here: the work goes on in the case that it was joined to"),
}
"""By state, what its holder has to do."""
