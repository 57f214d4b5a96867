"""Regions, agencies, accounts, the audit chain and events waiting for those who subscribed."""

from typing import Any, ClassVar

from django.contrib.auth.models import AbstractUser, UserManager
from django.db import models
from django.utils.functional import cached_property
from django.utils.translation import gettext_lazy as _
from treebeard.mp_tree import MP_Node

from minewatch.office.platform.roles import Administrator, Role, permissions_of


class Region(MP_Node):
    """A place of the administrative tree: nation, province, city, county, park.

    ``code`` is that of GB/T 2260 (six digits; a park has its county's code, a hyphen and a number). A region
    that ended keeps its row; ``successor`` says where it went.
    """

    class Level(models.TextChoices):
        """Level of government."""

        NATION = "nation", _("Nation")
        PROVINCE = "province", _("Province")
        CITY = "city", _("City")
        COUNTY = "county", _("County")
        PARK = "park", _("Park")

    steplen = 4
    code = models.CharField(max_length=12, unique=True)
    level = models.CharField(max_length=8, choices=Level.choices)
    name_zh = models.CharField(max_length=80)
    name_en = models.CharField(max_length=120, blank=True)
    valid_from = models.DateField(null=True, blank=True)
    valid_to = models.DateField(null=True, blank=True)
    successor = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="+")

    def __str__(self) -> str:
        return self.name_zh


class Agency(models.Model):
    """A department or company that works on cases, in one region."""

    class Kind(models.TextChoices):
        """The departments of article (十八) and those who carry the work out."""

        REFORM = "reform", _("Development and reform")
        FINANCE = "finance", _("Financial regulation")
        ENERGY = "energy", _("Energy")
        INDUSTRY = "industry", _("Industry and information technology")
        CYBERSPACE = "cyberspace", _("Cyberspace administration")
        TREASURY = "treasury", _("Public finance")
        TAX = "tax", _("Taxation")
        MARKET = "market", _("Market regulation")
        COMMUNICATIONS = "communications", _("Communications administration")
        GRID = "grid", _("Grid company")
        CARRIER = "carrier", _("Telecommunications carrier")
        PARK = "park", _("Park administration")
        INSPECTORATE = "inspectorate", _("Inspectorate")
        GOVERNMENT = "government", _("People's government")

    code = models.SlugField(max_length=40, unique=True)
    kind = models.CharField(max_length=16, choices=Kind.choices)
    name_zh = models.CharField(max_length=120)
    name_en = models.CharField(max_length=160, blank=True)
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="agencies")
    active = models.BooleanField(default=True)

    def __str__(self) -> str:
        return self.name_zh


class Joined(models.Aggregate):
    """Texts of a group in one, with commas between them."""

    function = "GROUP_CONCAT"

    def as_postgresql(self, compiler: Any, connection: Any, **more: Any) -> Any:
        """Say it as PostgreSQL does."""
        template = "STRING_AGG(%(expressions)s, ',')"
        return self.as_sql(compiler, connection, template=template, **more)


class Accounts(UserManager["User"]):
    """Accounts with agency, region and roles, which every page asks for, in one query."""

    use_in_migrations = False

    def get_queryset(self) -> "models.QuerySet[User]":
        """Return the accounts, joined; ``roles_held`` are their roles with commas between them."""
        held = RoleGiven.objects.filter(user=models.OuterRef("pk")).order_by().values("user")
        roles = models.Subquery(held.annotate(held=Joined("role")).values("held"))
        return super().get_queryset().select_related("agency", "region").annotate(roles_held=roles)


