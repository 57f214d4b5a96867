"""The report folder: workbook, evidence pages, index; each file appears whole or not at all."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from minewatch.runs.report.data import ReportData
from minewatch.runs.report.dossier import Dossier, dossiers
from minewatch.runs.report.evidence_page import Setting, evidence_page, index_page
from minewatch.runs.report.list_xlsx import list_workbook

PAGES = "evidence"
"""Folder of the evidence pages inside the report folder."""

_SAFE_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


@dataclass(frozen=True)
class ReportPaths:
    """Where the parts of a report lie; ``pages`` are in the order of the list."""

    list_xlsx: Path
    index_html: Path
    pages: tuple[Path, ...]


def write_report(data: ReportData, folder: Path, mask: bool = False) -> ReportPaths:
    """Write ``list.xlsx``, ``evidence/<finding_id>.html`` and ``index.html`` into ``folder``.

    The same data give the same bytes. ``mask`` hides names, 户号, addresses and network addresses but for
    their beginnings. The index is written last, so it never points at a page that is not there; then
    the pages of an earlier run are removed. Raises ValueError for a finding_id that is no file name.
    """
    files = list(dossiers(data, mask))
    names = [_page_name(item) for item in files]
    pages = tuple(folder / PAGES / name for name in names)
    for item, page in zip(files, pages, strict=True):
        _write(page, evidence_page(item, Setting(data, mask, "../")).encode())
    addresses = [f"{PAGES}/{name}" for name in names]
    paths = ReportPaths(folder / "list.xlsx", folder / "index.html", pages)
    _write(paths.list_xlsx, list_workbook(files, addresses, data, mask))
    _write(paths.index_html, index_page(files, addresses, Setting(data, mask, "")).encode())
    _remove_others(folder / PAGES, names)
    return paths


def _remove_others(folder: Path, names: Sequence[str]) -> None:
    """Remove pages that an earlier run left here: a site off the list must not stay accused."""
    for page in folder.glob("F-*.html"):
        if page.name not in names:
            page.unlink()


def _page_name(dossier: Dossier) -> str:
    if not _SAFE_ID.fullmatch(dossier.finding_id):
        raise ValueError(f"not usable as a file name: finding_id {dossier.finding_id!r}")
    return f"{dossier.finding_id}.html"


def _write(path: Path, content: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
