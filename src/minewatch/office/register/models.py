"""The register: who, where and what, each field with the statements behind it.

A row holds what is thought true now; ``Fact`` holds every statement that was ever made about it, by whom and
from what source, so that the row can be derived again and each field has its history.
"""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from minewatch.office.platform.models import Agency, Region, User
from minewatch.office.platform.scope import Scoped


class Source(models.Model):
    """Where statements come from: a file, a finding, an inspection, a person."""

    class Kind(models.TextChoices):
        """Kinds in the order of what they weigh: a later one is not overruled by an earlier."""

        FINDING = "finding", _("Finding")
        IMPORT = "import", _("Imported file")
        APPLICATION = "application", _("Application")
        TIP = "tip", _("Tip")
        CARRIER = "carrier", _("Answer of a carrier")
        PERSON = "person", _("Entered by hand")
        INSPECTION = "inspection", _("Inspection")

    kind = models.CharField(max_length=12, choices=Kind.choices)
    reference = models.CharField(max_length=200)
    agency = models.ForeignKey(Agency, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    user = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        """Found by what it refers to."""

        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["kind", "reference"])]


class Fact(models.Model):
    """A statement: a source says that a field of a thing has a value. Rows are added, never changed."""

    subject_kind = models.CharField(max_length=20)
    subject_id = models.BigIntegerField()
    field = models.CharField(max_length=40)
    value = models.JSONField(null=True)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="facts")
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_to = models.DateTimeField(null=True, blank=True)
    holds = models.BooleanField(default=True)

    class Meta:
        """Read by thing and field, newest last."""

        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["subject_kind", "subject_id", "field", "id"])
        ]


class Registered(Scoped):
    """Base of the things of the register: a region, and the row that a duplicate was merged into."""

    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    merged_into = models.ForeignKey(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="duplicates"
    )
    created_at = models.DateTimeField()

    class Meta:
        """No table of its own."""

        abstract = True


