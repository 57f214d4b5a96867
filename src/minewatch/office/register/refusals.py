"""What the refusals of the register mean."""

from django.utils.translation import gettext_lazy as _

from minewatch.office.platform.refusals import describe

describe(
    {
        "field_unknown": _("There is no field %(field)s that a source could state."),
        "value_wrong": _("%(field)s cannot be %(value)s."),
        "uscc_wrong": _("%(value)s is no unified social credit code: a check digit does not hold."),
        "already_there": _("%(thing)s: the register has this number or code already."),
        "merged_away": _("This entry was merged into another one; change that one."),
        "merge_with_itself": _("An entry cannot be merged with itself."),
        "merge_of_two_kinds": _("Entries of two kinds cannot be merged."),
        "merge_without_reason": _("Say why the two are the same."),
        "merge_undone": _("This merge was undone already."),
        "merge_below": _("The entry was itself merged later on; undo that merge first."),
        "part_ended": _("This link ended already."),
        "machines_wrong": _("Counted machines need a model and a number of at least one."),
        "file_too_large": _("The file is larger than %(most_mb)s MB."),
        "file_empty": _("The file is empty."),
        "file_type": _("Files of this type are not taken (%(name)s)."),
        "file_unsafe": _("The scanner of the office refused the file (%(name)s)."),
        "file_of_nothing": _("There is nothing that this file could belong to."),
    }
)
