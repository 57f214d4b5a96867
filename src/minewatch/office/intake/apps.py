"""The app ``intake``."""

from django.apps import AppConfig

from minewatch.office.platform.roles import Role, grant


class IntakeConfig(AppConfig):
    """The doors in: findings of the analysis half, and what inspections confirmed on the way back."""

    name = "minewatch.office.intake"
    label = "intake"
    verbose_name = "接入"

    def ready(self) -> None:
        """Say who may do what, and what refusals mean."""
        from minewatch.office.intake import refusals  # noqa: F401

        grant(Role, ["intake.see_findings"])
        grant([Role.ANALYST, Role.SUPERVISOR], ["intake.deliver_findings", "intake.export_labels"])
