"""Acts of the audit chain in words. The chain keeps their codes; a person reads these."""

from collections.abc import Mapping

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

KINDS: Mapping[str, str | Promise] = {
    "agency": _("Agency"),
    "audit": _("Audit"),
    "batch": _("Batch"),
    "case": _("Case"),
    "delivery": _("Delivery of findings"),
    "draw": _("Draw"),
    "enterprise": _("Enterprise"),
    "file": _("File"),
    "filter": _("Kept filter"),
    "import": _("Import"),
    "inspection": _("Inspection of a site"),
    "inspector": _("Inspector"),
    "line": _("Network line"),
    "page": _("Page"),
    "plan": _("Plan of inspections"),
    "plant": _("Power plant"),
    "premises": _("Premises"),
    "question": _("Question to a carrier"),
    "region": _("Region"),
    "site": _("Site"),
    "token": _("Token"),
    "usagepoint": _("Usage point"),
    "user": _("Account"),
    "webhook": _("Webhook"),
}
"""Kinds of subjects."""

ACTS: Mapping[str, str | Promise] = {
    "account_opened": _("Opened an account"),
    "account_placed": _("Moved an account to an agency"),
    "account_restored": _("Gave an account back"),
    "account_suspended": _("Suspended an account"),
    "account_unlocked": _("Unlocked an account"),
    "agency_added": _("Added an agency"),
    "agency_changed": _("Changed an agency"),
    "approval_asked": _("Asked for an approval"),
    "approval_decided": _("Decided an approval"),
    "audit_anchored": _("Wrote an anchor of the chain"),
    "audit_exported": _("Exported the chain"),
    "backed_up": _("Made a backup"),
    "batch_issued": _("Issued a batch"),
    "carrier_answered": _("Took a carrier's answer in"),
    "carrier_asked": _("Asked a carrier"),
    "case_joined": _("Joined the case to another"),
    "case_moved": _("Moved a case on"),
    "case_parted": _("Parted a case from another"),
    "complaint_noted": _("Noted a complaint"),
    "export_made": _("Made an export"),
    "export_taken": _("Took an export away"),
    "exported": _("Exported"),
    "file_kept": _("Kept a file"),
    "file_opened": _("Opened a file"),
    "filter_dropped": _("Dropped a filter"),
    "filter_kept": _("Kept a filter"),
    "finding_taken": _("Took a finding in"),
    "finding_withdrawn": _("Withdrew a finding"),
    "findings_received": _("Received findings"),
    "findings_taken_in": _("Took all findings of a delivery in"),
    "hook_made": _("Made a webhook"),
    "hook_replayed": _("Sent webhook messages again"),
    "hook_secret_changed": _("Changed the secret of a webhook"),
    "hook_started": _("Started a webhook again"),
    "import_applied": _("Applied an import"),
    "import_confirmed": _("Confirmed an import"),
    "import_dropped": _("Dropped an import"),
    "import_mapped": _("Chose the columns of an import"),
    "import_received": _("Received a file to import"),
    "inspections_taken": _("Took inspections to a phone"),
    "inspector_entered": _("Entered an inspector"),
    "inspector_retired": _("Retired an inspector"),
    "locked_out": _("Was locked out"),
    "logged_in": _("Logged in"),
    "logged_out": _("Logged out"),
    "login_failed": _("Failed to log in"),
    "machine_opened": _("Opened a machine account"),
    "notices_seen": _("Took reminders off"),
    "notifications_seen": _("Took notifications off"),
    "obligation_opened": _("Added an obligation"),
    "obligation_settled": _("Settled an obligation"),
    "order_done": _("Reported the result of an order"),
    "order_given": _("Gave an order"),
    "order_received": _("Confirmed the receipt of an order"),
    "order_returned": _("Returned an order"),
    "order_withdrawn": _("Withdrew an order"),
    "password_changed": _("Changed the own password"),
    "password_reset": _("Gave a new password"),
    "photo_kept": _("Kept a photo"),
    "plan_dropped": _("Dropped a plan"),
    "plan_issued": _("Issued a plan"),
    "plan_made": _("Made a plan"),
    "plea_decided": _("Decided an appeal or a request"),
    "plea_filed": _("Took in an appeal or a request"),
    "recusal_declared": _("Declared a recusal"),
    "recusal_ended": _("Ended a recusal"),
    "regions_added": _("Added regions"),
    "regions_renewed": _("Renewed the table of regions"),
    "restored": _("Restored a backup"),
    "result_published": _("Published a result"),
    "role_asked": _("Asked for a role"),
    "role_decided": _("Decided on a role"),
    "roles_set": _("Set roles"),
    "second_factor_removed": _("Removed a second factor"),
    "sheet_kept": _("Kept a sheet of a visit"),
    "site_labelled": _("Wrote a label of a site"),
    "site_link_ended": _("Ended a link of a site"),
    "site_linked": _("Linked a thing to a site"),
    "site_machines_counted": _("Counted machines of a site"),
    "site_part_ended": _("Ended an enterprise's part in a site"),
    "site_part_taken": _("Gave an enterprise a part in a site"),
    "site_sighted": _("Noted mining traffic of a site"),
    "things_edited": _("Changed many things at once"),
    "token_drawn": _("Drew a token again"),
    "token_made": _("Made a token"),
    "token_refused": _("Refused a token"),
    "token_revoked": _("Revoked a token"),
    "token_used": _("Used a token"),
    "unmasked": _("Showed protected fields"),
}
"""Acts by their code."""

_OF_ANYTHING: Mapping[str, str | Promise] = {
    "registered": _("Registered"),
    "registered_many": _("Registered many"),
    "changed": _("Changed"),
    "changed_many": _("Changed many"),
    "merged": _("Merged"),
    "unmerged": _("Took a merge apart"),
}
"""Acts whose code begins with the kind of the thing."""


def act_text(code: str) -> str:
    """Return an act in words, or its code where it has none."""
    if code in ACTS:
        return str(ACTS[code])
    kind, _part, what = code.partition("_")
    if kind in KINDS and what in _OF_ANYTHING:
        return str(_OF_ANYTHING[what])
    return code


def subject_text(kind: str, number: str) -> str:
    """Return what an act was about, in words."""
    return f"{KINDS.get(kind, kind)} {number}".strip()
