"""The app ``register``."""

from django.apps import AppConfig

from minewatch.office.platform.roles import Role, grant


class RegisterConfig(AppConfig):
    """Enterprises, premises, usage points, plants, lines, sites and machines, with who said each fact."""

    name = "minewatch.office.register"
    label = "register"
    verbose_name = "台账"

    def ready(self) -> None:
        """Say who may do what, and what refusals mean."""
        from minewatch.office.register import holding, refusals  # noqa: F401
        from minewatch.office.register.exports import events  # noqa: F401
        from minewatch.office.register.imports import problems  # noqa: F401

        grant(Role, ["register.see_things", "register.see_history"])
        working = [Role.ANALYST, Role.OFFICER, Role.SUPERVISOR]
        grant([*working, Role.CLERK], ["register.edit_things", "register.keep_files"])
        grant([*working, Role.CLERK], ["register.export_inventory"])
        grant([*working, Role.CLERK], ["register.import_things"])
        grant([Role.INSPECTOR], ["register.keep_files"])
        grant([*working, Role.INSPECTOR], ["register.unmask"])
        grant([Role.OFFICER, Role.SUPERVISOR], ["register.merge_things"])
