"""What the refusals of cases mean."""

from django.utils.translation import gettext_lazy as _

from minewatch.office.platform.refusals import describe

describe(
    {
        "case_there": _("Site %(site)s has a case already."),
        "case_not_so": _("From “%(before)s” a case does not go to “%(after)s”."),
        "case_of_others": _("The case is in the hands of %(agency)s."),
        "case_ended": _("The case has ended."),
        "order_of_others": _("This is for %(agency)s to do."),
        "order_ended": _("This has ended already."),
        "order_not_received": _("Confirm the receipt first."),
        "order_open": _("One of this kind is under way in the case already."),
        "words_missing": _("Give the reason or the result in words."),
        "agency_elsewhere": _("%(agency)s is not responsible for the region of the site."),
        "agency_itself": _("The case is in the hands of this agency already."),
        "assignee_elsewhere": _("%(user)s does not belong to %(agency)s."),
        "still_open": _("The case cannot end: %(number)s things are still open, the first is “%(what)s”."),
        "approval_not_now": _("In this state of the case it is not asked for."),
        "approval_own": _("Another person than the one who asked decides."),
        "approval_missing": _("“%(what)s” has not been approved."),
        "appeal_open": _("An appeal is open: decide it first."),
        "plea_not_now": _("In this state of the case it cannot be filed."),
        "plea_same_person": _("Another person than the one who judged decides an appeal."),
        "obligation_revisit": _("Another visit is due after the exit plan was fixed."),
        "inspection_unsigned": _(
            "Both inspectors have to sign first: complete the inspection on its own page."
        ),
        "obligation_publication": _("An inspection opens this, and publishing its result settles it."),
        "exit_day_past": _("The day of the exit lies in the past."),
        "batch_there": _("There is a batch %(number)s already."),
        "batch_empty": _("The batch has no site."),
        "site_unknown": _("There is no site %(code)s in your region."),
        "question_empty": _("No address with port and time is known for these cases."),
        "question_not_carrier": _("%(agency)s is no carrier."),
        "question_ended": _("This question is answered."),
        "file_not_text": _("The file is neither UTF-8 nor GB18030 text."),
        "file_columns": _("The file lacks the column %(column)s."),
    }
)
