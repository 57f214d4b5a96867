"""The interface put together: its operations, and the OpenAPI document that describes them."""

from typing import Any

from django.http import HttpRequest, JsonResponse
from ninja import NinjaAPI

import minewatch
from minewatch.office.web.api import cases, intake, places, problems, register
from minewatch.office.web.api.doors import Bearer
from minewatch.office.web.api.once import HEADER

TITLE = "Minewatch"
_ABOUT = (
    "The office for other systems. Every request carries `Authorization: Bearer <key>`; a token is made in "
    "the console and never may more than its account. Protected fields come masked; who may unmask "
    "them says `purpose`. Lists go on with `cursor`. Errors are `application/problem+json`."
)
_PROBLEM = {"content": {problems.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}}}
_ALWAYS = {
    400: "Unreadable",
    401: "No valid token",
    403: "Not permitted",
    404: "Not there",
    422: "Does not fit",
}
_ALWAYS |= {429: "Too many requests", 503: "Busy"}
_WRITES = {409: "Refused in the present state", 413: "Too large"}

api = NinjaAPI(
    title=TITLE,
    version=minewatch.__version__,
    description=_ABOUT,
    urls_namespace="api",
    openapi_url="",
    docs_url="",
)
problems.tell(api)
for router in (places.router, register.router, cases.router, intake.router):
    api.add_router("", router)


@api.get("/openapi.json", include_in_schema=False)
def openapi(request: HttpRequest) -> JsonResponse:  # noqa: ARG001
    """Return the OpenAPI document; the gate lets everybody read it."""
    return JsonResponse(document())


def document() -> dict[str, Any]:
    """Return the OpenAPI document: each operation with its permission and the problems it may tell of."""
    schema: dict[str, Any] = api.get_openapi_schema(path_prefix="/api/v1/")
    schemas = schema["components"]["schemas"]
    schemas["Problem"] = problems.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= schemas["Problem"].pop("$defs")
    schema["components"]["securitySchemes"] = {"Token": {"type": "http", "scheme": "bearer"}}
    for (path, method), operation in _operations().items():
        told = schema["paths"][f"/api/v1{path}"][method]
        told |= {"security": [{"Token": []}], "x-permission": _permission(operation)}
        answers = {str(status): answer for status, answer in told["responses"].items()}
        told["responses"] = answers | _problems(method)
        if method == "post":
            told.setdefault("parameters", []).append(_key_parameter())
        if operation.response_models == {200: None}:
            told["responses"] = _problems(method) | {"200": _file(path)}
    return schema


def _operations() -> dict[tuple[str, str], Any]:
    return {
        (path, method.lower()): operation
        for _prefix, router in api._routers
        for path, view in router.path_operations.items()
        for operation in view.operations
        for method in operation.methods
        if operation.include_in_schema
    }


def _permission(operation: Any) -> str:
    return next((door.permission for door in operation.auth_callbacks if isinstance(door, Bearer)), "")


def _problems(method: str) -> dict[str, Any]:
    told = _ALWAYS | (_WRITES if method == "post" else {})
    return {str(status): {"description": text, **_PROBLEM} for status, text in sorted(told.items())}


def _file(path: str) -> dict[str, Any]:
    kinds = ["text/csv; charset=utf-8"] + ["application/vnd.apache.parquet"] * (path == "/labels")
    content = {kind: {"schema": {"type": "string", "format": "binary"}} for kind in kinds}
    return {"description": "The file", "content": content}


def _key_parameter() -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1, "maxLength": 200, "pattern": "^[A-Za-z0-9._:~-]+$"}
    text = "Done once: asked again with the same key, the same answer comes for two days"
    return {"in": "header", "name": HEADER, "required": False, "schema": schema, "description": text}
