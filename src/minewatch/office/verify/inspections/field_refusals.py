"""What the refusals of sheets, photos, machine files and scans mean."""

from django.utils.translation import gettext_lazy as _

from minewatch.office.platform.refusals import describe

describe(
    {
        "export_too_large": _("The file is larger than %(most_mb)s MB."),
        "export_too_many": _("The file has more than %(most)s rows."),
        "export_broken": _("The file is damaged and cannot be read."),
        "export_old_excel": _("%(name)s is an old Excel file: save it as .xlsx or CSV."),
        "export_no_machines": _("No column of the file names a model, a MAC, a serial number or an address."),
        "export_empty": _("The file has no machine in it."),
        "machine_no_model": _("no model is named"),
        "machine_no_number": _("the number of machines is none"),
        "machine_twice": _("the machine %(value)s stands in the file already"),
        "machine_hash_rate": _("the hash rate “%(value)s” has no unit or is no number; left empty"),
        "machine_power_w": _("the power “%(value)s” is no number of watts; left empty"),
        "machine_no_algorithm": _("the algorithm of %(value)s is not known; its hash rate is left empty"),
        "sheet_malformed": _("The sheet cannot be read: %(what)s"),
        "sheet_of_others": _("Only the inspectors of this inspection write its sheets, each the own ones."),
        "sheet_base": _("The sheet builds on a revision that is not there."),
        "sheet_file": _("A count of machines names a file that does not belong to the inspection."),
        "sheet_clock": _("The clock of the phone is ahead by more than a day: set it right."),
        "photo_missing": _("Photos of the sheet are not there yet, or others are."),
        "photo_altered": _("The photo is not the one whose SHA-256 the phone computed: send it again."),
        "photo_type": _("Only JPEG, PNG, WebP and HEIC pictures are taken."),
        "photo_late": _("The sheet of this photo is kept already: put the photo into another."),
        "scan_altered": _("The scan was altered after it was written: its SHA-256 does not hold."),
        "scan_network": _(
            "%(network)s is not a private network (RFC 1918, RFC 4193 or loopback): nothing was asked."
        ),
        "scan_too_wide": _("%(network)s has more than %(most)s addresses: scan it in parts."),
        "scan_authority": _("Give the number of the document that authorises the scan."),
    }
)
