"""The app ``platform``."""

from django.apps import AppConfig

from minewatch.office.platform.roles import Role, grant


class PlatformConfig(AppConfig):
    """Regions, agencies, users, scope, audit, events."""

    name = "minewatch.office.platform"
    label = "platform"
    verbose_name = "平台"

    def ready(self) -> None:
        """Say who may let programs in; listen to the hours."""
        from minewatch.office.platform import hourly, operation  # noqa: F401

        grant(Role, ["platform.use_tokens"])
        grant([Role.OFFICER, Role.SUPERVISOR], ["platform.keep_hooks"])