class User(AbstractUser):
    """An account of one person in one agency.

    ``administers`` makes it one of the three administrators; roles in cases are then not looked at, so that
    no account can combine them.
    """

    agency = models.ForeignKey(Agency, null=True, on_delete=models.PROTECT, related_name="users")
    region = models.ForeignKey(Region, null=True, on_delete=models.PROTECT, related_name="+")
    administers = models.CharField(max_length=8, choices=Administrator.choices, blank=True)
    language = models.CharField(max_length=8, default="zh-hans")
    password_changed_at = models.DateTimeField(null=True, blank=True)
    password_is_temporary = models.BooleanField(default=False)
    is_machine = models.BooleanField(default=False)  # another system's: it has tokens and never logs in

    objects: ClassVar[Accounts] = Accounts()

    REQUIRED_FIELDS: ClassVar[list[str]] = []

    @cached_property
    def permissions_held(self) -> frozenset[str]:
        """Return what the account may do: by its administration alone, else by the roles given."""
        if self.administers:
            return permissions_of([self.administers])
        if "roles_held" in self.__dict__:
            return permissions_of((self.__dict__["roles_held"] or "").split(","))
        return permissions_of(given.role for given in self.roles.all())


class RoleGiven(models.Model):
    """A role that an account has, and who gave it."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="roles")
    role = models.CharField(max_length=16, choices=Role.choices)
    given_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    given_at = models.DateTimeField()

    class Meta:
        """A role once an account."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["user", "role"], name="role_once")
        ]


class RoleAsked(models.Model):
    """A role that takes two administrators: one asks for it with a reason, another decides."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="roles_asked")
    role = models.CharField(max_length=16, choices=Role.choices)
    reason = models.CharField(max_length=300)
    asked_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    given = models.BooleanField(default=False)

    class Meta:
        """One open question an account and role."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["user", "role"], name="role_asked_once", condition=models.Q(decided_at=None)
            )
        ]


