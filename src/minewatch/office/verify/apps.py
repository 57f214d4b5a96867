"""The app ``verify``."""

from django.apps import AppConfig


class VerifyConfig(AppConfig):
    """Cases and tasks, hand-overs, inspections and judgements."""

    name = "minewatch.office.verify"
    label = "verify"
    verbose_name = "核查"
