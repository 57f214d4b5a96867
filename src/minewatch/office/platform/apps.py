"""The app ``platform``."""

from django.apps import AppConfig


class PlatformConfig(AppConfig):
    """Regions, agencies, users, scope, audit, events."""

    name = "minewatch.office.platform"
    label = "platform"
    verbose_name = "平台"
