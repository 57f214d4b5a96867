"""Inspectors and their recusals, plans, draws, inspections and what they brought, results as published.

Sheets, signatures and publications are only ever added. An inspection always has two different inspectors who
sign for it: the database refuses one with fewer, and one that is done without both signatures.
"""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from minewatch.office.platform.models import Agency, Region, User
from minewatch.office.platform.scope import Scoped
from minewatch.office.register.models import Enterprise, EvidenceFile, Site
from minewatch.office.verify.models import Case, Judgement, Obligation, Order


class Inspector(Scoped):
    """A person who may inspect for an agency: certificate, qualifications, and the period in which."""

    user = models.OneToOneField(User, on_delete=models.PROTECT, related_name="inspector")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="inspectors")
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    certificate = models.CharField(max_length=40, unique=True)
    qualifications = models.JSONField(default=list)  # codes of ``Qualification``
    active_from = models.DateField()
    active_to = models.DateField(null=True, blank=True)  # the first day on which no more

    class Qualification(models.TextChoices):
        """What an inspector is trained for."""

        ENFORCEMENT = "enforcement", _("Enforcement")
        ELECTRICITY = "electricity", _("Electricity")
        NETWORK = "network", _("Networks")
        MACHINES = "machines", _("Mining machines")

    class Meta:
        """A period that ends after it begins."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="inspector_period",
                condition=models.Q(active_to=None) | models.Q(active_to__gt=models.F("active_from")),
            )
        ]

    def __str__(self) -> str:
        return self.user.get_full_name() or self.user.get_username()


class Recusal(Scoped):
    """An inspector keeps away from an enterprise or a site, why, and who declared it."""

    region_lookup = "inspector__region"

    inspector = models.ForeignKey(Inspector, on_delete=models.PROTECT, related_name="recusals")
    enterprise = models.ForeignKey(
        Enterprise, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    site = models.ForeignKey(Site, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    reason = models.CharField(max_length=500)
    declared_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    declared_at = models.DateTimeField()
    ended_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """From exactly one of the two."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="recusal_has_one_end",
                condition=models.Q(enterprise__isnull=False, site=None)
                | models.Q(enterprise=None, site__isnull=False),
            )
        ]


class Complaint(Scoped):
    """A complaint about a site as it came in; it raises the weight of the site in draws for a time."""

    region_lookup = "site__region"

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="complaints")
    received_on = models.DateField()
    source = models.CharField(max_length=80)  # 12398, 12345, a letter
    reference = models.CharField(max_length=80)  # its number there
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        """Each once."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["source", "reference"], name="complaint_once")
        ]


class Plan(Scoped):
    """Visits chosen from the cases that an agency holds, within a budget; ``said`` is what it was given."""

    class State(models.TextChoices):
        """How far it is."""

        DRAFT = "draft", _("Draft")
        ISSUED = "issued", _("Issued")
        DROPPED = "dropped", _("Dropped")

    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    number = models.CharField(max_length=40, unique=True)
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=7, choices=State.choices, default=State.DRAFT)
    said = models.JSONField()  # budget and assumptions, as ``planning.Terms``
    totals = models.JSONField()  # what the chosen visits cost and bring
    made_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    issued_at = models.DateTimeField(null=True, blank=True)


class PlannedVisit(Scoped):
    """A site in a plan: in, on which day and at which place of the way, or out, and why."""

    region_lookup = "plan__region"

    plan = models.ForeignKey(Plan, on_delete=models.CASCADE, related_name="visits")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="+")
    day = models.DateField(null=True)
    team = models.PositiveSmallIntegerField(null=True)
    place = models.PositiveSmallIntegerField(null=True)  # on the way of the team's day, from 1
    is_in = models.BooleanField()
    why = models.CharField(max_length=20)  # code of ``planning.WHY``
    value_kwh_day = models.FloatField(null=True)
    hours = models.FloatField(null=True)  # inspector hours that it adds
    kilometres = models.FloatField(null=True)  # that it adds
    details = models.JSONField(default=dict)

    class Meta:
        """A case once a plan."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["plan", "case"], name="planned_once")
        ]


