"""The app ``platform``."""

from django.apps import AppConfig


class PlatformConfig(AppConfig):
    """Regions, agencies, users, scope, audit, events."""

    name = "minewatch.office.platform"
    label = "platform"
    verbose_name = "平台"

    def ready(self) -> None:
        """Listen to the hours."""
        from minewatch.office.platform import hook_jobs, operation  # noqa: F401
