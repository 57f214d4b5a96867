"""Cases and what is owed in them: moves, judgements, orders, approvals, obligations, pleas, batches.

Moves and judgements are only ever added; the state of a case is what its last move led to. Everything that
somebody owes (an order, a decision, an obligation) has the same base, so that reminders and the work queue
know one thing.
"""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from minewatch.office.platform.models import Agency, Region, User
from minewatch.office.platform.scope import Scoped, ScopedManager, active
from minewatch.office.register.models import Site


class BatchManager(ScopedManager["Batch"]):
    """Gives the batches that were issued in the active scope, and those that list a case in it."""

    def get_queryset(self) -> "models.QuerySet[Batch]":
        """Return the rows; raises NoScope without a scope."""
        path = active().region_path
        if not path:
            return super().get_queryset()
        listed = Listed._base_manager.filter(batch=models.OuterRef("pk"))
        here = models.Exists(listed.filter(case__site__region__path__startswith=path))
        return models.QuerySet(self.model, using=self._db).filter(
            models.Q(region__path__startswith=path) | here
        )


class QuestionManager(ScopedManager["Question"]):
    """Gives the questions that were asked in the active scope, and those that its agency was asked."""

    def get_queryset(self) -> "models.QuerySet[Question]":
        """Return the rows; raises NoScope without a scope."""
        scope = active()
        if not scope.region_path:
            return super().get_queryset()
        here = models.Q(region__path__startswith=scope.region_path)
        return models.QuerySet(self.model, using=self._db).filter(here | models.Q(agency=scope.agency_id))


class Batch(Scoped):
    """A list that goes out to be worked off by its deadline: all sites, or the key ones."""

    class Kind(models.TextChoices):
        """Full list or key list."""

        FULL = "full", _("Full list")
        KEY = "key", _("Key list")

    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    number = models.CharField(max_length=40, unique=True)
    title = models.CharField(max_length=200)
    kind = models.CharField(max_length=4, choices=Kind.choices)
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    issued_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    issued_at = models.DateTimeField()
    due_at = models.DateTimeField(db_index=True)

    objects: ClassVar[BatchManager] = BatchManager()

    def __str__(self) -> str:
        return self.number


class Case(Scoped):
    """The work on one site. ``holder`` is the agency that has it in hand."""

    region_lookup = "site__region"

    class State(models.TextChoices):
        """How far it is."""

        SUSPECTED = "suspected", _("Suspected")
        ASSIGNED = "assigned", _("Assigned")
        INSPECTED = "inspected", _("Inspected")
        CONFIRMED = "confirmed", _("Confirmed")
        VICTIM = "victim", _("Victim")
        NOT_MINING = "not_mining", _("Not mining")
        MEASURES = "measures", _("Measures")
        EXIT_PLAN = "exit_plan", _("Exit plan")
        CLEARED = "cleared", _("Exit verified")
        CLOSED = "closed", _("Closed")
        JOINED = "joined", _("Joined to another case")

    number = models.CharField(max_length=30, unique=True)
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="cases")
    state = models.CharField(max_length=10, choices=State.choices, default=State.SUSPECTED)
    holder = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="cases_held")
    opened_at = models.DateTimeField()
    moved_at = models.DateTimeField()
    exit_by = models.DateTimeField(null=True, blank=True)  # what the exit plan says
    joined_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="joined"
    )
    batches = models.ManyToManyField(Batch, through="Listed", related_name="cases")

    class Meta:
        """One case a site; read by state and by holder."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["site"], name="case_once")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["state", "-moved_at"]),
            models.Index(fields=["holder", "state", "-moved_at"]),
        ]

    def __str__(self) -> str:
        return self.number


class OfCase(Scoped):
    """Base of what belongs to a case: seen where its site is."""

    region_lookup = "case__site__region"

    case = models.ForeignKey(Case, on_delete=models.PROTECT, related_name="%(class)ss")

    class Meta:
        """No table of its own."""

        abstract = True


class Listed(OfCase):
    """A case stands in a batch."""

    batch = models.ForeignKey(Batch, on_delete=models.PROTECT, related_name="listed")
    at = models.DateTimeField()

    class Meta:
        """Once a batch."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["batch", "case"], name="listed_once")
        ]


