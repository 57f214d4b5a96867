"""The app ``register``."""

from django.apps import AppConfig


class RegisterConfig(AppConfig):
    """Enterprises, premises, usage points, plants, lines, sites and machines, with who said each fact."""

    name = "minewatch.office.register"
    label = "register"
    verbose_name = "台账"
