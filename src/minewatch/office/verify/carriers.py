"""Questions to carriers, out and back as CSV: whose an address and port was at a time.

Attribution takes external address, port and time together, since a carrier's translation shares addresses.
"""

import csv
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from django.db import transaction
from django.db.models import Max, Min
from django.utils import timezone

from minewatch.office.platform import audit
from minewatch.office.platform.exporting import note_export
from minewatch.office.platform.models import Agency
from minewatch.office.platform.refusals import Refused
from minewatch.office.platform.services import By
from minewatch.office.register import facts
from minewatch.office.register import services as register
from minewatch.office.register.facts import Said
from minewatch.office.register.models import Line, Premises, Sighting, Source
from minewatch.office.register.selectors import enterprise_by_uscc
from minewatch.office.verify import calendar
from minewatch.office.verify.models import Asked, Case, Question

COLUMNS = (
    "编号",
    "外网IP",
    "端口",
    "开始时间",
    "结束时间",
    "用户名称",
    "统一社会信用代码",
    "装机地址",
    "备注",
)
"""Head of the file; a carrier fills the last four."""
_ID, _ADDRESS, _PORT, *_TIMES, _NAME, _USCC, _PLACE, _NOTE = COLUMNS
_ENCODINGS = ("utf-8-sig", "gb18030")
_MOST_OF_A_CASE = 20


class RowRefused(NamedTuple):
    """A row of an answer that was not taken: its line in the file and why (``unknown``, ``changed``, …)."""

    line: int
    why: str


class Taken(NamedTuple):
    """What came of an answer."""

    answered: int
    refused: list[RowRefused]


@transaction.atomic
def ask(carrier: Agency, cases: Sequence[Case], by: By) -> Question:
    """Ask a carrier about the addresses seen in some cases. Raises Refused where none has a port and time."""
    if carrier.kind != Agency.Kind.CARRIER:
        raise Refused("question_not_carrier", agency=str(carrier))
    asker = by.user.agency if by.user else None
    if asker is None:
        raise Refused("agency_unknown", code="")
    question = Question.objects.create(
        region=asker.region,
        agency=carrier,
        asker=asker,
        begun_by=by.user,
        begun_at=by.at,
        due_at=calendar.due("carrier_question", by.at),
    )
    rows = [row for case in cases for row in _seen(question, case)]
    if not rows:
        raise Refused("question_empty")
    Asked.objects.bulk_create(rows)
    audit.record(
        by.act("carrier_asked", ("question", question.pk)), {"carrier": carrier.code, "rows": len(rows)}
    )
    return question


def _seen(question: Question, case: Case) -> Iterator[Asked]:
    ends = Sighting.objects.filter(site=case.site_id, port__gt=0).values("address", "port")
    for end in ends.annotate(first=Min("first_at"), last=Max("last_at")).order_by("-last")[:_MOST_OF_A_CASE]:
        yield Asked(
            question=question,
            case=case,
            address=end["address"],
            port=end["port"],
            first_at=end["first"],
            last_at=end["last"],
        )


@transaction.atomic
def file_of(question: Question, purpose: str, by: By) -> bytes:
    """Return the question as a CSV file, addresses in the clear; noted with its purpose."""
    rows = Asked.objects.filter(question=question).order_by("pk")
    note_export("carrier_question", purpose, {"question": question.pk, "in_the_clear": True}, by)
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in rows:
        times = [timezone.localtime(at).isoformat(timespec="seconds") for at in (row.first_at, row.last_at)]
        writer.writerow(
            [row.pk, row.address, row.port, *times, row.holder_name, row.uscc, row.installed_at, row.note]
        )
    return text.getvalue().encode("utf-8-sig")


class AnswerLine(NamedTuple):
    """A line of an answer as it would be taken; ``why`` is empty where it would, as in ``RowRefused``."""

    line: int
    address: str
    port: str
    name: str
    uscc: str
    place: str
    why: str


