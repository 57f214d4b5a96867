"""The app ``intake``."""

from django.apps import AppConfig


class IntakeConfig(AppConfig):
    """The doors in: findings of the analysis half, and what inspections confirmed on the way back."""

    name = "minewatch.office.intake"
    label = "intake"
    verbose_name = "接入"
