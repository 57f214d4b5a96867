"""An imported file and its rows: what each says, what it would do, whether it was done."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from minewatch.office.platform.models import Agency, Region, User, Work
from minewatch.office.platform.scope import Scoped


class Import(Scoped):
    """A file that is imported into the register; seen in the region of the account that brought it.

    ``header_row`` and ``headers`` are those of the file; ``columns`` maps the place of a column (as text) to
    the field that it holds. ``read`` rows were tried, ``applied`` rows were written. ``default_region`` is
    the region of rows that name none.
    """

    class State(models.TextChoices):
        """Where it stands; a person maps and confirms, a worker does the rest."""

        RECEIVED = "received", _("Waits for its columns")
        CHECKING = "checking", _("Being checked")
        CHECKED = "checked", _("Waits to be confirmed")
        APPLYING = "applying", _("Being applied")
        DONE = "done", _("Applied")
        FAILED = "failed", _("Failed")
        DROPPED = "dropped", _("Dropped")

    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    default_region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    agency = models.ForeignKey(Agency, null=True, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20)
    name = models.CharField(max_length=200)
    note = models.CharField(max_length=300, blank=True)
    sha256 = models.CharField(max_length=64)
    size = models.BigIntegerField()
    form = models.CharField(max_length=8)
    header_row = models.PositiveIntegerField()
    headers = models.JSONField(default=list)
    columns = models.JSONField(default=dict)
    state = models.CharField(max_length=10, choices=State.choices, default=State.RECEIVED)
    failure = models.CharField(max_length=300, blank=True)
    read = models.PositiveIntegerField(default=0)
    applied = models.PositiveIntegerField(default=0)
    counts = models.JSONField(default=dict)
    source = models.ForeignKey(
        "register.Source", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    work = models.ForeignKey(Work, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    received_at = models.DateTimeField()
    confirmed_at = models.DateTimeField(null=True, blank=True)
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """A content is under way once a kind and agency; afterwards it may come again."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["sha256", "kind", "region", "agency"],
                name="import_once",
                condition=models.Q(state__in=["received", "checking", "checked", "applying"]),
            )
        ]


class ImportRow(Scoped):
    """A row of the file. ``number`` is its line in the file (the sheet's row), from 1.

    ``values`` are what it says of its thing, ``changes`` what that changes: field → [before, after].
    ``disputes`` are fields where a weightier source says otherwise. ``errors`` are dicts of column, field,
    code, value. ``waits`` until it was applied; a row that says nothing new or is wrong does not wait.
    """

    region_lookup = "of__region"

    class Outcome(models.TextChoices):
        """What the row does to the register."""

        NEW = "new", _("New")
        CHANGED = "changed", _("Changed")
        DISPUTED = "disputed", _("Overruled")
        SAME = "same", _("The same")
        WRONG = "wrong", _("In error")

    of = models.ForeignKey(Import, on_delete=models.CASCADE, related_name="rows")
    number = models.PositiveIntegerField()
    key = models.CharField(max_length=400, blank=True)
    outcome = models.CharField(max_length=8, choices=Outcome.choices)
    thing_id = models.BigIntegerField(null=True, blank=True)
    values = models.JSONField(default=dict)
    changes = models.JSONField(default=dict)
    disputes = models.JSONField(default=dict)
    errors = models.JSONField(default=list)
    waits = models.BooleanField(default=False)

    class Meta:
        """A row once; read by outcome, and by what waits."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["of", "number"], name="import_row_once")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["of", "outcome", "number"]),
            models.Index(fields=["of", "number"], name="import_waiting", condition=models.Q(waits=True)),
        ]
