"""What the refusals of the intake mean."""

from django.utils.translation import gettext_lazy as _

from minewatch.office.platform.refusals import describe

describe(
    {
        "parcel_unreadable": _("%(name)s is no file of findings: Parquet, Arrow, or a ZIP of such."),
        "parcel_without_findings": _("%(name)s holds no table of findings."),
        "parcel_too_large": _("%(name)s is larger than %(most_mb)s MB when unpacked."),
        "parcel_column_missing": _("%(name)s: the findings lack the column %(column)s."),
        "parcel_says_nothing": _("%(name)s holds no finding and does not say of which run it is."),
        "parcel_lost": _("The file of the delivery is no longer the one that was received."),
        "finding_without_region": _("The office knows no region %(region)s."),
        "finding_outside": _("Region %(region)s is not among those of the account that delivers."),
        "outcome_unknown": _("An inspection cannot come out as %(outcome)s."),
        "label_without_subject": _("The site has nothing that a label could speak of."),
    }
)
