"""The OpenAPI 3.1 document of the routes, made from their declarations. No function imports this."""

from collections import defaultdict
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from kindling import errors as tree
from kindling.entry.answers.operations import Accepted
from kindling.entry.request import MAX_KEY_LENGTH
from kindling.entry.route import REPLAYABLE, Route
from kindling.errors import KindlingError, ProviderError

REF = "#/components/schemas/{model}"
Json = dict[str, Any]
References = Any  # by model and mode, as pydantic makes them

# What any route may answer, and any route that asks for a key.
ALWAYS = (tree.InvalidRequest, tree.PayloadTooLarge, KindlingError, tree.StoreUnavailable)
WITH_KEY = (tree.Unauthorized, tree.Forbidden, tree.QuotaExceeded, tree.UnsupportedMediaType)
WITH_IDEMPOTENCY_KEY = (tree.RequestRunning, tree.IdempotencyKeyReused)

ERROR = {
    "type": "object",
    "description": "An error. Some errors have further fields, such as `fields` or `retry_after_seconds`.",
    "required": ["error", "message", "request_id"],
    "properties": {
        "error": {"type": "string", "description": "The code, for programs."},
        "message": {"type": "string", "description": "A sentence, for people."},
        "request_id": {"type": "string", "description": "The value of the X-Request-ID header."},
    },
    "additionalProperties": True,
}
HEADERS: dict[str, Json] = {
    "X-Request-ID": {
        "description": "The id of the request, as the logs have it.",
        "required": True,
        "schema": {"type": "string"},
    },
    "Retry-After": {
        "description": "Seconds after which the request may work.",
        "required": True,
        "schema": {"type": "integer", "minimum": 1},
    },
    "Location": {"description": "Where to ask for the operation.", "required": True, "schema": {"type": "string"}},
}


def build(routes: Iterable[Route], version: str, examples: dict[str, Any]) -> Json:
    """The document. `examples` are request bodies by the name of the route's function."""
    routes = sorted(routes, key=lambda route: (route.path, route.method))
    models: dict[tuple[type[BaseModel], Any], None] = {}
    for route in routes:
        models |= {(model, "validation"): None for model in (route.body, route.query) if model}
        models |= {(answer, "serialization"): None for answer in route.answers if _is_json(answer)}
    references, definitions = models_json_schema(list(models), ref_template=REF)
    paths: dict[str, Json] = defaultdict(dict)
    for route in routes:
        paths[route.path][route.method.lower()] = _operation(route, references, definitions["$defs"], examples)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Kindling",
            "version": version,
            "summary": "A self-hosted control plane for email senders.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in sorted({route.tag for route in routes})],
        "paths": dict(paths),
        "components": {
            "headers": HEADERS,
            "schemas": {"Error": ERROR, **definitions["$defs"]},
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "An API key, `kd_live_…` or `kd_test_…`."}
            },
        },
    }


def _operation(route: Route, references: References, definitions: Json, examples: dict[str, Any]) -> Json:
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}} for name in _placeholders(route)
    ]
    if route.query:
        schema = definitions[_name(references[route.query, "validation"])]
        required = schema.get("required", [])
        parameters += [
            {"name": name, "in": "query", "required": name in required, "schema": part}
            for name, part in schema["properties"].items()
        ]
    if route.scope and route.method in REPLAYABLE:
        parameters.append(_header("Idempotency-Key", "The first answer is repeated for 24 hours.", MAX_KEY_LENGTH))
    if Accepted in route.answers:
        parameters.append(_header("Prefer", "`respond-async` does not wait for the saga."))
    operation: Json = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": route.summary,
        "parameters": parameters,
        "responses": {**_successes(route, references), **_failures(route)},
        "security": [{"key": []}] if route.scope else [],
    }
    if route.scope:
        operation["description"] = f"Needs a key with the scope `{route.scope}`."
    if route.body:
        reference = references[route.body, "validation"]
        content: Json = {"schema": reference}
        if route.name in examples:
            content["example"] = examples[route.name]
        required = bool(definitions[_name(reference)].get("required"))
        operation["requestBody"] = {"required": required, "content": {"application/json": content}}
    return operation


def _successes(route: Route, references: References) -> dict[str, Json]:
    responses: dict[str, Json] = {}
    for answer in route.answers:
        schema = references[answer, "serialization"] if _is_json(answer) else {"type": "string"}
        headers = _headers("X-Request-ID", *(["Location"] if answer is Accepted else []))
        responses[str(int(answer.http_status))] = {
            "description": (answer.__doc__ or "").partition("\n")[0],
            "headers": headers,
            "content": {answer.content_type: {"schema": schema}},
        }
    return responses


def _failures(route: Route) -> dict[str, Json]:
    codes: dict[HTTPStatus, set[str]] = defaultdict(set)
    for error in errors_of(route):
        codes[error.status].add(error.code)
    responses = {}
    for status, names in sorted(codes.items()):
        waits = status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
        headers = _headers("X-Request-ID", *(["Retry-After"] if waits else []))
        if status == HTTPStatus.BAD_GATEWAY:
            # Some providers name a wait with a 429.
            headers["Retry-After"] = HEADERS["Retry-After"] | {"required": False}
        known = {"properties": {"error": {"enum": sorted(names)}}}
        schema = {"allOf": [{"$ref": REF.format(model="Error")}, known]}
        responses[str(int(status))] = {
            "description": status.phrase,
            "headers": headers,
            "content": {"application/json": {"schema": schema}},
        }
    return responses


def errors_of(route: Route) -> set[type[KindlingError]]:
    """Every error that the route may answer. A provider's error stands for all of its kinds."""
    errors: set[type[KindlingError]] = {*ALWAYS, *route.errors}
    if route.scope:
        errors |= {*WITH_KEY}
        if route.method in REPLAYABLE:
            errors |= {*WITH_IDEMPOTENCY_KEY}
    if ProviderError in errors:
        errors |= _kinds(ProviderError)
    return errors


def _kinds(error: type[KindlingError]) -> set[type[KindlingError]]:
    kinds = {error}
    for kind in error.__subclasses__():
        kinds |= _kinds(kind)
    return kinds


def _is_json(answer: Any) -> bool:
    return bool(answer.content_type == "application/json")


def _placeholders(route: Route) -> list[str]:
    return [part[1:-1] for part in route.path.split("/") if part.startswith("{")]


def _headers(*names: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _header(name: str, description: str, longest: int | None = None) -> Json:
    schema = {"type": "string"} | ({"minLength": 1, "maxLength": longest} if longest else {})
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


def _name(reference: Json) -> str:
    return str(reference["$ref"]).rpartition("/")[2]