class Draw(Scoped):
    """Sites and inspectors drawn at random (双随机): announced with a commitment, then drawn.

    ``announced`` and ``outcome`` are the published files; neither names anybody. ``secret`` stays here until
    the draw, and is then a part of ``outcome``.
    """

    class State(models.TextChoices):
        """How far it is."""

        ANNOUNCED = "announced", _("Announced")
        DRAWN = "drawn", _("Drawn")
        ABANDONED = "abandoned", _("Abandoned")

    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    number = models.CharField(max_length=40, unique=True)
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=9, choices=State.choices, default=State.ANNOUNCED)
    commitment = models.CharField(max_length=64)
    secret = models.CharField(max_length=64)
    announced = models.JSONField()
    announced_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    announced_at = models.DateTimeField()
    public_at = models.DateTimeField()  # when the public randomness comes out
    outcome = models.JSONField(null=True, blank=True)
    ended_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)
    reason = models.CharField(max_length=500, blank=True)  # why it was abandoned

    class Meta:
        """Drawn after it was announced, and after the randomness that was named came out."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="draw_after_announced", condition=models.Q(public_at__gt=models.F("announced_at"))
            ),
            models.CheckConstraint(
                name="drawn_with_outcome",
                condition=~models.Q(state="drawn")
                | models.Q(outcome__isnull=False, ended_at__gte=models.F("public_at")),
            ),
        ]


class DrawnCase(Scoped):
    """A case in the pool of a draw: under which token, and with what weight and why."""

    region_lookup = "draw__region"

    draw = models.ForeignKey(Draw, on_delete=models.PROTECT, related_name="cases")
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="draws")
    token = models.CharField(max_length=64)
    salt = models.CharField(max_length=64)
    weight = models.PositiveIntegerField()
    grounds = models.JSONField()  # credit class and complaints, with dates and sources
    place = models.PositiveIntegerField(null=True, blank=True)  # in which it was drawn, from 1

    class Meta:
        """A case and a token once a draw."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["draw", "case"], name="drawn_case_once"),
            models.UniqueConstraint(fields=["draw", "token"], name="drawn_case_token"),
        ]


class DrawnInspector(Scoped):
    """An inspector in the pool of a draw, and under which token."""

    region_lookup = "draw__region"

    draw = models.ForeignKey(Draw, on_delete=models.PROTECT, related_name="inspectors")
    inspector = models.ForeignKey(Inspector, on_delete=models.PROTECT, related_name="draws")
    token = models.CharField(max_length=64)
    salt = models.CharField(max_length=64)

    class Meta:
        """An inspector and a token once a draw."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["draw", "inspector"], name="drawn_inspector_once"),
            models.UniqueConstraint(fields=["draw", "token"], name="drawn_inspector_token"),
        ]


class Inspection(Scoped):
    """A visit to the site of a case, for one order, by two inspectors who sign (``companions`` need not)."""

    region_lookup = "case__site__region"

    class Origin(models.TextChoices):
        """What it comes of."""

        ORDER = "order", _("Single order")
        PLAN = "plan", _("Plan")
        DRAW = "draw", _("Random draw")

    class State(models.TextChoices):
        """How far it is. ``planned`` includes a postponed one; ``under_way`` begins with the first sheet."""

        PLANNED = "planned", _("Planned")
        UNDER_WAY = "under_way", _("Under way")
        DONE = "done", _("Done")
        CANCELLED = "cancelled", _("Cancelled")

    number = models.CharField(max_length=40, unique=True)
    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="inspections")
    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="inspection")
    origin = models.CharField(max_length=5, choices=Origin.choices)
    plan = models.ForeignKey(
        Plan, null=True, blank=True, on_delete=models.PROTECT, related_name="inspections"
    )
    draw = models.ForeignKey(
        Draw, null=True, blank=True, on_delete=models.PROTECT, related_name="inspections"
    )
    state = models.CharField(max_length=9, choices=State.choices, default=State.PLANNED)
    planned_for = models.DateField()
    lead = models.ForeignKey(Inspector, on_delete=models.PROTECT, related_name="leads")
    second = models.ForeignKey(Inspector, on_delete=models.PROTECT, related_name="seconds")
    companions = models.ManyToManyField(Inspector, blank=True, related_name="accompanies")
    lead_signed = models.ForeignKey(
        "Signature", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    second_signed = models.ForeignKey(
        "Signature", null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    verdict = models.CharField(max_length=10, choices=Judgement.Verdict.choices, blank=True)
    judgement = models.ForeignKey(
        Judgement, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    publishing = models.OneToOneField(
        Obligation, null=True, blank=True, on_delete=models.PROTECT, related_name="publishes"
    )
    made_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Two inspectors, both signed once it is done; read by day."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(name="inspection_by_two", condition=~models.Q(lead=models.F("second"))),
            models.CheckConstraint(
                name="inspection_signed",
                condition=~models.Q(state="done")
                | models.Q(lead_signed__isnull=False, second_signed__isnull=False),
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["state", "planned_for"])]

    def __str__(self) -> str:
        return self.number


class OfInspection(Scoped):
    """Base of what belongs to an inspection: seen where its site is."""

    region_lookup = "inspection__case__site__region"

    inspection = models.ForeignKey(Inspection, on_delete=models.PROTECT, related_name="%(class)ss")

    class Meta:
        """No table of its own."""

        abstract = True


class Step(OfInspection):
    """Something that happened with an inspection: notified, postponed, cancelled … Only ever added."""

    class Kind(models.TextChoices):
        """What."""

        MADE = "made", _("Made")
        POSTPONED = "postponed", _("Postponed")
        REPLACED = "replaced", _("Inspector replaced")
        CANCELLED = "cancelled", _("Cancelled")
        BEGUN = "begun", _("Under way")
        DONE = "done", _("Done")
        PUBLISHED = "published", _("Result published")

    kind = models.CharField(max_length=10, choices=Kind.choices)
    words = models.CharField(max_length=500, blank=True)
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()


class Notification(OfInspection):
    """An inspector is told of something that happened with an inspection."""

    inspector = models.ForeignKey(Inspector, on_delete=models.PROTECT, related_name="notifications")
    step = models.ForeignKey(Step, on_delete=models.PROTECT, related_name="notifications")
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Each once."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["inspector", "step"], name="notified_once")
        ]


class Sheet(OfInspection):
    """What was written down on a visit; a later writing is another revision, and none is ever changed.

    ``client_id`` is made on the phone, so that the same sheet that is sent twice is kept once. ``base`` is
    the revision that the writer saw; where another came in between, the sheet ``is_conflict`` until a person
    writes a revision on top (``merges``).
    """

    client_id = models.UUIDField(unique=True)
    revision = models.PositiveIntegerField()
    base = models.PositiveIntegerField(default=0)  # 0 where it was the first
    is_conflict = models.BooleanField(default=False)
    merges = models.ManyToManyField("self", symmetrical=False, blank=True, related_name="merged_by")
    checklist = models.CharField(max_length=40)  # which edition of the questions
    answers = models.JSONField(default=dict)  # question → {"answer", "note"}
    readings = models.JSONField(default=list)  # [{"what", "value", "unit", "at", "note"}]
    verdict = models.CharField(max_length=10, choices=Judgement.Verdict.choices, blank=True)
    words = models.TextField(blank=True)
    lon = models.FloatField(null=True, blank=True)
    lat = models.FloatField(null=True, blank=True)
    accuracy_m = models.FloatField(null=True, blank=True)
    arrived_at = models.DateTimeField(null=True, blank=True)
    left_at = models.DateTimeField(null=True, blank=True)
    written_at = models.DateTimeField()  # by the phone's clock
    received_at = models.DateTimeField()
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    content_sha256 = models.CharField(
        max_length=64
    )  # of all above and its machines and photos: what is signed

    class Meta:
        """A revision once."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["inspection", "revision"], name="sheet_revision_once")
        ]


