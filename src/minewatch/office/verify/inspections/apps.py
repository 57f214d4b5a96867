"""The app ``inspections``, a part of ``verify`` with tables of its own."""

from django.apps import AppConfig

from minewatch.office.platform.roles import Role, grant


class InspectionsConfig(AppConfig):
    """Inspectors, plans, draws, inspections and their sheets, published results."""

    name = "minewatch.office.verify.inspections"
    label = "inspections"
    verbose_name = "检查"

    def ready(self) -> None:
        """Say who may do what, and what is done when something happens elsewhere."""
        from minewatch.office.verify.inspections import events, refusals  # noqa: F401

        grant(Role, ["inspections.see_inspections"])
        grant(
            [Role.OFFICER, Role.SUPERVISOR], ["inspections.plan_inspections", "inspections.keep_inspectors"]
        )
        grant([Role.OFFICER, Role.SUPERVISOR], ["inspections.draw_inspections"])
        grant([Role.INSPECTOR], ["inspections.carry_out"])
        grant([Role.OFFICER, Role.SUPERVISOR, Role.INSPECTOR], ["inspections.declare_recusals"])
        grant([Role.SUPERVISOR], ["inspections.publish_results"])