def look_at(question: Question, content: bytes) -> list[AnswerLine]:
    """Return what ``take_answer`` would make of a file; nothing is written. Raises Refused as it does."""
    if question.ended_at is not None:
        raise Refused("question_ended")
    by_id = {str(row.pk): row for row in Asked.objects.filter(question=question)}
    return [_looked_at(by_id.get(row[_ID].strip()), line, row) for line, row in enumerate(_rows(content), 2)]


def _looked_at(asked: Asked | None, line: int, row: Mapping[str, str]) -> AnswerLine:
    address, port, name, uscc, place = (
        row[column].strip() for column in (_ADDRESS, _PORT, _NAME, _USCC, _PLACE)
    )
    why = _problem(asked, row) or ("" if name else "empty")
    if not why and asked is not None and asked.answered_at is not None:
        why = "before"
    return AnswerLine(line, address, port, name, uscc, place, why)


def text_of(content: bytes) -> str:
    """Return the text of an answer, UTF-8 or GB 18030. Raises Refused where it is neither."""
    return _text(content)


@transaction.atomic
def take_answer(question: Question, content: bytes, by: By) -> Taken:
    """Take the carrier's answer: each row that fits what was asked becomes a line of the register.

    Rows that were answered before are left as they are, so that a file can come twice.
    """
    if question.ended_at is not None:
        raise Refused("question_ended")
    asked = Asked.objects.filter(question=question).select_related("case__site__region")
    by_id = {str(row.pk): row for row in asked}
    taken = Taken(0, [])
    source = facts.source(Source.Kind.CARRIER, f"question {question.pk}", by)
    for line, row in enumerate(_rows(content), 2):
        why = _problem(by_id.get(row[_ID].strip()), row)
        if why:
            taken.refused.append(RowRefused(line, why))
        elif row[_NAME].strip():
            taken = taken._replace(
                answered=taken.answered + _take(by_id[row[_ID].strip()], row, Said(source, by))
            )
    _close_answered(question, by)
    details = {"answered": taken.answered, "refused": len(taken.refused)}
    audit.record(by.act("carrier_answered", ("question", question.pk)), details)
    return taken


def _rows(content: bytes) -> Iterable[Mapping[str, str]]:
    reader = csv.DictReader(io.StringIO(_text(content)))
    for column in COLUMNS:
        if column not in (reader.fieldnames or ()):
            raise Refused("file_columns", column=column)
    return [{name: row.get(name) or "" for name in COLUMNS} for row in reader]


def _text(content: bytes) -> str:
    for encoding in _ENCODINGS:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise Refused("file_not_text")


def _problem(asked: Asked | None, row: Mapping[str, str]) -> str:
    """Say why a row does not fit: not asked, its question changed, or answered otherwise before."""
    if asked is None:
        return "unknown"
    if (row[_ADDRESS].strip(), row[_PORT].strip()) != (asked.address, str(asked.port)):
        return "changed"
    if asked.answered_at is not None and row[_NAME].strip() not in ("", asked.holder_name):
        return "answered"
    return ""


def _take(asked: Asked, row: Mapping[str, str], said: Said) -> int:
    if asked.answered_at is not None:
        return 0
    asked.holder_name, asked.uscc = row[_NAME].strip()[:200], row[_USCC].strip()[:18]
    asked.installed_at, asked.note = row[_PLACE].strip()[:300], row[_NOTE].strip()[:300]
    asked.answered_at = said.by.at
    asked.save()
    site = asked.case.site
    line = facts.register(
        Line(
            region=site.region,
            prefix=asked.address,
            port_low=asked.port,
            port_high=asked.port,
            carrier=asked.question.agency,
            holder_name=asked.holder_name,
            enterprise=enterprise_by_uscc(asked.uscc) if asked.uscc else None,
            premises=_premises(asked, said),
            valid_from=asked.first_at,
            valid_to=asked.last_at,
        ),
        said,
    )
    register.link(site, line, said)
    return 1


def _premises(asked: Asked, said: Said) -> Premises | None:
    if not asked.installed_at:
        return None
    return facts.register(Premises(region=asked.case.site.region, address=asked.installed_at), said)


def _close_answered(question: Question, by: By) -> None:
    if not Asked.objects.filter(question=question, answered_at=None).exists():
        question.ended_at = by.at
        question.save(update_fields=["ended_at"])