class PasswordUsed(models.Model):
    """The hash of a password that an account has had, so that it is not taken again."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="passwords_used")
    hash = models.CharField(max_length=128)
    at = models.DateTimeField()


class AuditHead(models.Model):
    """The one row that holds the last link of the chain; who appends locks it."""

    seq = models.BigIntegerField(default=0)
    hash = models.CharField(max_length=64)


class AuditEntry(models.Model):
    """A link of the audit chain. Rows are added, never changed: triggers of the database refuse it.

    An entry stands from the commit of its act; ``seq``, ``previous`` and ``hash`` are set once, right after.
    """

    seq = models.BigIntegerField(null=True, unique=True)
    at = models.DateTimeField()
    actor = models.CharField(max_length=150)
    agency = models.CharField(max_length=40, blank=True)
    action = models.CharField(max_length=60, db_index=True)
    subject_kind = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=60)
    details = models.JSONField(default=dict)
    request_id = models.CharField(max_length=36, blank=True)
    previous = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64, blank=True)

    class Meta:
        """Read by subject, actor and time; those not sealed yet are found at once."""

        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["subject_kind", "subject_id", "id"], name="audit_subject"),
            models.Index(fields=["actor", "id"], name="audit_actor"),
            models.Index(fields=["at"], name="audit_at"),
            models.Index(fields=["id"], name="audit_unsealed", condition=models.Q(seq=None)),
        ]


class Event(models.Model):
    """Something that happened, written in the transaction in which it did, for those who subscribed."""

    kind = models.CharField(max_length=60)
    key = models.CharField(max_length=80, null=True, blank=True, unique=True)
    payload = models.JSONField(default=dict)
    at = models.DateTimeField()
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """The undelivered ones are found at once."""

        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["id"], name="event_waiting", condition=models.Q(delivered_at=None))
        ]


class EventTaken(models.Model):
    """A subscriber has done its part for an event; written in the subscriber's own transaction."""

    event = models.ForeignKey(Event, on_delete=models.CASCADE, related_name="taken")
    subscriber = models.CharField(max_length=120)

    class Meta:
        """Each part once."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["event", "subscriber"], name="taken_once")
        ]


class Unmasking(models.Model):
    """A person was shown a protected field in the clear, for a purpose, until a time."""

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    subject_kind = models.CharField(max_length=40)
    subject_id = models.CharField(max_length=60)
    field = models.CharField(max_length=60)
    purpose = models.CharField(max_length=300)
    at = models.DateTimeField()
    until = models.DateTimeField()


class Work(models.Model):
    """A piece of long work: what it is, how far it is, what came of it. Its job writes here as it goes."""

    class State(models.TextChoices):
        """Where it stands."""

        WAITING = "waiting", _("Waiting")
        RUNNING = "running", _("Running")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed")

    user = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(null=True, blank=True)
    result = models.JSONField(default=dict)
    began_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)


class Token(models.Model):
    """A key by which a program acts for an account, within permissions and a region, until a time.

    Of the key only the prefix and a hash are kept. ``keeper`` draws the key, which is shown once: the owner,
    or for a machine's account the person who runs that machine. Until then ``hash`` is empty.
    """

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="tokens")
    keeper = models.ForeignKey(User, on_delete=models.PROTECT, related_name="tokens_kept")
    name = models.CharField(max_length=80)
    prefix = models.CharField(max_length=12, unique=True)
    hash = models.CharField(max_length=64, blank=True)
    permissions = models.JSONField(default=list)
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)
    used_at = models.DateTimeField(null=True, blank=True)
    used_from = models.CharField(max_length=45, blank=True)


class Allowance(models.Model):
    """How much of its rate a caller has used up: the second at which all of it is free again."""

    key = models.CharField(max_length=120, unique=True)
    free_at = models.FloatField(default=0)


class RequestDone(models.Model):
    """What an account was answered to a request under an ``Idempotency-Key``, so that it is done once."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    key = models.CharField(max_length=200)
    digest = models.CharField(max_length=64)  # of method, address and content
    status = models.PositiveSmallIntegerField(default=0)
    answer = models.JSONField(default=dict)
    at = models.DateTimeField(db_index=True)

    class Meta:
        """A key once an account."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["user", "key"], name="request_once")
        ]


class Hook(models.Model):
    """An address of an agency's own system that is told of events of some kinds in a region.

    ``secret`` signs what is sent, ``former_secret`` too until a time; both are kept encrypted.
    """

    agency = models.ForeignKey(Agency, on_delete=models.PROTECT, related_name="hooks")
    region = models.ForeignKey(Region, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=80)
    url = models.URLField(max_length=500)
    kinds = models.JSONField(default=list)
    secret = models.CharField(max_length=255)
    former_secret = models.CharField(max_length=255, blank=True)
    former_until = models.DateTimeField(null=True, blank=True)
    active = models.BooleanField(default=True)
    failures = models.PositiveIntegerField(default=0)  # in a row
    rests_until = models.DateTimeField(null=True, blank=True)  # after a failure nothing is tried until then
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()


class HookDelivery(models.Model):
    """An event on its way to an address: one row an event and subscription, however often it is tried."""

    class State(models.TextChoices):
        """Where it is."""

        WAITING = "waiting", _("Waiting")
        DONE = "done", _("Delivered")
        DEAD = "dead", _("Given up")

    hook = models.ForeignKey(Hook, on_delete=models.CASCADE, related_name="deliveries")
    event = models.ForeignKey(Event, on_delete=models.PROTECT, related_name="+")
    kind = models.CharField(max_length=60)
    payload = models.JSONField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    tries = models.PositiveSmallIntegerField(default=0)
    made_at = models.DateTimeField()
    next_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """An event once a subscription; those that wait are found at once."""

        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["hook", "event"], name="hook_event_once")
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["hook", "state", "-id"], name="hook_deliveries"),
            models.Index(fields=["next_at"], name="hook_waiting", condition=models.Q(state="waiting")),
        ]


class HookAttempt(models.Model):
    """One try to deliver, and what came of it: the answer's status, or what went wrong."""

    delivery = models.ForeignKey(HookDelivery, on_delete=models.CASCADE, related_name="attempts")
    at = models.DateTimeField()
    status = models.PositiveSmallIntegerField(null=True)
    error = models.CharField(max_length=200, blank=True)
    took_ms = models.PositiveIntegerField(default=0)
