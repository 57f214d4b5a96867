"""Two sites that are one have two cases: one is joined to the other, and parted again with the sites.

A joined case rests. What is still owed in it stays owed, and counts as open in the case that goes on; what
was only asked or given in it (orders, approvals) is taken back.
"""

from django.db import transaction

from minewatch.office.platform.services import By
from minewatch.office.verify.models import Approval, Case, Move, Order
from minewatch.office.verify.services import lock, note_move, tell

S = Case.State


@transaction.atomic
def join(kept_site: int, merged_site: int, by: By) -> None:
    """Join the case of a site to that of the site which it was merged into; twice is once."""
    numbers = Case._base_manager.filter(site__in=[kept_site, merged_site]).order_by("pk")
    cases = {case.site_id: lock(case) for case in numbers}
    kept, merged = cases.get(kept_site), cases.get(merged_site)
    if kept is None or merged is None or merged.joined_into_id is not None:
        return
    words = f"{merged.number} → {kept.number}"
    ended = {"ended_at": by.at, "ended_by": by.user, "answer": words}
    Order.objects.filter(case=merged, ended_at=None).update(state=Order.State.WITHDRAWN, **ended)
    Approval.objects.filter(case=merged, ended_at=None).update(granted=False, **ended)
    Case._base_manager.filter(joined_into=merged).update(joined_into=kept)
    merged.joined_into = kept
    merged.save(update_fields=["joined_into"])
    note_move(merged, S.JOINED, words, by)
    tell(merged, "case_joined", by, {"into": kept.number})


@transaction.atomic
def part(merged_site: int, by: By) -> None:
    """Let the case of a site go on that was taken apart from another; twice is once."""
    found = Case._base_manager.filter(site=merged_site, state=S.JOINED).first()
    if found is None:
        return
    case = lock(found)
    before = Move.objects.filter(case=case, after=S.JOINED).latest("pk").before
    case.joined_into = None
    case.save(update_fields=["joined_into"])
    # its inspection was taken back
    note_move(case, S.SUSPECTED if before == S.ASSIGNED else before, f"← {case.number}", by)
    tell(case, "case_parted", by, {})
