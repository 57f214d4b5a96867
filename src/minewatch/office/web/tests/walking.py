"""Walking all routes as one account: what is sent, what comes back, what was written."""

import hashlib
import io
import json
import re
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from itertools import product
from typing import Any
from uuid import UUID

import pyarrow.parquet as pq
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection, transaction
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, URLResolver, get_resolver, reverse

from minewatch.office.platform.models import Token, User
from minewatch.office.platform.scope import Scoped
from minewatch.office.register.exports.models import Export
from minewatch.office.web.api.interface import document
from minewatch.office.web.listing import exports
from minewatch.office.web.panels import OVERVIEW, PANELS
from minewatch.office.web.tests.planting import PLANTED_IN, SECOND, Bed, Land, planted_models

MARKER = re.compile(r"Z[A-H]Q\d{4}|10\.1\d\.1\d\d\.1\d\d")
REFUSED = (401, 403, 404)
CLEAR_BY_DUTY = ("field_pack",)
"""Routes that give protected fields to whom they are needed by, and note that they did."""
_WRITE = re.compile(r'^\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+"?(\w+)', re.IGNORECASE)
_CHANGING = re.compile(r'(name="csrfmiddlewaretoken" value=|"X-CSRFToken": ?)"[^"]*"')
HTMX = {"HX-Request": "true"}

Values = Callable[[Bed], list[Any]]
ARGUMENTS: dict[str, Values] = {
    "number": lambda bed: [bed.pk, bed.key],
    "code": lambda bed: [bed.key, bed.agency.code],
    "key": lambda bed: [bed.pk, bed.key],
    "prefix": lambda bed: [bed.plant(Token).prefix],
    "first": lambda bed: [bed.pk],
    "second": lambda bed: [bed.pk + SECOND],
    "delivery": lambda bed: [bed.pk],
    "file": lambda bed: [bed.pk],
    "client_id": lambda bed: [str(UUID(int=bed.pk))],
    "username": lambda bed: [bed.accounts["officer"].username],
    "kind": lambda _bed: ["enterprise", "site", "enterprises", "sites"],
    "import_template.kind": lambda _bed: ["site", "machines"],
    "form": lambda _bed: ["csv", "xlsx"],
    "phase": lambda _bed: ["operating", "construction"],
    "change": lambda _bed: ["roles", "place", "suspend", "restore", "unlock", "second-factor", "supervisor"],
    "site_panel.key": lambda _bed: [panel.key for panel in PANELS],
    "overview_panel.key": lambda _bed: [panel.key for panel in OVERVIEW],
}
"""What a parameter of a route may be in a bed: by name, or by route and name. A new one is added here."""


@dataclass(frozen=True)
class Route:
    """A route: its name with the namespace, its view, its parameters with the class of their converter."""

    name: str
    view: Any
    pattern: str
    parameters: tuple[tuple[str, str], ...]

    @property
    def is_of_the_api(self) -> bool:
        return self.name.startswith("api:")

    @property
    def is_foreign(self) -> bool:
        """Tell whether it is a page of the own account that a library brings."""
        return self.view.__module__.startswith("allauth.")

    def unknown(self) -> list[str]:
        """Return the parameters for which the walk has no value."""
        return [name for name, _kind in self.parameters if self._values(name) is None]

    def addresses(self, bed: Bed) -> list[str]:
        """Return the addresses of the route in a bed; one where it has no parameters."""
        found = []
        for values in product(*(self._fitting(name, kind, bed) for name, kind in self.parameters)):
            named = dict(zip((name for name, _kind in self.parameters), values, strict=True))
            try:
                found.append(reverse(self.name, kwargs=named))
            except NoReverseMatch:
                continue
        return list(dict.fromkeys(found))

    def _values(self, name: str) -> Values | None:
        return ARGUMENTS.get(f"{self.name}.{name}") or ARGUMENTS.get(name)

    def _fitting(self, name: str, kind: str, bed: Bed) -> list[Any]:
        values = self._values(name)
        wanted = int if kind == "IntConverter" or self._told(name).get("type") == "integer" else str
        choices = self._told(name).get("enum")
        found = [one for one in (values(bed) if values else []) if isinstance(one, wanted)]
        return [one for one in found if one in choices] if choices else found

    def query(self, bed: Bed) -> str:
        """Return the parameters without which the programming interface does not answer."""
        given = {"purpose": "walk", "form": "csv"}
        needed = [one for one in self._parameters() if one["in"] == "query" and one.get("required")]
        return "&".join(f"{one['name']}={given.get(one['name'], bed.key)}" for one in needed)

    def _told(self, name: str) -> dict[str, Any]:
        return next((one["schema"] for one in self._parameters() if one["name"] == name), {})

    def _parameters(self) -> list[dict[str, Any]]:
        path = "/" + re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", self.pattern)
        methods = told_paths().get(path, {}) if self.is_of_the_api else {}
        return [one for method in methods.values() for one in method.get("parameters", ())]


@cache
def told_paths() -> dict[str, Any]:
    """Return what the programming interface tells of its paths."""
    found: dict[str, Any] = document()["paths"]
    return found


