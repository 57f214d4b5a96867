"""What the inventories show of cases: the newest batch of a site, and the measures granted."""

from collections.abc import Mapping, Sequence
from typing import Any

from django.db.models import Exists, OuterRef, Subquery
from django.utils import timezone

from minewatch.office.register.inventory import fill
from minewatch.office.verify.models import Approval, Batch, Case, Listed

_MEASURES = (Approval.Kind.PRICE, Approval.Kind.SUPPLY_CUT)


def columns_of(sites: Sequence[int]) -> Mapping[int, Mapping[str, Any]]:
    """Return batch and measures by site; one query."""
    newest = Listed._base_manager.filter(case=OuterRef("pk")).order_by("-pk")
    granted = Approval._base_manager.filter(case=OuterRef("pk"), granted=True)
    batches = {
        name: Subquery(newest.values(f"batch__{name}")[:1]) for name in ("number", "issued_at", "kind")
    }
    measures = {kind.value: Exists(granted.filter(kind=kind)) for kind in _MEASURES}
    rows = Case.objects.filter(site__in=sites).order_by("pk")
    found = rows.values("site_id").annotate(
        batch=batches["number"], issued=batches["issued_at"], list=batches["kind"]
    )
    return {row["site_id"]: _columns(row) for row in found.annotate(**measures)}


def _columns(row: Mapping[str, Any]) -> dict[str, Any]:
    measures = {"measure": "、".join(str(kind.label) for kind in _MEASURES if row[kind.value])}
    if row["batch"] is None:
        return measures
    issued_on = timezone.localdate(row["issued"])
    kind = Batch.Kind(row["list"]).label
    return measures | {"batch_number": row["batch"], "issued_on": issued_on, "list_kind": kind}


fill({"batch_number", "issued_on", "list_kind", "measure"}, columns_of)
