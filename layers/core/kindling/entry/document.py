"""The OpenAPI 3.1 document of the routes, made from their declarations. No function imports this."""

import csv
import io
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from kindling import errors as tree
from kindling.entry.answers.operations import Accepted
from kindling.entry.request import MAX_KEY_LENGTH
from kindling.entry.route import REPLAYABLE, Route
from kindling.errors import KindlingError, ProviderError

Json = dict[str, Any]
References = Any  # by model and mode, as pydantic makes them

PATH_PARAMETERS = {
    "account_id": "The account's id.",
    "domain_id": "The domain's id; under `/v1` its name, too.",
    "email": "The address.",
    "email_id": "The message's id in the log.",
    "job_id": "The import's id.",
    "key_id": "The key's id.",
    "operation_id": "The operation's id.",
    "webhook_id": "The webhook's id.",
}
IN_PATH = {"type": "string", "minLength": 1, "pattern": "^[^/]+$"}
REF = "#/components/schemas/{model}"

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
HEADERS: Json = {
    "X-Request-ID": {"description": "The id of the request, as the logs have it.", "schema": {"type": "string"}},
    "Retry-After": {
        "description": "Seconds after which the request may work.",
        "schema": {"type": "integer", "minimum": 1},
    },
    "Location": {"description": "Where to ask for the operation.", "schema": {"type": "string"}},
    "Idempotent-Replayed": {
        "description": "Present on an answer that was given before, under the same `Idempotency-Key`.",
        "schema": {"const": "true"},
    },
    "ETag": {"description": "Names this version; send it in `If-None-Match`.", "schema": {"type": "string"}},
    "Cache-Control": {"description": "How long it may be kept.", "schema": {"type": "string"}},
    "Content-Security-Policy": {"description": "What the page may load: nothing else.", "schema": {"type": "string"}},
}
ABOUT = """Every answer has `X-Request-ID`. Errors have one shape: a code, a sentence and the request's id.

A POST or PATCH with an `Idempotency-Key` is carried out once; the first answer is repeated for 24 hours. Creations and
deletions that take longer answer 202 with the `Location` of their operation, at once with `Prefer: respond-async`. What
is not understood, be it a field or a parameter, is refused."""
TAGS = {
    "about": "The API itself.",
    "accounts": "Email accounts: an inbox, its warmup and its status.",
    "audit": "Which key asked for which change, when, and what was answered.",
    "cleanups": "Resources of deleted rows that are still to be removed at the providers.",
    "domains": "Sending domains: registration, DNS records and verification; the same in both families of paths.",
    "health": "Whether the API answers.",
    "inventory": "What the providers hold and no row names.",
    "keys": "API keys: their scopes, their end and their replacement.",
    "messages": "The log of sent messages: to whom, and what became of them.",
    "operations": "Creations and deletions that go on after their answer.",
    "sending": "Messages, admitted by the limits of their domain's phase.",
    "stats": "What became of a domain's messages.",
    "suppressions": "Addresses that no message is sent to.",
    "warming": "Phases and limits of a domain's volume, and the schedule that they follow.",
    "webhooks": "Events of a tenant, sent to its own URLs; and what the mail provider reports.",
}


@dataclass(frozen=True)
class Examples:
    """What tests have sent and been answered: bodies by operation, by operation and status, and by the error's code."""

    requests: Json
    answers: dict[str, Json]
    errors: Json


def build(routes: Iterable[Route], version: str, examples: Examples) -> Json:
    """The document."""
    routes = sorted(routes, key=lambda route: (route.path, route.method))
    models: dict[tuple[type[BaseModel], Any], None] = {}
    for route in routes:
        models |= {(model, "validation"): None for model in (route.body, route.query) if model}
        models |= {(answer, "serialization"): None for answer in route.answers if _is_json(answer)}
    references, definitions = models_json_schema(list(models), ref_template=REF)
    paths: dict[str, Json] = defaultdict(dict)
    for route in routes:
        paths[route.path][route.method.lower()] = _operation(route, references, definitions["$defs"], examples)
    # Parameters are described one by one, where they are taken.
    queries = {_name(references[route.query, "validation"]) for route in routes if route.query}
    shown = {name: schema for name, schema in definitions["$defs"].items() if name not in queries}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Kindling",
            "version": version,
            "summary": "A self-hosted control plane for email senders.",
            "description": ABOUT,
            "contact": {"name": "The operator of this deployment"},
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag, "description": TAGS[tag]} for tag in sorted({route.tag for route in routes})],
        "paths": dict(paths),
        "components": {
            "examples": {code: {"value": body} for code, body in sorted(examples.errors.items())},
            "headers": {name: {**header, "required": True} for name, header in HEADERS.items()},
            "schemas": {"Error": ERROR, **shown},
            "securitySchemes": {
                "key": {"type": "http", "scheme": "bearer", "description": "An API key, `kd_live_…` or `kd_test_…`."}
            },
        },
    }


