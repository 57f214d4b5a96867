"""An export that an account asked for: what of which list, for what purpose, and the finished file."""

from typing import ClassVar

from django.db import models

from minewatch.office.platform.models import Agency, Region, User, Work


class Export(models.Model):
    """A list asked for as a file. ``region``, ``agency`` and ``asked_at`` are the eyes it is made with.

    ``query`` are the filters as they stood in the address. ``file`` is the name of the finished file in the
    office's folder, empty before it is made and after it expired.
    """

    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    agency = models.ForeignKey(Agency, null=True, on_delete=models.PROTECT, related_name="+")
    region = models.ForeignKey(Region, null=True, on_delete=models.PROTECT, related_name="+")
    page = models.CharField(max_length=40)
    query = models.JSONField(default=dict)
    form = models.CharField(max_length=8)
    language = models.CharField(max_length=8)
    purpose = models.CharField(max_length=300)
    in_the_clear = models.BooleanField(default=False)
    work = models.ForeignKey(Work, on_delete=models.PROTECT, related_name="+")
    asked_at = models.DateTimeField()
    file = models.CharField(max_length=80, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    rows = models.PositiveIntegerField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Files to be taken away are found at once."""

        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["expires_at"], name="export_kept", condition=~models.Q(file=""))
        ]