@cache
def routes() -> tuple[Route, ...]:
    """Return all routes that have a name."""
    return tuple(_routes(get_resolver(), "", "", ()))


def _routes(
    resolver: URLResolver, space: str, before: str, above: tuple[tuple[str, str], ...]
) -> Iterator[Route]:
    for entry in resolver.url_patterns:
        pattern = before + str(entry.pattern)
        kinds = getattr(entry.pattern, "converters", {}) or dict.fromkeys(entry.pattern.regex.groupindex)
        here = above + tuple((name, type(kind).__name__) for name, kind in kinds.items())
        if isinstance(entry, URLResolver):
            yield from _routes(entry, f"{entry.namespace}:" if entry.namespace else space, pattern, here)
        elif isinstance(entry, URLPattern) and entry.name:
            yield Route(space + entry.name, entry.callback, pattern, here)


@dataclass
class Answer:
    """What came back: status, all the text in it, and the tables that were written to."""

    address: str
    status: int
    text: str
    written: set[str]
    sent: str = ""

    def markers(self) -> set[str]:
        """Return the markers in the text, without those that were sent."""
        return set(MARKER.findall(self.text)) - set(MARKER.findall(self.address + self.sent))

    def same(self) -> str:
        """Return the text without what is drawn anew for each answer."""
        return _CHANGING.sub("", self.text)


@dataclass
class Walker:
    """An account that walks; ``key`` is that of its token for the programming interface."""

    land: Land
    user: User
    client: Client
    key: str = ""
    faults: list[str] = field(default_factory=list)
    opened: set[str] = field(default_factory=set)
    taken: int = 0

    def __post_init__(self) -> None:
        self.before = {model: self._state(model) for model in planted_models()}

    def get(
        self, route: Route, address: str, query: str = "", headers: dict[str, str] | None = None
    ) -> Answer:
        needed = route.query(self.land.beds[PLANTED_IN[0]])
        query = query or (f"?{needed}" if needed else "")
        return self._send("GET", route, address + query, headers=self._headers(route) | (headers or {}))

    def read(self, route: Route, address: str) -> Any:
        """Return the answer to a request as it is."""
        needed = route.query(self.land.beds[PLANTED_IN[0]])
        return self.client.get(address + (f"?{needed}" if needed else ""), headers=self._headers(route))

    def post(self, route: Route, address: str, data: dict[str, Any]) -> Answer:
        if route.is_of_the_api:
            return self._send(
                "POST",
                route,
                address,
                data=json.dumps(data),
                content_type="application/json",
                headers=self._headers(route),
            )
        return self._send("POST", route, address, data=data, headers={})

    def take(self, route: Route, address: str, said: dict[str, str]) -> None:
        """Ask for a list as a file, have it made as a worker does, and look at the file."""
        with transaction.atomic(), _writes() as written:
            self.client.post(address, {"do": "export", "purpose": "walk", **said})
            export = Export.objects.filter(user=self.user, purpose="walk").first()
            if export is not None:
                exports.make.func(export.pk, export.work_id)
                got = self.client.get(f"/exports/{export.pk}/")
                answer = Answer(f"export of {address} {said}", got.status_code, text_of(got), written)
                self._look(answer, route, sees_all="clear" in said and self.user.has_perm("register.unmask"))
                self.taken += got.status_code == 200
            transaction.set_rollback(True)

    def _headers(self, route: Route) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.key}"} if route.is_of_the_api else {}

    def _send(self, method: str, route: Route, address: str, **named: Any) -> Answer:
        """Send a request, look at the answer, and take back what it did."""
        with transaction.atomic(), _writes() as written:
            sending = self.client.get if method == "GET" else self.client.post
            got = sending(address, **named)
            answer = Answer(
                f"{method} {address}", got.status_code, text_of(got), written, repr(named.get("data", ""))
            )
            for model in planted_models():
                if model._meta.db_table in written and self._state(model) != self.before[model]:
                    self.faults.append(f"{answer.address}: {got.status_code} changed {model.__name__}")
            transaction.set_rollback(True)
        self._look(answer, route, sees_all=method == "POST" and self.user.has_perm("register.unmask"))
        return answer

    def _look(self, answer: Answer, route: Route, *, sees_all: bool) -> None:
        if answer.status == 200:
            self.opened.add(route.name)
        if answer.status >= 500:
            self.faults.append(f"{answer.address}: {answer.status}")
        inside = {bed.code for bed in self.land.inside(self.user)}
        for text in answer.markers() & set(self.land.markers):
            marker = self.land.markers[text]
            if self.user.administers and marker.field.startswith("platform."):
                continue
            if marker.bed not in inside:
                self.faults.append(f"{answer.address}: {text}, {marker.field} of {marker.bed}")
            elif marker.is_protected and not sees_all and route.name not in CLEAR_BY_DUTY:
                self.faults.append(f"{answer.address}: {text}, {marker.field} in the clear")

    def _state(self, model: type[Any]) -> str:
        """Return a digest of the rows of a model that the account may not change."""
        rows = self._outside(model).order_by("pk").values_list()
        return hashlib.sha256(repr(list(rows)).encode()).hexdigest()

    def _outside(self, model: type[Any]) -> Any:
        rows = model._base_manager.all()
        if self.user.administers and model._meta.app_label == "platform":
            return rows.none()
        if issubclass(model, Scoped) and not self.user.administers:
            return rows.exclude(**{f"{model.region_lookup}__path__startswith": self.user.region.path})
        beds = self.land.outside(self.user)
        return rows.filter(
            pk__in=[row.pk for bed in beds for (kind, _), row in bed.rows.items() if kind is model]
        )

    @property
    def has_every_role(self) -> bool:
        """Tell whether it is one of the accounts that see most."""
        return self.user == self.land.accounts.get(self.user.region.code, {}).get("all")

    def foreign(self) -> Bed | None:
        """Return a bed that the account does not see."""
        return next(iter(self.land.outside(self.user)), None)


