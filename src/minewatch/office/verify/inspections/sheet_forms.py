"""What a phone sends of a visit, checked field by field: sheets and photos with the client's ids."""

from typing import Annotated, TypeVar
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from minewatch.office.platform.refusals import Refused
from minewatch.office.verify.inspections.models import MachineCount
from minewatch.office.verify.models import Judgement

Sha256 = Annotated[str, Field(pattern="^[0-9a-f]{64}$")]
Words = Annotated[str, Field(max_length=4000)]


class Strict(BaseModel):
    """Base of what a phone sends: nothing else than the fields, and nothing changed afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, str_strip_whitespace=True, allow_inf_nan=False)


class Place(Strict):
    """Where a phone was, in degrees, and how sure it is, in metres."""

    lon: float = Field(ge=-180, le=180)
    lat: float = Field(ge=-90, le=90)
    accuracy_m: float | None = Field(default=None, ge=0, le=1e7)


class Answer(Strict):
    """An answer to a question of the checklist, and a note."""

    answer: Words = ""
    note: Words = ""


class Reading(Strict):
    """Something that was read off: a meter, a display, a thermometer."""

    what: str = Field(min_length=1, max_length=120)
    value: float = Field(ge=-1e12, le=1e12)
    unit: str = Field(default="", max_length=20)
    at: AwareDatetime | None = None
    note: Words = ""


class CountGiven(Strict):
    """Machines of one model; hash rate in H/s and power in W are those of one."""

    how: MachineCount.How = MachineCount.How.SEEN
    model: str = Field(min_length=1, max_length=80)
    maker: str = Field(default="", max_length=60)
    algorithm: str = Field(default="", max_length=40)
    number: int = Field(ge=1, le=1_000_000)
    running: int | None = Field(default=None, ge=0, le=1_000_000)
    hash_rate_each: float | None = Field(default=None, ge=0, le=1e20)
    power_each_w: float | None = Field(default=None, ge=0, le=1e6)
    serials: tuple[Annotated[str, Field(max_length=80)], ...] = Field(default=(), max_length=200_000)
    file: int | None = Field(default=None, ge=1, le=2**62)  # the evidence that it comes from


class PhotoNamed(Strict):
    """A photo that belongs to a sheet: it came before, with this hash."""

    client_id: UUID
    sha256: Sha256


class SheetGiven(Strict):
    """A sheet as it is written; ``base`` is the revision that was seen, ``merges`` are those it joins."""

    client_id: UUID
    base: int = Field(default=0, ge=0, le=1_000_000)
    merges: tuple[Annotated[int, Field(ge=1, le=1_000_000)], ...] = Field(default=(), max_length=50)
    checklist: str = Field(max_length=40)
    answers: dict[Annotated[str, Field(max_length=40)], Answer] = Field(default_factory=dict, max_length=200)
    readings: tuple[Reading, ...] = Field(default=(), max_length=200)
    machines: tuple[CountGiven, ...] = Field(default=(), max_length=500)
    photos: tuple[PhotoNamed, ...] = Field(default=(), max_length=300)
    verdict: Judgement.Verdict | None = None
    words: Annotated[str, Field(max_length=20_000)] = ""
    place: Place | None = None
    arrived_at: AwareDatetime | None = None
    left_at: AwareDatetime | None = None
    written_at: AwareDatetime


class PhotoGiven(Strict):
    """A photo as it is taken, the hash that the phone computed of it, and the sheet that it is for."""

    client_id: UUID
    sheet_client_id: UUID
    sha256: Sha256
    taken_at: AwareDatetime
    place: Place | None = None
    caption: str = Field(default="", max_length=200)


Given = TypeVar("Given", SheetGiven, PhotoGiven)


def parsed(kind: type[Given], body: bytes | str) -> Given:
    """Return what a phone sent as JSON. Raises Refused where it is not what a phone sends."""
    text = body if isinstance(body, bytes) else body.encode("utf-8", "replace")
    if b"\\u0000" in text:
        raise Refused("sheet_malformed", what="U+0000")
    try:
        return kind.model_validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Refused("sheet_malformed", what=f"{where}: {first['msg']}"[:200]) from error
