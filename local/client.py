"""Part of `make openapi`: what of the Python client and the command line is made of the OpenAPI document.

That is a model for every answer, a method for every operation, once for each of both clients, and a list of the
operations' fields, from which the command line makes its flags.
"""

import json
import keyword
import re
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

from kindling.entry.routes import DOCUMENT
from local.settings import ROOT

PACKAGES = ROOT / "client"
PLAIN = {"string": "str", "integer": "int", "number": "float", "boolean": "bool", "null": "None"}
WRITTEN = "# Written by `make openapi` from the OpenAPI document."
# Of the headers, those that a caller decides about; the client sends the others by itself.
HEADERS = {"Idempotency-Key": ("idempotency_key", "str | None", "None"), "Prefer": ("respond_async", "bool", "False")}
JSON = "application/json"
LINE = 110

Schema = dict[str, Any]


@cache
def document() -> dict[str, Any]:
    """The OpenAPI document as it is kept in the repository."""
    loaded: dict[str, Any] = json.loads(DOCUMENT.read_text())
    return loaded


def operations() -> Iterator[tuple[str, str, Schema]]:
    """Method, path and declaration of every operation, in the order of their names."""
    found = [(method, path, one) for path, methods in document()["paths"].items() for method, one in methods.items()]
    yield from sorted(found, key=lambda each: str(each[2]["operationId"]))


def _schema(name: str) -> Schema:
    schema: Schema = document()["components"]["schemas"][name]
    return schema


def _named(schema: Schema) -> str:
    return str(schema["$ref"]).rpartition("/")[2]


