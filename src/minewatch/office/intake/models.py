"""What came in from the analysis: deliveries, findings with what shows them; and labels on the way back.

A finding is never changed and never deleted. A later run on the same period replaces it, or withdraws it by
no longer listing its site; both are marked.
"""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from minewatch.office.platform.models import Region, User
from minewatch.office.platform.scope import Scoped
from minewatch.office.register.models import OfSite, Site, Source


class Delivery(Scoped):
    """The findings of one run in one file; ``origin`` names the analysis that made them.

    It is seen where the region of the account lies that delivered it, else that of all its findings.
    Only a later run of the same origin on the same period replaces or withdraws what an earlier one found;
    it withdraws only where it is known to be complete. ``counts``: findings by what became of them.
    ``aside``: findings that could not be taken in, and why.
    """

    class State(models.TextChoices):
        """Where the work on it stands."""

        WAITING = "waiting", _("Waiting")
        DONE = "done", _("Taken in")

    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    sha256 = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    origin = models.CharField(max_length=80)
    run_id = models.CharField(max_length=40)
    period_start_at = models.DateTimeField()
    period_end_at = models.DateTimeField()
    made_at = models.DateTimeField()
    rows = models.PositiveIntegerField()
    complete = models.BooleanField(default=False)  # holds all that its run listed
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    counts = models.JSONField(default=dict)
    aside = models.JSONField(default=list)
    user = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    received_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """A run of a file once; read by origin and period."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["sha256", "run_id", "origin"], name="delivery_once")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["origin", "period_start_at", "period_end_at"], name="delivery_period")
        ]

    def __str__(self) -> str:
        return self.run_id


class KnownSite(OfSite):
    """A site of the analysis (its ``site_id``, stable over runs) and the site of the register that it is."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="known_as")
    site_key = models.CharField(max_length=60, unique=True)


class Finding(OfSite):
    """What one run said of a site in a period; ``row`` is the whole row of the table ``findings``."""

    class State(models.TextChoices):
        """Whether it still stands."""

        STANDING = "standing", _("Standing")
        REPLACED = "replaced", _("Replaced by a later run")
        WITHDRAWN = "withdrawn", _("Withdrawn by a later run")

    finding_id = models.CharField(max_length=40, unique=True)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="findings")
    site_key = models.CharField(max_length=60)
    delivery = models.ForeignKey(Delivery, on_delete=models.PROTECT, related_name="findings")
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="+")
    period_start_at = models.DateTimeField()
    period_end_at = models.DateTimeField()
    posterior = models.FloatField()
    q_value = models.FloatField()
    power_kw = models.FloatField(null=True)
    energy_kwh = models.FloatField(null=True)
    kind = models.CharField(max_length=20)
    contradicted = models.BooleanField(default=False)
    row = models.JSONField()
    taken_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.STANDING)
    ended_by = models.ForeignKey(Delivery, null=True, on_delete=models.PROTECT, related_name="ended")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Read by site, newest period first."""

        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["site", "-period_end_at", "-id"], name="finding_of_site")
        ]


class Exhibit(Scoped):
    """What shows a finding, as its page draws it: curves, evidence, flows; JSON, compressed by zlib."""

    region_lookup = "finding__site__region"

    finding = models.OneToOneField(Finding, on_delete=models.CASCADE, related_name="exhibit")
    content = models.BinaryField()


class Label(OfSite):
    """What an inspection found of one subject (``schema.record_tables.LABELS``). Rows are only added.

    A later judgement on the same subject and time overrules an earlier one where the labels are read.
    """

    class Outcome(models.TextChoices):
        """What it was."""

        MINING = "mining", _("Mining")
        VICTIM = "victim", _("Victim of an intrusion")
        NOT_MINING = "not_mining", _("Not mining")

    class Selection(models.TextChoices):
        """Why it was inspected: what the label says of subjects like it depends on that."""

        LISTED = "listed", _("On the list")
        TIP = "tip", _("A tip")
        RANDOM = "random", _("Drawn by lot")
        CENSUS = "census", _("All of a class")

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="labels")
    finding = models.ForeignKey(Finding, null=True, on_delete=models.PROTECT, related_name="labels")
    reference = models.CharField(max_length=80)
    subject_kind = models.CharField(max_length=16)
    subject_id = models.CharField(max_length=80)
    outcome = models.CharField(max_length=10, choices=Outcome.choices)
    innocent_class = models.CharField(max_length=60, blank=True)
    mine_kind = models.CharField(max_length=60, blank=True)
    power_kw = models.FloatField(null=True)
    rest_kw = models.FloatField(null=True)
    onset_at = models.DateTimeField(null=True)
    valid_from = models.DateTimeField(null=True)
    valid_to = models.DateTimeField(null=True)
    selection = models.CharField(max_length=8, choices=Selection.choices, blank=True)
    decided_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        """A judgement says one thing of a subject."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["reference", "subject_kind", "subject_id"], name="label_once")
        ]
