"""The app ``web``."""

from django.apps import AppConfig


class WebConfig(AppConfig):
    """Pages of the console and what stands before them."""

    name = "minewatch.office.web"
    label = "web"
    verbose_name = "控制台"

    def ready(self) -> None:
        """Listen for logins."""
        from minewatch.office.web import logins
        from minewatch.office.web.webhooks import happenings

        _ = logins
        happenings.listen()
