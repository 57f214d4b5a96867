"""Many cases handed over as one piece of work: case by case, so that a killed worker goes on where it was."""

from collections.abc import Sequence

from django.db import transaction
from django.utils.translation import gettext as _
from django_tasks import task

from minewatch.office.platform import work
from minewatch.office.platform.models import Agency, Work
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.scope import scoped
from minewatch.office.platform.selectors import scope_of
from minewatch.office.platform.services import By
from minewatch.office.verify.models import Case, Order
from minewatch.office.verify.orders import OrderGiven, hand_over


@transaction.atomic
def hand_over_many(ids: Sequence[int], agency: Agency, words: str, by: By) -> Work:
    """Begin to hand over the cases with ``ids``; return the work that shows how far it is."""
    assert by.user is not None  # noqa: S101 - an account asks
    title = _("Hand-over of %(number)s cases to %(agency)s") % {"number": len(ids), "agency": agency}
    row = work.begin(title, by.user, by.at, len(ids))
    hand_over_each.enqueue(row.pk, list(ids), agency.pk, words)
    return row


@task()
def hand_over_each(work_id: int, ids: list[int], agency_id: int, words: str) -> None:
    """Hand over each case that is not handed over yet, in the scope and name of who began the work."""
    row = Work.objects.select_related("user__agency", "user__region").get(pk=work_id)
    assert row.user is not None  # noqa: S101 - an account began it
    agency = Agency.objects.select_related("region").get(pk=agency_id)
    refused: dict[str, str] = {}
    with scoped(scope_of(row.user)), work.failing_with(row, row.began_at):
        for number, case in enumerate(Case.objects.filter(pk__in=ids).order_by("pk"), 1):
            _hand_over(case, OrderGiven(agency, words), By(row.user, row.began_at), refused)
            work.progress(row, number)
        work.end(row, {"refused": refused}, row.began_at)


def _hand_over(case: Case, given: OrderGiven, by: By, refused: dict[str, str]) -> None:
    sent = Order.objects.filter(case=case, kind=Order.Kind.HANDOVER, agency=given.agency, begun_at=by.at)
    if sent.filter(begun_by=by.user).exists():
        return  # by an earlier run of this work
    try:
        hand_over(case, given, by)
    except Refused as refusal:
        refused[case.number] = str(refusal)
