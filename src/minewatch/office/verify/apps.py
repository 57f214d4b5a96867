"""The app ``verify``."""

from django.apps import AppConfig

from minewatch.office.platform.roles import Role, grant


class VerifyConfig(AppConfig):
    """Cases and tasks, hand-overs, inspections and judgements."""

    name = "minewatch.office.verify"
    label = "verify"
    verbose_name = "核查"

    def ready(self) -> None:
        """Say who may do what, what refusals mean, and what is done when something happens elsewhere."""
        from minewatch.office.verify import events, inventory, refusals  # noqa: F401

        grant(Role, ["verify.see_cases"])
        grant([Role.OFFICER, Role.SUPERVISOR], ["verify.work_cases", "verify.export_cases"])
        grant([Role.OFFICER, Role.SUPERVISOR], ["verify.issue_batches", "verify.ask_carriers"])
        grant([Role.OFFICER, Role.SUPERVISOR, Role.INSPECTOR], ["verify.do_orders", "verify.judge_cases"])
        grant([Role.SUPERVISOR], ["verify.decide_cases"])
        grant([Role.ANALYST], ["verify.export_cases"])