class Enterprise(Registered):
    """An enterprise or institution, by its unified social credit code (GB 32100) where it is known."""

    class CreditClass(models.TextChoices):
        """Credit classes that steer how often an enterprise is inspected."""

        A = "A", "A"
        B = "B", "B"
        C = "C", "C"
        D = "D", "D"

    uscc = models.CharField(max_length=18, null=True, blank=True, unique=True)
    name = models.CharField(max_length=200, db_index=True)
    legal_representative = models.CharField(max_length=80, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    industry_code = models.CharField(max_length=8, blank=True)
    credit_class = models.CharField(max_length=1, choices=CreditClass.choices, blank=True)

    def __str__(self) -> str:
        return self.name


class Premises(Registered):
    """A place with an address; ``region`` may be a park."""

    address = models.CharField(max_length=300)
    lon = models.FloatField(null=True, blank=True)
    lat = models.FloatField(null=True, blank=True)

    def __str__(self) -> str:
        return self.address


class UsagePoint(Registered):
    """An electricity account by its 户号 (leading zeros count)."""

    number = models.CharField(max_length=24, unique=True)
    customer_name = models.CharField(max_length=200, blank=True)
    enterprise = models.ForeignKey(
        Enterprise, null=True, blank=True, on_delete=models.PROTECT, related_name="usage_points"
    )
    premises = models.ForeignKey(
        Premises, null=True, blank=True, on_delete=models.PROTECT, related_name="usage_points"
    )
    tariff_class = models.CharField(max_length=40, blank=True)
    voltage_kv = models.FloatField(null=True, blank=True)
    contract_kva = models.FloatField(null=True, blank=True)
    transformer_id = models.CharField(max_length=60, blank=True)
    opened_on = models.DateField(null=True, blank=True)
    closed_on = models.DateField(null=True, blank=True)

    def __str__(self) -> str:
        return self.number


class Plant(Registered):
    """A power plant that may feed a site past the meter."""

    number = models.CharField(max_length=60, unique=True)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=20, blank=True)
    capacity_mw = models.FloatField(null=True, blank=True)
    enterprise = models.ForeignKey(
        Enterprise, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    premises = models.ForeignKey(Premises, null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return self.name


class Line(Registered):
    """A network line: addresses and ports that a carrier leased to a holder for a time."""

    prefix = models.CharField(max_length=50, db_index=True)
    port_low = models.IntegerField(default=0)
    port_high = models.IntegerField(default=65535)
    carrier = models.ForeignKey(Agency, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    holder_name = models.CharField(max_length=200, blank=True)
    enterprise = models.ForeignKey(
        Enterprise, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    premises = models.ForeignKey(Premises, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_to = models.DateTimeField(null=True, blank=True)

    def __str__(self) -> str:
        return self.prefix


class Site(Registered):
    """A place where mining is suspected, known or ended; a row of one of the two inventories.

    ``phase`` tells the inventory: operating (三) or under construction (四). ``state`` follows the case.
    """

    class Phase(models.TextChoices):
        """The two inventories of the notice."""

        OPERATING = "operating", _("Operating")
        CONSTRUCTION = "construction", _("Under construction")

    class Kind(models.TextChoices):
        """What it is thought to be."""

        UNKNOWN = "unknown", _("Not known")
        ACTIVE = "active", _("Active mining")
        VICTIM = "victim", _("Victim of an intrusion")
        UNMETERED = "unmetered_supply", _("Supply past the meter")
        DIVERSION = "plant_diversion", _("Fed by a plant")

    class State(models.TextChoices):
        """Where the work on it stands."""

        SUSPECTED = "suspected", _("Suspected")
        LISTED = "listed", _("Listed")
        CONFIRMED = "confirmed", _("Confirmed")
        VICTIM = "victim", _("Victim")
        NOT_MINING = "not_mining", _("Not mining")
        CLOSED = "closed", _("Closed")

    code = models.CharField(max_length=24, unique=True)
    name = models.CharField(max_length=200)
    premises = models.ForeignKey(
        Premises, null=True, blank=True, on_delete=models.PROTECT, related_name="sites"
    )
    phase = models.CharField(max_length=12, choices=Phase.choices, default=Phase.OPERATING)
    kind = models.CharField(max_length=20, choices=Kind.choices, default=Kind.UNKNOWN)
    state = models.CharField(max_length=12, choices=State.choices, default=State.SUSPECTED, db_index=True)
    planned_start_on = models.DateField(null=True, blank=True)
    power_kw = models.FloatField(null=True, blank=True)
    power_low_kw = models.FloatField(null=True, blank=True)
    power_high_kw = models.FloatField(null=True, blank=True)
    energy_week_kwh = models.FloatField(null=True, blank=True)
    hash_rates = models.JSONField(default=dict)  # algorithm → {"value", "low", "high"} in H/s
    posterior = models.FloatField(null=True, blank=True)
    q_value = models.FloatField(null=True, blank=True)
    coin = models.CharField(max_length=60, blank=True)
    pool = models.CharField(max_length=200, blank=True)
    first_seen_at = models.DateTimeField(null=True, blank=True)
    last_seen_at = models.DateTimeField(null=True, blank=True)
    closed_on = models.DateField(null=True, blank=True)
    recurrences = models.PositiveIntegerField(default=0)

    class Meta:
        """The work list is read by state, largest first."""

        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["state", "-power_kw"])]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class Party(models.Model):
    """The part an enterprise has in a site: landlord, tenant and misused identity are different parties."""

    class Part(models.TextChoices):
        """Parts."""

        OPERATOR = "operator", _("Operator")
        OWNER = "owner", _("Owner of machines")
        LANDLORD = "landlord", _("Landlord")
        TENANT = "tenant", _("Tenant")
        SUPPLIER = "supplier", _("Supplier of power")
        MISUSED = "misused", _("Identity misused")

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="parties")
    enterprise = models.ForeignKey(Enterprise, on_delete=models.PROTECT, related_name="parts")
    part = models.CharField(max_length=10, choices=Part.choices)
    probability = models.FloatField(null=True, blank=True)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """A part once."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["site", "enterprise", "part"], name="party_once")
        ]


class Link(models.Model):
    """A usage point, plant or line that belongs to a site, and how likely."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="links")
    usage_point = models.ForeignKey(
        UsagePoint, null=True, blank=True, on_delete=models.PROTECT, related_name="links"
    )
    plant = models.ForeignKey(Plant, null=True, blank=True, on_delete=models.PROTECT, related_name="links")
    line = models.ForeignKey(Line, null=True, blank=True, on_delete=models.PROTECT, related_name="links")
    probability = models.FloatField(null=True, blank=True)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="+")
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Exactly one end, and each once."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                name="link_has_one_end",
                condition=models.Q(usage_point__isnull=False, plant=None, line=None)
                | models.Q(usage_point=None, plant__isnull=False, line=None)
                | models.Q(usage_point=None, plant=None, line__isnull=False),
            ),
            models.UniqueConstraint(
                fields=["site", "usage_point"], name="usage_point_once", condition=~models.Q(usage_point=None)
            ),
            models.UniqueConstraint(
                fields=["site", "plant"], name="plant_once", condition=~models.Q(plant=None)
            ),
            models.UniqueConstraint(
                fields=["site", "line"], name="line_once", condition=~models.Q(line=None)
            ),
        ]


class MachineGroup(models.Model):
    """Machines of one model at a site, counted once; a later count ends the earlier one."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="machines")
    maker = models.CharField(max_length=60, blank=True)
    model = models.CharField(max_length=80)
    number = models.PositiveIntegerField()
    algorithm = models.CharField(max_length=40, blank=True)
    hash_rate_each = models.FloatField(null=True, blank=True)  # H/s
    power_each_w = models.FloatField(null=True, blank=True)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="+")
    counted_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)


class Merge(models.Model):
    """Two rows were found to be one thing; what moved is kept, so that it can be undone."""

    kind = models.CharField(max_length=20)
    kept_id = models.BigIntegerField()
    merged_id = models.BigIntegerField()
    reason = models.CharField(max_length=300)
    moved = models.JSONField(default=dict)
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")


class EvidenceFile(models.Model):
    """A file as evidence: kept under its SHA-256, never changed."""

    sha256 = models.CharField(max_length=64)
    name = models.CharField(max_length=200)
    media_type = models.CharField(max_length=80)
    size = models.BigIntegerField()
    subject_kind = models.CharField(max_length=20)
    subject_id = models.BigIntegerField()
    note = models.CharField(max_length=300, blank=True)
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        """A file once a thing."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["sha256", "subject_kind", "subject_id"], name="file_once")
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["subject_kind", "subject_id"])]


class SavedFilter(models.Model):
    """A search that an account keeps, alone or for its agency."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="filters")
    name = models.CharField(max_length=80)
    page = models.CharField(max_length=40)
    query = models.JSONField(default=dict)
    for_agency = models.BooleanField(default=False)