def _operation(route: Route, references: References, definitions: Json, examples: Examples) -> Json:
    parameters: list[Json] = [
        {"name": name, "in": "path", "required": True, "description": PATH_PARAMETERS[name], "schema": IN_PATH}
        for name in route.placeholders
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
    if Accepted in route.answers and len(route.answers) > 1:
        parameters.append(_header("Prefer", "`respond-async` does not wait for the saga."))
    operation: Json = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": route.summary,
        "parameters": parameters,
        "responses": {**_successes(route, references, examples), **_failures(route, examples)},
        "security": [{"key": []}] if route.scope else [],
        "description": f"Needs a key with the scope `{route.scope}`." if route.scope else "Needs no key.",
    }
    if route.body:
        reference = references[route.body, "validation"]
        content: Json = {"schema": reference}
        if route.name in examples.requests:
            content["example"] = examples.requests[route.name]
        required = bool(definitions[_name(reference)].get("required"))
        operation["requestBody"] = {"required": required, "content": {"application/json": content}}
        if route.csv:
            text = {"type": "string", "description": f"A line of field names, then a line for each of `{route.csv}`."}
            rows = examples.requests[route.name][route.csv]
            operation["requestBody"]["content"]["text/csv"] = {"schema": text, "example": _as_csv(rows)}
    return operation


def _successes(route: Route, references: References, examples: Examples) -> dict[str, Json]:
    responses: dict[str, Json] = {}
    replayed = ("Idempotent-Replayed",) if route.scope and route.method in REPLAYABLE else ()
    for answer in route.answers:
        status = str(int(answer.http_status))
        content: Json = {"schema": references[answer, "serialization"] if _is_json(answer) else {"type": "string"}}
        if status in examples.answers.get(route.name, {}):
            content["example"] = examples.answers[route.name][status]
        responses[status] = {
            "description": (answer.__doc__ or "").partition("\n")[0],
            "headers": {
                **_headers("X-Request-ID", *answer.header_names),
                **_rare_headers(*answer.rare_header_names, *replayed),
            },
        }
        if answer.content_type:
            responses[status]["content"] = {answer.content_type.partition(";")[0]: content}
    return responses


def _failures(route: Route, examples: Examples) -> dict[str, Json]:
    codes: dict[HTTPStatus, set[str]] = defaultdict(set)
    for error in errors_of(route):
        codes[error.status].add(error.code)
    responses = {}
    for status, names in sorted(codes.items()):
        waits = status in (HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE)
        headers = _headers("X-Request-ID", *(["Retry-After"] if waits else []))
        if status == HTTPStatus.BAD_GATEWAY:
            # Some providers name a wait with a 429.
            headers |= _rare_headers("Retry-After")
        known = {"properties": {"error": {"enum": sorted(names)}}}
        content = {
            "schema": {"allOf": [{"$ref": REF.format(model="Error")}, known]},
            "examples": {
                name: {"$ref": f"#/components/examples/{name}"} for name in sorted(names) if name in examples.errors
            },
        }
        responses[str(int(status))] = {
            "description": status.phrase,
            "headers": headers,
            "content": {"application/json": content},
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


def _as_csv(rows: list[dict[str, str]]) -> str:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(dict.fromkeys(name for row in rows for name in row)), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue()


def _is_json(answer: Any) -> bool:
    return bool(answer.content_type == "application/json")


def _headers(*names: str) -> Json:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


def _rare_headers(*names: str) -> Json:
    return {name: {**HEADERS[name], "required": False} for name in names}


def _header(name: str, description: str, longest: int | None = None) -> Json:
    schema = {"type": "string"} | ({"minLength": 1, "maxLength": longest} if longest else {})
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema}


def _name(reference: Json) -> str:
    return str(reference["$ref"]).rpartition("/")[2]
