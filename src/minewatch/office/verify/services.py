"""The moves of a case. Each locks the case, is checked against the way, and is never taken back.

``case`` arguments may be stale: what is decided on is read again under the lock.
"""

from collections.abc import Collection, Iterable
from datetime import date
from typing import Any, NamedTuple

from django.db import IntegrityError, transaction
from django.utils import timezone

from minewatch.office.intake import labels
from minewatch.office.platform import audit, events
from minewatch.office.platform.models import Agency
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.services import By
from minewatch.office.register import facts
from minewatch.office.register.facts import Said
from minewatch.office.register.models import Site, Source
from minewatch.office.verify import calendar, refusals  # noqa: F401 - refusals in words
from minewatch.office.verify.flow import AFTER, ENDED, JUDGED, NOT_OF_JUDGEMENTS, OBLIGED, SITE_STATES
from minewatch.office.verify.models import Approval, Case, Judgement, Move, Obligation, Order, Owed, Plea

OWED: tuple[type[Owed], ...] = (Order, Obligation, Approval, Plea)
"""Everything that can be open in a case."""
_OUTCOMES = {"active": "mining", "victim": "victim", "not_mining": "not_mining"}


class JudgementGiven(NamedTuple):
    """What was found out: verdict, why, and what was counted; ``reference`` names the inspection."""

    verdict: str
    grounds: str
    power_kw: float | None = None
    machines: int | None = None
    reference: str = ""
    selection: str = "listed"
    usage_points: tuple[str, ...] = ()


@transaction.atomic
def open_case(site: Site, holder: Agency, reason: str, by: By) -> Case:
    """Open the case of a site in the hands of an agency. Raises Refused where it has one."""
    refuse_without(reason)
    refuse_elsewhere(holder, site)
    case = Case(number=site.code, site=site, holder=holder, state="", opened_at=by.at, moved_at=by.at)
    try:
        with transaction.atomic():
            case.save(force_insert=True)
    except IntegrityError as error:
        raise Refused("case_there", site=site.code) from error
    return move(case, Case.State.SUSPECTED, reason, by)


@transaction.atomic
def judge(case: Case, given: JudgementGiven, by: By) -> Judgement:
    """Judge what an inspection found: the case moves, its obligations follow, labels go back.

    The holder judges, or the agency whose inspection it was. Raises Refused otherwise.
    """
    locked = lock(case)
    refuse_without(given.grounds)
    if not _inspected_by(locked, by):
        refuse_others(locked, by)
    fields = given._asdict()
    said = {name: fields[name] for name in ("verdict", "grounds", "power_kw", "machines", "reference")}
    row = Judgement.objects.create(case=locked, by=by.user, at=by.at, **said)
    move(locked, JUDGED[given.verdict], given.grounds, by)
    _oblige(locked, OBLIGED[given.verdict], by)
    _label(locked.site, row, given, by)
    return row


@transaction.atomic
def begin_measures(case: Case, reason: str, by: By) -> Case:
    """Go over to measures. Raises Refused without an approved listing, and while an appeal is open."""
    locked = held(case, by)
    _refuse_unless(locked, {Case.State.CONFIRMED}, Case.State.MEASURES)
    if Plea.objects.filter(case=locked, kind=Plea.Kind.APPEAL, ended_at=None).exists():
        raise Refused("appeal_open")
    if not is_approved(locked, Approval.Kind.LISTING):
        raise Refused("approval_missing", what=Approval.Kind.LISTING.label)
    return move(locked, Case.State.MEASURES, reason, by)


@transaction.atomic
def plan_exit(case: Case, exit_on: date, words: str, by: By) -> Case:
    """Fix by which day the site is gone; the visit after the exit is due some working days later."""
    locked = held(case, by)
    exit_by = calendar.end_of(exit_on)
    if exit_by <= by.at:
        raise Refused("exit_day_past")
    Case._base_manager.filter(pk=locked.pk).update(exit_by=exit_by)
    locked.exit_by = exit_by
    revisits = Obligation.objects.filter(case=locked, kind=Obligation.Kind.REVISIT, ended_at=None)
    revisits.update(due_at=calendar.due("revisit_after_exit", exit_by), stage=Owed.Stage.NONE)
    return move(locked, Case.State.EXIT_PLAN, words, by)