class OfSheet(Scoped):
    """Base of what belongs to a sheet."""

    region_lookup = "sheet__inspection__case__site__region"

    sheet = models.ForeignKey(Sheet, on_delete=models.PROTECT, related_name="%(class)ss")

    class Meta:
        """No table of its own."""

        abstract = True


class MachineCount(OfSheet):
    """Machines of one model that were found; hash rate in H/s and power in W are those of one machine."""

    class How(models.TextChoices):
        """How they were counted."""

        SEEN = "seen", _("Counted on site")
        EXPORT = "export", _("Export of a management tool")
        SCAN = "scan", _("Scan of the site's network")

    how = models.CharField(max_length=6, choices=How.choices, default=How.SEEN)
    model = models.CharField(max_length=80)
    maker = models.CharField(max_length=60, blank=True)
    algorithm = models.CharField(max_length=40, blank=True)
    number = models.PositiveIntegerField()
    running = models.PositiveIntegerField(null=True, blank=True)
    hash_rate_each = models.FloatField(null=True, blank=True)
    power_each_w = models.FloatField(null=True, blank=True)
    serials = models.JSONField(default=list)
    file = models.ForeignKey(
        EvidenceFile, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )  # the export or scan that it comes from


class Photo(OfInspection):
    """A picture taken on a visit: the file as evidence, and where and when. It may come before its sheet."""

    client_id = models.UUIDField(unique=True)
    sheet_client_id = models.UUIDField(null=True, blank=True, db_index=True)
    file = models.ForeignKey(EvidenceFile, on_delete=models.PROTECT, related_name="+")
    taken_at = models.DateTimeField()  # by the phone's clock
    lon = models.FloatField(null=True, blank=True)
    lat = models.FloatField(null=True, blank=True)
    accuracy_m = models.FloatField(null=True, blank=True)
    caption = models.CharField(max_length=200, blank=True)
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    received_at = models.DateTimeField()


class Signature(OfInspection):
    """An inspector of an inspection stands for a sheet as it is. Only ever added."""

    sheet = models.ForeignKey(Sheet, on_delete=models.PROTECT, related_name="signatures")
    inspector = models.ForeignKey(Inspector, on_delete=models.PROTECT, related_name="+")
    content_sha256 = models.CharField(max_length=64)
    at = models.DateTimeField()

    class Meta:
        """Once a sheet."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["sheet", "inspector"], name="signed_once")
        ]


class Publication(OfInspection):
    """The result of an inspection as the public reads it; a correction is another one. Only ever added."""

    revision = models.PositiveSmallIntegerField(default=1)
    content = models.JSONField()  # all that is public
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(db_index=True)

    class Meta:
        """A revision once."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["inspection", "revision"], name="publication_revision_once")
        ]
