"""The OpenAPI 3.1 document of the uploader, made of its routes and of what they say of themselves.

A route that says nothing is a mistake, and the document is refused: nothing is there unsaid.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.convertors import IntegerConvertor
from starlette.routing import Route

from streamapp import errors
from streamapp.upload.operations import ATTRIBUTE, Answer, Operation, Problem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from starlette.routing import BaseRoute

    from streamapp.errors import Code
    from streamapp.upload.operations import Parameter, Schema

VERSION = "1.0.0"
DESCRIPTION = (
    "Photos in, face crops out. Every error is a problem (RFC 9457) with a stable `code`; "
    "503 comes with `Retry-After`."
)
COMPONENTS = "#/components/schemas/{name}"
RETRY_AFTER = {"Retry-After": "Seconds after which to come again."}
BATCH = {"type": "string", "pattern": "^[0-9a-f]{32}$"}


def document(routes: Iterable[BaseRoute], *, root_path: str = "") -> dict[str, Any]:
    """The document for those who reach the uploader under ``root_path``.

    Raises:
        LookupError: A route does not say what it does.
    """
    said = list(_said(routes))
    types = sorted({each for _, operations in said for each in _types(operations)}, key=str)
    named, components = msgspec.json.schema_components(types, ref_template=COMPONENTS)
    refs = dict(zip(types, named, strict=True))
    paths: dict[str, dict[str, Any]] = defaultdict(dict)
    for route, operations in said:
        item = paths[route.path_format]
        item["parameters"] = [_in_path(route, name) for name in route.param_convertors]
        item |= {name.lower(): _operation(each, refs) for name, each in operations.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": "streamapp", "version": VERSION, "description": DESCRIPTION},
        "servers": [{"url": root_path or "/"}],
        "paths": paths,
        "components": {"schemas": components},
    }


def _said(routes: Iterable[BaseRoute]) -> Iterator[tuple[Route, dict[str, Operation]]]:
    for route in routes:
        operations = getattr(getattr(route, "endpoint", None), ATTRIBUTE, None)
        if not isinstance(route, Route) or not operations:
            raise LookupError(f"{route} does not say what it does: see upload.operations")
        yield route, operations


def _types(operations: Mapping[str, Operation]) -> Iterator[type]:
    yield Problem
    for operation in operations.values():
        contents = [operation.bodies, *(each.content for each in operation.answers.values())]
        for content in contents:
            yield from (each for each in content.values() if isinstance(each, type))


def _operation(operation: Operation, refs: Mapping[type, dict[str, Any]]) -> dict[str, Any]:
    said: dict[str, Any] = {"summary": operation.summary}
    if operation.description:
        said["description"] = operation.description
    if operation.parameters:
        said["parameters"] = [_parameter(each) for each in operation.parameters]
    if operation.bodies:
        said["requestBody"] = {"required": True, "content": _content(operation.bodies, refs)}
    answers = {str(status): _answer(each, refs) for status, each in operation.answers.items()}
    said["responses"] = answers | _refusals(operation.refusals, refs)
    return said


def _answer(answer: Answer, refs: Mapping[type, dict[str, Any]]) -> dict[str, Any]:
    said: dict[str, Any] = {"description": answer.description}
    if answer.content:
        said["content"] = _content(answer.content, refs)
    if answer.headers:
        said["headers"] = {
            name: {"description": meaning, "schema": {"type": "string"}}
            for name, meaning in answer.headers.items()
        }
    return said


def _content(
    content: Mapping[str, Schema], refs: Mapping[type, dict[str, Any]]
) -> dict[str, dict[str, Any]]:
    return {
        kind: {"schema": refs[schema] if isinstance(schema, type) else schema}
        for kind, schema in content.items()
    }


def _refusals(codes: Iterable[Code], refs: Mapping[type, dict[str, Any]]) -> dict[str, Any]:
    by_status: dict[int, dict[str, str]] = defaultdict(dict)
    for code in codes:
        by_status[code.status][code.code] = code.sentence
    return {
        str(status): _answer(_refusal(status, sentences), {**refs, Problem: _with(refs, sentences)})
        for status, sentences in sorted(by_status.items())
    }


def _refusal(status: int, sentences: Mapping[str, str]) -> Answer:
    said = "\n".join(f"- `{code}`: {sentence}" for code, sentence in sentences.items())
    headers = RETRY_AFTER if status == errors.Code.STORE_AWAY.status else {}
    return Answer(said, {errors.PROBLEM_TYPE: Problem}, headers)


def _with(refs: Mapping[type, dict[str, Any]], sentences: Mapping[str, str]) -> dict[str, Any]:
    return {"allOf": [refs[Problem], {"properties": {"code": {"enum": list(sentences)}}}]}


def _parameter(parameter: Parameter) -> dict[str, Any]:
    return {
        "name": parameter.name,
        "in": parameter.place,
        "description": parameter.description,
        "required": parameter.required,
        "schema": parameter.schema,
    }


def _in_path(route: Route, name: str) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": "string", "minLength": 1}
    if name.startswith("batch"):
        schema = BATCH
    elif isinstance(route.param_convertors[name], IntegerConvertor) or name == "index":
        schema = {"type": "integer", "minimum": 0}
    return {"name": name, "in": "path", "required": True, "schema": schema}