@transaction.atomic
def revise_plan(case: Case, reason: str, by: By) -> Case:
    """Take an exit plan back that was not kept; measures go on."""
    locked = held(case, by)
    _refuse_unless(locked, {Case.State.EXIT_PLAN}, Case.State.MEASURES)
    return move(locked, Case.State.MEASURES, reason, by)


@transaction.atomic
def clear(case: Case, words: str, by: By) -> Case:
    """Verify the exit: the site is struck off. Raises Refused while anything is open."""
    return move(held(case, by), Case.State.CLEARED, words, by)


@transaction.atomic
def close(case: Case, words: str, by: By) -> Case:
    """Close a case that is no mine, or of which nothing is left to look into."""
    return move(held(case, by), Case.State.CLOSED, words, by)


@transaction.atomic
def reopen(case: Case, reason: str, by: By) -> Case:
    """Open an ended case again because the site mines again; the site's recurrences count up."""
    locked = lock(case)
    if by.user is not None:
        refuse_others(locked, by)
    _refuse_unless(locked, ENDED, Case.State.SUSPECTED)
    reopened = move(locked, Case.State.SUSPECTED, reason, by)
    site = locked.site
    _state_site(locked, {"recurrences": site.recurrences + 1, "closed_on": None}, by)
    events.publish("verify.case_reopened", {"case": locked.pk, "site": site.pk}, by.at)
    return reopened


def move(case: Case, after: str, reason: str, by: By) -> Case:
    """Add a move to a locked case. Raises Refused where the way does not lead there, or something is open."""
    refuse_without(reason)
    before = case.state
    if after not in AFTER[before]:
        raise _not_so(before, after)
    if after in ENDED:
        _refuse_open(case)
    note_move(case, after, reason, by)
    _follow(case, by)
    tell(case, "case_moved", by, {"before": before, "after": str(after), "reason": reason.strip()})
    return case


def note_move(case: Case, after: str, reason: str, by: By) -> None:
    """Add a move to a locked case, whatever the way says."""
    agency = by.user.agency if by.user else None
    values = {"before": case.state, "after": after, "reason": reason.strip()}
    Move.objects.create(case=case, by=by.user, agency=agency, at=by.at, **values)
    case.state, case.moved_at = after, by.at
    case.save(update_fields=["state", "moved_at"])


def lock(case: Case) -> Case:
    """Return the case as it is now, locked until the transaction ends."""
    rows = Case._base_manager.select_for_update(of=("self",)).select_related("site__region", "holder")
    return rows.get(pk=case.pk)


def held(case: Case, by: By) -> Case:
    """Return the locked case. Raises Refused for who is not of the agency that holds it."""
    locked = lock(case)
    refuse_others(locked, by)
    return locked


def refuse_others(case: Case, by: By) -> None:
    """Raise Refused where the acting account is not of the agency that holds the case."""
    if by.user is None or by.user.agency_id != case.holder_id:
        raise Refused("case_of_others", agency=str(case.holder))


def refuse_elsewhere(agency: Agency, site: Site) -> None:
    """Raise Refused where an agency is not responsible for the region of a site."""
    if not (agency.active and site.region.path.startswith(agency.region.path)):
        raise Refused("agency_elsewhere", agency=str(agency))


def refuse_without(words: str) -> None:
    """Raise Refused where no reason is given."""
    if not words.strip():
        raise Refused("words_missing")


