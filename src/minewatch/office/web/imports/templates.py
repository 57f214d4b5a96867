"""Templates of files to import: a row of headers, an example, and what the columns take."""

import csv
import io
from collections.abc import Sequence

import xlsxwriter
from django.utils.translation import gettext as _

from minewatch.office.register.imports.kind import Kind
from minewatch.office.register.imports.rows import Field
from minewatch.office.web.listing.files import harmless


def csv_template(kind: Kind) -> bytes:
    """Return a CSV file with the headers and an example."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([str(field.title) for field in kind.fields])
    writer.writerow([harmless(field.example) for field in kind.fields])
    return text.getvalue().encode("utf-8-sig")


def xlsx_template(kind: Kind) -> bytes:
    """Return a workbook with the headers and an example as text, and a sheet that explains the columns."""
    kept = io.BytesIO()
    with xlsxwriter.Workbook(kept, {"strings_to_formulas": False, "strings_to_urls": False}) as book:
        sheet = book.add_worksheet(str(kind.title)[:31])
        text, bold = book.add_format({"num_format": "@"}), book.add_format({"bold": True})
        sheet.set_column(0, len(kind.fields) - 1, 20, text)
        sheet.freeze_panes(1, 0)
        for place, field in enumerate(kind.fields):
            sheet.write_string(0, place, str(field.title), bold)
            sheet.write_string(1, place, field.example, text)
        _explain(book.add_worksheet(_("Columns")), kind.fields, bold)
    return kept.getvalue()


def _explain(sheet: object, fields: Sequence[Field], bold: object) -> None:
    sheet.set_column(0, 2, 36)  # type: ignore[attr-defined]
    for place, title in enumerate((_("Column"), _("Needed"), _("Values"))):
        sheet.write_string(0, place, title, bold)  # type: ignore[attr-defined]
    for row, field in enumerate(fields, 1):
        values = ", ".join(str(choice) for choice in field.choices)
        cells = (str(field.title), _("Yes") if field.is_needed else "", values)
        for place, value in enumerate(cells):
            sheet.write_string(row, place, value)  # type: ignore[attr-defined]