def _type(schema: Schema, models: str = "") -> str:
    """The annotation of a value; `models` qualifies the names of models."""
    if "$ref" in schema:
        return f"{'' if 'enum' in _schema(_named(schema)) else models}{_named(schema)}"
    if "anyOf" in schema:
        return " | ".join(_type(each, models) for each in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return f"Literal[{', '.join(map(repr, schema.get('enum') or [schema['const']]))}]"
    if schema.get("type") == "array":
        return f"list[{_type(schema['items'], models)}]"
    if schema.get("type") == "object":
        inner = schema.get("additionalProperties")
        return f"dict[str, {_type(inner, models) if isinstance(inner, dict) else 'Any'}]"
    return PLAIN[schema["type"]]


def _nullable(schema: Schema) -> bool:
    return {"type": "null"} in schema.get("anyOf", [])


def _identifier(name: str) -> str:
    return f"{name}_" if keyword.iskeyword(name) else name


def _docstring(text: str, indent: str = "    ") -> str:
    sentence = " ".join(text.split())
    first, _, rest = sentence.partition(". ")
    if len(sentence) <= LINE or not rest:
        return f'{indent}"""{sentence}"""\n'
    filled = textwrap.fill(rest, LINE, initial_indent=indent, subsequent_indent=indent)
    return f'{indent}"""{first}.\n\n{filled}\n{indent}"""\n'


def _references(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        if "$ref" in value:
            yield _named(value)
        for each in value.values():
            yield from _references(each)
    elif isinstance(value, list):
        for each in value:
            yield from _references(each)


def _body(operation: Schema) -> Schema:
    """The properties of the operation's JSON body; an empty schema when it takes none."""
    content = operation.get("requestBody", {}).get("content", {})
    return _schema(_named(content[JSON]["schema"])) if JSON in content else {}


def answers(operation: Schema) -> dict[int, str]:
    """The model of each success of an operation, by status. A page of HTML has none."""
    found = {}
    for status, answer in operation["responses"].items():
        schema = answer.get("content", {}).get(JSON, {}).get("schema") if status[0] == "2" else None
        if schema:
            found[int(status)] = _named(schema)
    return found


def _needed() -> list[str]:
    """The names of all schemas of answers, and of what the fields of bodies are made of."""
    waiting = [name for _, _, one in operations() for name in answers(one).values()]
    waiting += [
        name
        for _, _, one in operations()
        for name in _references([_body(one).get("properties", {}), one.get("parameters", [])])
    ]
    known: set[str] = set()
    while waiting:
        name = waiting.pop()
        if name not in known and name in document()["components"]["schemas"]:
            known.add(name)
            waiting += _references(_schema(name))
    return sorted(known)


def models() -> str:
    """The module of the models."""
    named = [(name, _schema(name)) for name in _needed()]
    lines = [
        f'"""What the API answers, and the objects that it takes."""\n\n{WRITTEN}\n\n',
        "from __future__ import annotations\n\nfrom typing import Annotated, Any, Literal\n\n",
        "from kindling_client.base import NEWER, Model\n\n",
    ]
    lines += [f"{name} = Annotated[{_type(schema)}, NEWER]\n" for name, schema in named if "enum" in schema]
    lines += [_class(name, schema) for name, schema in named if "enum" not in schema]
    return _formatted("".join(lines))


def _class(name: str, schema: Schema) -> str:
    text = f"\n\nclass {name}(Model):\n{_docstring(schema.get('description', 'Part of an answer.'))}\n"
    for field, kind in schema["properties"].items():
        default = "" if field in schema.get("required", []) else f" = {_default(kind)}"
        annotation = f"Annotated[{_type(kind)}, NEWER]" if "enum" in kind else _type(kind)
        text += f"    {_identifier(field)}: {annotation}{default}\n"
    return text


def _default(schema: Schema) -> str:
    """The default of an optional field. What is left out and made of models is not sent, so that it needs none."""
    default = schema.get("default")
    return repr(default) if not isinstance(default, (dict, list)) else "None  # type: ignore[assignment]"


def methods(*, asynchronous: bool) -> str:
    """The module with a method for every operation."""
    kind, title, first = ("Async", "asynchronous ", "async ") if asynchronous else ("", "", "")
    head = (
        f'"""A method for every operation of the API: the {title}client without what all calls have in common."""\n\n'
        f"{WRITTEN}\n\nfrom typing import Any, Literal, TypeVar\n\n"
        "from kindling_client import models\nfrom kindling_client.call import Call\n\n"
        f'T = TypeVar("T")\n\n\nclass {kind}Operations:\n'
        '    """The operations, by their names in the OpenAPI document. What is None is not sent."""\n\n'
        f"    {first}def _call(self, call: Call[T]) -> T:\n        raise NotImplementedError\n"
    )
    return _formatted(head + "".join(_method(*one, asynchronous=asynchronous) for one in operations()))


def _method(method: str, path: str, operation: Schema, *, asynchronous: bool) -> str:
    parameters = operation.get("parameters", [])
    placed = [one for one in parameters if one["in"] == "path"]
    queries = [one for one in parameters if one["in"] == "query"]
    headers = [one["name"] for one in parameters if one["in"] == "header"]
    body = _body(operation)
    keywords = [(one["name"], one["schema"], one["required"]) for one in queries]
    keywords += [(name, kind, name in body.get("required", [])) for name, kind in body.get("properties", {}).items()]
    signature = ["self", *(f"{one['name']}: str" for one in placed)]
    if keywords or headers:
        signature.append("*")
    for name, schema, required in sorted(keywords, key=lambda each: not each[2]):
        kind = _qualified(schema)
        optional = kind if kind.endswith("| None") else f"{kind} | None"
        signature.append(f"{_identifier(name)}: {kind if required else f'{optional} = None'}")
    signature += [f"{name}: {kind} = {default}" for name, kind, default in map(HEADERS.__getitem__, headers)]
    found = answers(operation)
    result = " | ".join(dict.fromkeys(f"models.{name}" for name in found.values())) or "str"
    described = ", ".join(f"{status}: models.{name}" for status, name in found.items())
    arguments = [f'"{method.upper()}"', f'"{path}"', f"{{{described}}}"]
    arguments += [f"path={_dictionary(one['name'] for one in placed)}"] if placed else []
    arguments += [f"query={_dictionary(one['name'] for one in queries)}"] if queries else []
    arguments += [f"body={_dictionary(body['properties'])}"] if body else []
    cleared = [name for name in body.get("required", []) if _nullable(body["properties"][name])]
    arguments += [f"cleared={tuple(cleared)}"] if cleared else []
    arguments += [f"{HEADERS[name][0]}={HEADERS[name][0]}" for name in headers]
    said = f"{operation['summary']}. {operation.get('description', '')}"
    first, rest = ("async ", "await ") if asynchronous else ("", "")
    return (
        f"\n    {first}def {operation['operationId']}({', '.join(signature)}) -> {result}:\n"
        f"{_docstring(said, ' ' * 8)}        return {rest}self._call(Call({', '.join(arguments)}))\n"
    )


def _qualified(schema: Schema) -> str:
    """The annotation of an argument."""
    text = _type(schema, "models.")
    return re.sub(r"(?<![\w.\"'])([A-Z]\w+)(?![\w\"'\[])", lambda found: _model(found[0]), text)


def _model(name: str) -> str:
    return f"models.{name}" if name in document()["components"]["schemas"] else name


def _dictionary(names: Any) -> str:
    return "{" + ", ".join(f'"{name}": {_identifier(name)}' for name in names) + "}"


def fields() -> str:
    """The operations and their fields, from which the command line makes its flags."""
    found = {}
    for method, path, operation in operations():
        body = _body(operation)
        known = [
            _field(one["name"], one["schema"], required=one["required"], description=one.get("description"))
            for one in operation.get("parameters", [])
            if one["in"] in ("path", "query")
        ]
        known += [
            _field(name, schema, required=name in body.get("required", []), description=schema.get("description"))
            for name, schema in body.get("properties", {}).items()
        ]
        waits = any(one["name"] == "Prefer" for one in operation.get("parameters", []))
        repeats = any(one["name"] == "Idempotency-Key" for one in operation.get("parameters", []))
        said = {"route": f"{method.upper()} {path}", "summary": operation["summary"]}
        said |= {"description": operation.get("description", "")}
        found[operation["operationId"]] = said | {"waits": waits, "repeats": repeats, "fields": known}
    return json.dumps(found, indent=1) + "\n"


def _field(name: str, schema: Schema, *, required: bool, description: str | None) -> dict[str, Any]:
    """A field as a flag sees it: one of few types, whether it may be repeated, and its values when they are known."""
    kind, values = schema, []
    if "anyOf" in kind:
        (kind,) = [one for one in kind["anyOf"] if one.get("type") != "null"]
    repeated = kind.get("type") == "array"
    kind = kind["items"] if repeated else kind
    if "$ref" in kind:
        kind = _schema(_named(kind))
    values = kind.get("enum", [])
    plain = "json" if kind.get("type") == "object" else PLAIN[kind["type"]]
    if required and _nullable(schema):
        plain = "json"
    shown = {"name": name, "type": plain, "required": required, "repeated": repeated}
    return shown | ({"values": values} if values else {}) | ({"description": description} if description else {})


def _formatted(text: str) -> str:
    command = [sys.executable, "-m", "ruff", "format", "--config", str(ROOT / "pyproject.toml"), "-"]
    return subprocess.run(command, input=text, capture_output=True, text=True, check=True).stdout


def files() -> dict[Path, str]:
    """What has to stand in each of the files."""
    return {
        PACKAGES / "kindling_client/models.py": models(),
        PACKAGES / "kindling_client/operations.py": methods(asynchronous=False),
        PACKAGES / "kindling_client/async_operations.py": methods(asynchronous=True),
        PACKAGES / "kindling_cli/operations.json": fields(),
    }


def main() -> int:
    """Write the files."""
    for path, text in files().items():
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