class Move(OfCase):
    """A step of a case from one state to another, why, and by whom. Only ever added."""

    before = models.CharField(max_length=10, blank=True)
    after = models.CharField(max_length=10, choices=Case.State.choices)
    reason = models.CharField(max_length=500)
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    agency = models.ForeignKey(Agency, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()


class Judgement(OfCase):
    """What was found out about a site. Only ever added; the newest holds."""

    class Verdict(models.TextChoices):
        """What it is."""

        ACTIVE = "active", _("Active mining")
        VICTIM = "victim", _("Victim of an intrusion")
        NOT_MINING = "not_mining", _("Not mining")

    verdict = models.CharField(max_length=10, choices=Verdict.choices)
    grounds = models.TextField()
    power_kw = models.FloatField(null=True, blank=True)
    machines = models.PositiveIntegerField(null=True, blank=True)
    reference = models.CharField(max_length=200, blank=True)  # of the inspection
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()


class Owed(OfCase):
    """Base of what an agency owes in a case until a time; open while ``ended_at`` is empty.

    ``stage`` tells how far reminders went, so that each goes out once.
    """

    class Stage(models.IntegerChoices):
        """Reminders gone out."""

        NONE = 0, _("None")
        REMINDED = 1, _("Reminded")
        OVERDUE = 2, _("Overdue")
        ESCALATED = 3, _("Escalated")

    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    words = models.TextField()
    begun_at = models.DateTimeField()
    begun_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    due_at = models.DateTimeField()
    stage = models.PositiveSmallIntegerField(choices=Stage.choices, default=Stage.NONE)
    ended_at = models.DateTimeField(null=True, blank=True)
    ended_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    answer = models.TextField(blank=True)

    class Meta:
        """Open ones are found by agency and by when they are due."""

        abstract = True
        indexes: ClassVar[list[models.Index]] = [
            models.Index(
                fields=["agency", "due_at"], name="%(class)s_owed", condition=models.Q(ended_at=None)
            ),
            models.Index(fields=["due_at"], name="%(class)s_due", condition=models.Q(ended_at=None)),
        ]


class Order(Owed):
    """Work given to an agency, which receives it or returns it with a reason: a hand-over moves the case."""

    class Kind(models.TextChoices):
        """What is given."""

        HANDOVER = "handover", _("Hand-over of the case")
        INSPECTION = "inspection", _("Inspection")
        TASK = "task", _("Task")

    class State(models.TextChoices):
        """How it stands."""

        SENT = "sent", _("Sent")
        RECEIVED = "received", _("Received")
        DONE = "done", _("Done")
        RETURNED = "returned", _("Returned")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    kind = models.CharField(max_length=10, choices=Kind.choices)
    state = models.CharField(max_length=9, choices=State.choices, default=State.SENT)
    sender = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    assignee = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="orders")
    received_at = models.DateTimeField(null=True, blank=True)
    finish_at = models.DateTimeField()  # when the work is due; ``due_at`` is the receipt's until then

    class Meta(Owed.Meta):
        """A case is in one hand-over and one inspection at a time."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["case", "kind"],
                name="order_once",
                condition=models.Q(ended_at=None) & ~models.Q(kind="task"),
            )
        ]


class Obligation(Owed):
    """What must be done before a case may close, opened by a judgement or by a person."""

    class Kind(models.TextChoices):
        """What is owed."""

        SURCHARGE = "surcharge", _("Surcharge billed")
        REVISIT = "revisit", _("Site visited again")
        CLEANUP = "cleanup", _("Intrusion cleaned up")
        PUBLICATION = "publication", _("Result of the inspection published")
        OTHER = "other", _("Other")

    kind = models.CharField(max_length=12, choices=Kind.choices)
    is_waived = models.BooleanField(default=False)


class Approval(Owed):
    """Something that hurts, asked for by one person and decided by another."""

    class Kind(models.TextChoices):
        """What takes two persons."""

        LISTING = "listing", _("Entry in the list of mining projects")
        PRICE = "price", _("Differential price")
        SUPPLY_CUT = "supply_cut", _("Cut of supply")
        WAIVER = "waiver", _("Waiver of an obligation")

    kind = models.CharField(max_length=10, choices=Kind.choices)
    granted = models.BooleanField(null=True)
    obligation = models.ForeignKey(
        Obligation, null=True, blank=True, on_delete=models.PROTECT, related_name="waivers"
    )

    class Meta(Owed.Meta):
        """One open question of a kind; nobody decides the own question."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["case", "kind"],
                name="approval_once",
                condition=models.Q(ended_at=None, obligation=None),
            ),
            models.UniqueConstraint(
                fields=["obligation"],
                name="waiver_once",
                condition=models.Q(ended_at=None, obligation__isnull=False),
            ),
            models.CheckConstraint(
                name="approval_by_two",
                condition=models.Q(granted=None)
                | models.Q(granted=False)
                | ~models.Q(ended_by=models.F("begun_by")),
            ),
        ]


class Plea(Owed):
    """What the other side asks for: a new look at the judgement, or the repair of its credit."""

    class Kind(models.TextChoices):
        """What is asked."""

        APPEAL = "appeal", _("Appeal")
        CREDIT_REPAIR = "credit_repair", _("Credit repair")

    kind = models.CharField(max_length=14, choices=Kind.choices)
    upheld = models.BooleanField(null=True)
    reference = models.CharField(max_length=200, blank=True)

    class Meta(Owed.Meta):
        """One open plea of a kind."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["case", "kind"], name="plea_once", condition=models.Q(ended_at=None)
            )
        ]


class Question(Scoped):
    """Addresses that a carrier is asked about; it goes out and comes back as a file."""

    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")  # the carrier
    asker = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    begun_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    begun_at = models.DateTimeField()
    due_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[QuestionManager] = QuestionManager()


class Asked(OfCase):
    """One address, port and time of a question, and the carrier's answer."""

    question = models.ForeignKey(Question, on_delete=models.PROTECT, related_name="asked")
    address = models.GenericIPAddressField()
    port = models.PositiveIntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    holder_name = models.CharField(max_length=200, blank=True)
    uscc = models.CharField(max_length=18, blank=True)
    installed_at = models.CharField(max_length=300, blank=True)  # the address of the line
    note = models.CharField(max_length=300, blank=True)
    answered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Each once a question."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["question", "case", "address", "port"], name="asked_once")
        ]


class Notice(Scoped):
    """A reminder or an escalation that reached an agency."""

    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="+")
    case = models.ForeignKey(Case, null=True, on_delete=models.PROTECT, related_name="notices")
    batch = models.ForeignKey(Batch, null=True, on_delete=models.PROTECT, related_name="notices")
    stage = models.PositiveSmallIntegerField(choices=Owed.Stage.choices)
    subject = models.CharField(max_length=12)  # kind of what is owed: order, approval …
    subject_id = models.BigIntegerField()
    at = models.DateTimeField()
    seen_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Each once; an agency reads its unseen ones."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["agency", "subject", "subject_id", "stage"], name="notice_once")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["agency", "-at"], name="notice_unseen", condition=models.Q(seen_at=None))
        ]
