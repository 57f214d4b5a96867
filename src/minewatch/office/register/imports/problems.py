"""What is wrong with a row, and what to do about it, for the person who brought the file."""

from typing import NamedTuple

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from minewatch.office.platform.refusals import describe


class Advice(NamedTuple):
    """What is wrong, and what to do."""

    wrong: str | Promise
    do: str | Promise


ADVICE: dict[str, Advice] = {
    "missing": Advice(_("There is no value."), _("Fill the cell in.")),
    "not_a_number": Advice(_("This is no number."), _("Write digits alone, the unit stands in the header.")),
    "not_a_day": Advice(_("This is no day."), _("Write it as 2021-09-03.")),
    "not_a_time": Advice(_("This is no time."), _("Write it as 2021-09-03 18:30.")),
    "not_a_choice": Advice(
        _("This is none of the values of the column."), _("Choose one of those that the template lists.")
    ),
    "too_long": Advice(_("The text is too long."), _("Shorten it.")),
    "control_character": Advice(_("The text holds signs that cannot be shown."), _("Type it anew.")),
    "formula": Advice(_("The cell holds a formula."), _("Copy the column and paste it as values.")),
    "cell_error": Advice(_("The spreadsheet shows an error here."), _("Mend the formula or empty the cell.")),
    "digits_lost": Advice(
        _("The spreadsheet kept this number with 15 digits; the last ones are lost."),
        _("Format the column as text and enter the number again."),
    ),
    "zeros_lost": Advice(
        _("The register has this number with zeros in front."),
        _("Format the column as text and enter the zeros."),
    ),
    "masked": Advice(
        _("This is a masked value, and not that of the entry."),
        _("Empty the cell, or enter the whole value."),
    ),
    "region_unknown": Advice(
        _("There is no such region."), _("Write its code (six digits) or its full name.")
    ),
    "region_ambiguous": Advice(_("Several regions have this name."), _("Write the code (six digits).")),
    "region_outside": Advice(
        _("The region lies outside of yours."), _("Leave the row to the office of that region.")
    ),
    "elsewhere": Advice(
        _("The register has this entry in a region outside of yours."),
        _("Leave the row to the office of that region."),
    ),
    "enterprise_unknown": Advice(
        _("The register has no such enterprise in your region."),
        _("Import the enterprise first, or write its unified social credit code."),
    ),
    "enterprise_ambiguous": Advice(
        _("Several enterprises have this name."), _("Write the unified social credit code.")
    ),
    "carrier_unknown": Advice(_("There is no such carrier."), _("Write the code or the name of its agency.")),
    "site_unknown": Advice(
        _("The register has no such site in your region."), _("Write the code of the site, as 510703-000017.")
    ),
    "ambiguous": Advice(
        _("Several entries of the register fit this row."), _("Give the code or number, or merge them first.")
    ),
    "twice": Advice(_("An earlier row of the file says this of the same thing."), _("Keep one of the rows.")),
    "field_unknown": Advice(_("There is no such field."), _("Take the column out.")),
    "value_wrong": Advice(_("The value cannot stand in this field."), _("Check the value and its unit.")),
    "uscc_wrong": Advice(_("A check digit of the code does not hold."), _("Compare it with the licence.")),
    "merged_away": Advice(_("This entry was merged into another one."), _("Change that one.")),
    "already_there": Advice(
        _("The register got this number or code in the meantime."), _("Import the rows in error again.")
    ),
    "stale": Advice(
        _("The register changed after the preview; nothing of the row was written."),
        _("Import the file again and look at its preview."),
    ),
    "incomplete_count": Advice(
        _("Another row of this site is in error, and a count is taken whole or not."), _("Mend that row.")
    ),
}
"""By code."""

describe(
    {
        "table_ending": _("Bring a table as .csv or .xlsx whose content agrees (%(name)s)."),
        "table_is_old_excel": _(
            "%(name)s is a workbook of the old kind, or locked by a password: save it as .xlsx without one."
        ),
        "table_with_macros": _("%(name)s holds macros: save it as .xlsx without them."),
        "table_is_no_workbook": _("The workbook cannot be read: save it anew as .xlsx."),
        "table_unpacks_too_large": _("The workbook unpacks to more than %(most_mb)s MB."),
        "table_encoding": _("The text is neither UTF-8 nor GBK: save the file as “CSV UTF-8”."),
        "table_broken": _("The file cannot be read beyond line %(line)s: a quotation mark may be open."),
        "table_too_long": _("The file has more than %(most)s rows: split it."),
        "table_too_wide": _("The file has more than %(most)s columns."),
        "table_empty": _("The file has no rows below a header."),
        "table_without_columns": _(
            "No column of the file is known: it needs a row of headers. The template shows one."
        ),
        "import_under_way": _("This file is being imported already: import %(number)s."),
        "import_not_there": _("The import waits for something else by now: load its page again."),
        "columns_missing": _("A column is needed for: %(fields)s."),
        "columns_twice": _("Two columns are given for: %(fields)s."),
        "kind_unknown": _("Things of this kind are not imported."),
        "export_gone": _("The file expired: export the list again."),
        "edit_nothing": _("Choose rows of the list first."),
        "edit_stale": _("The register changed in the meantime: look at the preview again."),
        "edit_no_values": _("Give at least one new value."),
        "edit_too_many": _("At most %(most)s entries are edited at a time."),
    }
)