def is_approved(case: Case, kind: str) -> bool:
    """Tell whether something was granted since the case was last confirmed."""
    confirmed = Move.objects.filter(case=case, after=Case.State.CONFIRMED).order_by("-pk").first()
    granted = Approval.objects.filter(case=case, kind=kind, granted=True)
    return confirmed is not None and granted.filter(begun_at__gte=confirmed.at).exists()


def open_things(case: Case) -> list[Any]:
    """Return what is open in a case and in those joined to it, what is due first first."""
    cases = [case.pk, *Case._base_manager.filter(joined_into=case).values_list("pk", flat=True)]
    rows = [row for model in OWED for row in model._base_manager.filter(case__in=cases, ended_at=None)]
    return sorted(rows, key=lambda row: row.due_at)


def tell(case: Case, what: str, by: By, details: dict[str, Any]) -> None:
    """Write the audit entry of something done in a case, and publish it."""
    audit.record(by.act(what, ("case", case.number)), details)
    events.publish(f"verify.{what}", {"case": case.pk, "site": case.site_id, **details}, by.at)


def _refuse_unless(case: Case, states: Collection[str], after: str) -> None:
    """Raise Refused where a case is in none of ``states``: the step may come of another act there."""
    if case.state not in states:
        raise _not_so(case.state, after)


def _not_so(before: str, after: str) -> Refused:
    return Refused("case_not_so", before=Case.State(before).label, after=Case.State(after).label)


def _refuse_open(case: Case) -> None:
    open_now = open_things(case)
    if open_now:
        first = open_now[0]
        raise Refused("still_open", number=len(open_now), what=first.get_kind_display())


def _follow(case: Case, by: By) -> None:
    """Have the site follow its case."""
    wanted = SITE_STATES.get(case.state)
    values: dict[str, Any] = {"state": wanted} if wanted and wanted != case.site.state else {}
    if case.state == Case.State.CLEARED:
        values["closed_on"] = timezone.localdate(by.at)
    if values:
        _state_site(case, values, by)


def _state_site(case: Case, values: dict[str, Any], by: By) -> None:
    if case.site.merged_into_id is not None:
        return  # the register follows the case of the site that it was merged into
    source = facts.source(Source.Kind.INSPECTION, f"case {case.number}", by)
    facts.state(case.site, values, Said(source, by))


def list_site(case: Case, by: By) -> None:
    """Say in the register that the site is on the list."""
    _state_site(case, {"state": Site.State.LISTED}, by)


def _inspected_by(case: Case, by: By) -> bool:
    done = Order.objects.filter(case=case, kind=Order.Kind.INSPECTION, state=Order.State.DONE)
    last = done.order_by("-pk").first()
    return last is not None and by.user is not None and last.agency_id == by.user.agency_id


def _oblige(case: Case, kinds: Iterable[str], by: By) -> None:
    """Open the obligations of a judgement; those of an earlier one that do not follow any more end."""
    owed = Obligation.objects.filter(case=case, ended_at=None).exclude(kind__in=NOT_OF_JUDGEMENTS)
    ended = {"ended_at": by.at, "ended_by": by.user, "answer": Judgement._meta.label}
    owed.exclude(kind__in=kinds).update(**ended)
    there = set(owed.values_list("kind", flat=True))
    Obligation.objects.bulk_create(
        Obligation(
            case=case,
            agency=case.holder,
            kind=kind,
            words="",
            begun_at=by.at,
            begun_by=by.user,
            due_at=calendar.due(kind, by.at),
        )
        for kind in kinds
        if kind not in there
    )


def _label(site: Site, row: Judgement, given: JudgementGiven, by: By) -> None:
    """Send the judgement back to the analysis, where it knows the site."""
    judged = labels.Judged(
        reference=f"judgement-{row.pk}",
        outcome=_OUTCOMES[given.verdict],
        selection=given.selection,
        usage_points=given.usage_points,
        power_kw=given.power_kw,
    )
    try:
        labels.judge(site, judged, by)
    except Refused as refusal:
        if refusal.code != "label_without_subject":
            raise