@contextmanager
def _writes() -> Iterator[set[str]]:
    tables: set[str] = set()

    def noting(execute: Any, sql: str, *rest: Any) -> Any:
        if found := _WRITE.match(sql):
            tables.add(found[1])
        return execute(sql, *rest)

    with connection.execute_wrapper(noting):
        yield tables


def text_of(response: Any) -> str:
    """Return all the text of an answer: its headers, and its content, that of packed files unpacked."""
    content = b"".join(response.streaming_content) if response.streaming else response.content
    told = " ".join(f"{name}: {value}" for name, value in response.items())
    if content[:2] == b"PK":
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = [archive.read(name) for name in archive.namelist() if not name.startswith("docProps/")]
        content = b"\n".join(parts)
    elif content[:4] == b"PAR1":
        content = repr(pq.read_table(io.BytesIO(content)).to_pylist()).encode()
    return told + content.decode("utf-8", "replace")


class _Forms(HTMLParser):
    """The fields of the forms of a page that are posted."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, tuple[str, list[str]]] = {}
        self._is_posted, self._select = False, ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        told = {name: value or "" for name, value in attrs}
        name = told.get("name", "")
        if tag == "form":
            self._is_posted = told.get("method", "").lower() == "post"
        elif not self._is_posted:
            return
        elif tag == "select":
            self._select = name
            self.fields[name] = ("select", [])
        elif tag == "option" and told.get("value") and self._select:
            self.fields[self._select][1].append(told["value"])
        elif tag in ("input", "textarea") and name:
            kind = told.get("type", "text") if tag == "input" else "textarea"
            self.fields.setdefault(name, (kind, []))[1].append(told.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""
        elif tag == "form":
            self._is_posted = False


def filled(page: str, bed: Bed) -> dict[str, Any]:
    """Return values for the forms of a page; those that name things name those of ``bed``."""
    forms = _Forms()
    forms.feed(page)
    said: dict[str, Any] = {"ids": [bed.pk], "confirm": "yes"}
    plain = {"number": bed.pk, "date": "2026-06-01", "datetime-local": "2026-06-01T10:00", "email": "a@b.cn"}
    for name, (kind, values) in forms.fields.items():
        if kind in ("hidden", "radio", "select", "submit", "checkbox"):
            said[name] = next((value for value in values if value), "on")
        elif kind == "file":
            said[name] = SimpleUploadedFile("walk.csv", f"code,name\n{bed.key},{bed.key}\n".encode())
        else:
            said[name] = plain.get(kind, bed.key)
    return said


@cache
def bodies() -> dict[str, dict[str, Any]]:
    """Return a body for each operation of the programming interface that takes one, by name of its route."""
    said = document()
    found = {}
    for path, methods in said["paths"].items():
        body = methods.get("post", {}).get("requestBody", {}).get("content", {}).get("application/json")
        if body:
            found[path] = _example(body["schema"], said["components"]["schemas"])
    return found


def _example(schema: dict[str, Any], known: dict[str, Any]) -> Any:  # noqa: PLR0911 - a return for each type
    if "$ref" in schema:
        return _example(known[schema["$ref"].rpartition("/")[2]], known)
    if "anyOf" in schema:
        return _example(schema["anyOf"][0], known)
    if "enum" in schema:
        return schema["enum"][0]
    match schema.get("type"):
        case "object":
            wanted = schema.get("required", ())
            return {
                name: _example(one, known)
                for name, one in schema.get("properties", {}).items()
                if name in wanted
            }
        case "array":
            return [_example(schema["items"], known)]
        case "integer" | "number":
            return 1
        case "boolean":
            return True
    return "2026-06-01T10:00:00Z" if schema.get("format") == "date-time" else "walk"


def body_for(address: str) -> dict[str, Any]:
    """Return a body for an address of the programming interface."""
    parts = address.strip("/").split("/")
    for path, body in bodies().items():
        pattern = path.strip("/").split("/")
        if len(pattern) == len(parts) and all(
            a == b or a.startswith("{") for a, b in zip(pattern, parts, strict=True)
        ):
            return dict(body)
    return {}
