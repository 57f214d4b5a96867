"""The register: who, where and what, each field with the statements behind it.

A row holds what is thought true now; ``Statement`` holds everything that was ever said about it, by whom and
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


class Statement(models.Model):
    """A source says that fields of a thing have values. Rows are added, never changed.

    ``values`` maps a field to its value in JSON (foreign keys by id as ``premises_id``, days and times as
    text). ``holds`` is false where a weightier source says otherwise: a disagreement, which changed nothing.
    """

    subject_kind = models.CharField(max_length=20)
    subject_id = models.BigIntegerField()
    values = models.JSONField()
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="statements")
    at = models.DateTimeField()
    valid_from = models.DateTimeField(null=True, blank=True)
    valid_to = models.DateTimeField(null=True, blank=True)
    holds = models.BooleanField(default=True)

    class Meta:
        """Read by thing, oldest first."""

        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["subject_kind", "subject_id", "id"])]


class Registered(Scoped):
    """Base of the things of the register: a region, and the row that a duplicate was merged into.

    ``derived`` fields follow from the others (``canonical.settle``); nobody states them.
    """

    derived: ClassVar[frozenset[str]] = frozenset()

    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    # its index (migration 0003) holds the few that were merged: one of all rows would draw SQLite to it
    merged_into = models.ForeignKey(
        "self",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="duplicates",
        db_index=False,
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

    derived: ClassVar[frozenset[str]] = frozenset({"name_key"})

    uscc = models.CharField(max_length=18, null=True, blank=True)
    name = models.CharField(max_length=200)
    name_key = models.CharField(max_length=200, db_index=True)
    legal_representative = models.CharField(max_length=80, blank=True)
    phone = models.CharField(max_length=40, blank=True)
    industry_code = models.CharField(max_length=8, blank=True)
    credit_class = models.CharField(max_length=1, choices=CreditClass.choices, blank=True)

    class Meta:
        """A code once, but for rows that were merged into another."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["uscc"], name="uscc_once", condition=models.Q(merged_into=None, uscc__isnull=False)
            )
        ]

    def __str__(self) -> str:
        return self.name


class Premises(Registered):
    """A place with an address; ``region`` may be a park."""

    derived: ClassVar[frozenset[str]] = frozenset({"address_key"})

    address = models.CharField(max_length=300)
    address_key = models.CharField(max_length=300, db_index=True)
    floor_area_m2 = models.FloatField(null=True, blank=True)
    lon = models.FloatField(null=True, blank=True)
    lat = models.FloatField(null=True, blank=True)

    def __str__(self) -> str:
        return self.address


class UsagePoint(Registered):
    """An electricity account by its 户号 (leading zeros count)."""

    derived: ClassVar[frozenset[str]] = frozenset({"number_key"})

    number = models.CharField(max_length=24, unique=True)
    number_key = models.CharField(max_length=24, db_index=True)
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
    price_cny_kwh = models.FloatField(null=True, blank=True)
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

    derived: ClassVar[frozenset[str]] = frozenset({"first_address"})

    prefix = models.CharField(max_length=50, db_index=True)
    first_address = models.CharField(max_length=33, db_index=True)  # sorts as the addresses do
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
    planned_power_kw = models.FloatField(null=True, blank=True)
    services = models.CharField(max_length=200, blank=True)  # what it says it does, as hosting
    mining_share = models.FloatField(null=True, blank=True)  # of the power drawn, 0 to 1
    interruptible_share = models.FloatField(null=True, blank=True)  # of the peak, 0 to 1
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
        """The work list is read by state, largest first; an inventory by phase."""

        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["state", "-power_kw"]),
            models.Index(fields=["phase", "-power_kw", "id"]),
        ]

    def __str__(self) -> str:
        return f"{self.code} {self.name}"


class OfSite(Scoped):
    """Base of what hangs on a site: seen where the site is."""

    region_lookup = "site__region"

    class Meta:
        """No table of its own."""

        abstract = True


class Party(OfSite):
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


class Link(OfSite):
    """A usage point, plant or line that belongs to a site, and how likely."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="links")
    usage_point = models.ForeignKey(
        UsagePoint, null=True, blank=True, on_delete=models.PROTECT, related_name="links"
    )
    plant = models.ForeignKey(Plant, null=True, blank=True, on_delete=models.PROTECT, related_name="links")
    line = models.ForeignKey(Line, null=True, blank=True, on_delete=models.PROTECT, related_name="links")
    energy_week_kwh = models.FloatField(null=True, blank=True)
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


class Sighting(OfSite):
    """Mining traffic of a site as it was seen: from where, when, with what pool and wallet."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="sightings")
    address = models.GenericIPAddressField()
    address_key = models.CharField(max_length=33, db_index=True)  # sorts as the addresses do
    port = models.PositiveIntegerField(default=0)  # 0 where it was not told
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    pool = models.CharField(max_length=200, blank=True)
    coin = models.CharField(max_length=60, blank=True)
    algorithm = models.CharField(max_length=40, blank=True)
    wallet = models.CharField(max_length=160, blank=True, db_index=True)
    worker = models.CharField(max_length=160, blank=True)
    submissions = models.BigIntegerField(null=True, blank=True)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="+")

    class Meta:
        """Said once by a source; read newest first."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["site", "source", "address", "port", "wallet", "worker", "first_at"],
                name="sighting_once",
            )
        ]
        indexes: ClassVar[list[models.Index]] = [models.Index(fields=["site", "-last_at"])]


class MachineGroup(OfSite):
    """Machines of one model at a site, counted once; a later count ends the earlier one."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="machines")
    maker = models.CharField(max_length=60, blank=True)
    model = models.CharField(max_length=80)
    number = models.PositiveIntegerField()
    algorithm = models.CharField(max_length=40, blank=True)
    hash_rate_each = models.FloatField(null=True, blank=True)  # H/s
    power_each_w = models.FloatField(null=True, blank=True)
    hours_day = models.FloatField(null=True, blank=True)
    made_year = models.PositiveSmallIntegerField(null=True, blank=True)
    serials = models.JSONField(default=list)
    source = models.ForeignKey(Source, on_delete=models.PROTECT, related_name="+")
    counted_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)


class Merge(Scoped):
    """Two rows were found to be one thing; what moved is kept, so that it can be undone."""

    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=20)
    kept_id = models.BigIntegerField()
    merged_id = models.BigIntegerField()
    reason = models.CharField(max_length=300)
    moved = models.JSONField(default=dict)
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    undone_at = models.DateTimeField(null=True, blank=True)
    undone_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")


class EvidenceFile(Scoped):
    """A file as evidence: kept under its SHA-256, never changed; seen in the region of its subject."""

    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
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


from minewatch.office.register.exports.models import Export  # noqa: E402, F401 - found by Django
from minewatch.office.register.imports.models import Import, ImportRow  # noqa: E402, F401 - found by Django
