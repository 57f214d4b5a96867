"""Machines of an export or a scan become a part of what is written down on a visit, after a look at them."""

from dataclasses import dataclass
from typing import Any
from uuid import NAMESPACE_URL, uuid5

from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.services import By
from minewatch.office.register.files import path_of
from minewatch.office.register.models import EvidenceFile
from minewatch.office.verify.inspections import lan_scan, services
from minewatch.office.verify.inspections.checklist import checklist
from minewatch.office.verify.inspections.machines import ModelCount, count, hash_rates
from minewatch.office.verify.inspections.miner_exports import Export, read
from minewatch.office.verify.inspections.models import Inspection, MachineCount, Sheet
from minewatch.office.verify.inspections.sheet_forms import SheetGiven
from minewatch.office.verify.inspections.sheets import as_given, keep_sheet


@dataclass(frozen=True)
class Counted:
    """What a file holds: machines by model, hash rates by algorithm, and what a scan says of itself."""

    file: EvidenceFile
    how: MachineCount.How
    export: Export
    counts: tuple[ModelCount, ...]
    rates: dict[str, float]
    scan: dict[str, Any] | None


def counted(inspection: Inspection, file_id: int) -> Counted:
    """Read a file of an inspection. Raises Refused where it is of another, has no machine, or was altered."""
    rows = EvidenceFile.objects.filter(pk=file_id, subject_kind="inspection", subject_id=inspection.pk)
    file = rows.first()
    if file is None:
        raise Refused("sheet_file")
    content = path_of(file).read_bytes()
    scan = lan_scan.opened(content) if lan_scan.is_scan(content) else None
    export = read(content, file.name)
    if not export.machines:
        raise Refused("export_empty")
    counts = tuple(count(export.machines))
    how = MachineCount.How.SCAN if scan else MachineCount.How.EXPORT
    return Counted(file, how, export, counts, dict(hash_rates(counts)), scan)


def add_counts(inspection: Inspection, file_id: int, by: By) -> Sheet:
    """Write a sheet on top of the newest, with the machines of a file in place of those of the same kind."""
    found = counted(inspection, file_id)
    newest = services.newest_sheet(inspection)
    revision = newest.revision if newest else 0
    said = as_given(newest, MachineCount.objects.filter(sheet=newest).order_by("pk")) if newest else {}
    kept = [one for one in said.get("machines", []) if one["how"] != found.how]
    given = {
        "checklist": checklist()["edition"],
        **said,
        "client_id": uuid5(NAMESPACE_URL, f"{inspection.number}/{file_id}/{revision}"),
        "base": revision,
        "machines": [*kept, *(_given(one, found) for one in found.counts)],
        "written_at": by.at,
    }
    return keep_sheet(inspection, SheetGiven.model_validate(given), by)


def _given(one: ModelCount, found: Counted) -> dict[str, Any]:
    return {
        "how": found.how,
        "model": one.model,
        "maker": one.maker,
        "algorithm": one.algorithm,
        "number": one.number,
        "running": one.running,
        "hash_rate_each": one.hash_rate_each,
        "power_each_w": one.power_each_w,
        "serials": one.serials,
        "file": found.file.pk,
    }
