"""``/openapi.json`` and ``/docs``: what the uploader's addresses do, for machines and for people.

The page is plain HTML made here of the document: nothing is fetched from elsewhere, no script runs.
"""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from html import escape
from typing import TYPE_CHECKING, Any

import msgspec
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from streamapp.upload.openapi import document
from streamapp.upload.operations import JSON, Answer, Operation, described, json

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from starlette.requests import Request

HTML = "text/html"
OPENAPI = Operation("This document", {200: json({"type": "object"}, "OpenAPI 3.1.")})
DOCS = Operation("This document, to browse", {200: Answer("A page.", {HTML: {"type": "string"}})})
METHODS = ("get", "put", "post", "delete", "options", "head", "patch")

STYLE = """
body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
summary{cursor:pointer;padding:.3rem 0}code,pre{font-family:ui-monospace,monospace}
pre{background:#8881;padding:.6rem;overflow:auto}details details{margin-left:1.2rem}
table{border-collapse:collapse}td,th{text-align:left;padding:.1rem .8rem .1rem 0;vertical-align:top}
b{display:inline-block;min-width:4.5rem}:root{color-scheme:light dark}
"""
_STYLE_HASH = b64encode(sha256(STYLE.encode()).digest()).decode()
HEADERS = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; base-uri 'none'; "
        "form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


def docs_routes() -> list[Route]:
    """The document, and the page."""

    @described(GET=OPENAPI)
    async def openapi(request: Request) -> Response:
        return Response(msgspec.json.encode(_of(request)), media_type=JSON)

    @described(GET=DOCS)
    async def docs(request: Request) -> Response:
        return HTMLResponse("".join(_page(_of(request))), headers=HEADERS)

    return [Route("/openapi.json", openapi), Route("/docs", docs)]


def _of(request: Request) -> dict[str, Any]:
    return document(request.app.routes, root_path=request.scope.get("root_path", ""))


def _page(api: Mapping[str, Any]) -> Iterator[str]:
    yield f"<!doctype html><html lang=en><meta charset=utf-8><title>{api['info']['title']}</title>"
    yield f'<meta name=viewport content="width=device-width"><style>{STYLE}</style>'
    yield f"<h1>{escape(api['info']['title'])}</h1><p>{_text(api['info']['description'])}</p>"
    yield "<p><a href=openapi.json>openapi.json</a></p><h2>Addresses</h2>"
    for path, item in api["paths"].items():
        for method in METHODS:
            if method in item:
                yield from _operation(method, path, item[method], item["parameters"])
    yield "<h2>Schemas</h2>"
    for name, schema in api["components"]["schemas"].items():
        yield f"<details id=schema-{escape(name)}><summary>{escape(name)}</summary>"
        yield f"{_code(schema)}</details>"


def _operation(
    method: str, path: str, said: Mapping[str, Any], of_path: list[dict[str, Any]]
) -> Iterator[str]:
    yield f"<details><summary><b>{method.upper()}</b><code>{escape(path)}</code> "
    yield f"{escape(said['summary'])}</summary><p>{_text(said.get('description', ''))}</p>"
    if parameters := [*of_path, *said.get("parameters", ())]:
        yield "<table>"
        for each in parameters:
            yield f"<tr><td><code>{escape(each['name'])}</code><td>in {each['in']}"
            yield f"<td>{_text(each.get('description', ''))}<td>{_code(each['schema'])}"
        yield "</table>"
    for kind, content in said.get("requestBody", {}).get("content", {}).items():
        yield f"<details><summary>Body: <code>{escape(kind)}</code></summary>"
        yield f"{_code(content['schema'])}</details>"
    for status, answer in said["responses"].items():
        yield f"<details><summary>{status}</summary><p>{_text(answer['description'])}</p>"
        for kind, content in answer.get("content", {}).items():
            yield f"<code>{escape(kind)}</code>{_code(content['schema'])}"
        yield "</details>"
    yield "</details>"


def _text(words: str) -> str:
    """Sentences with code between backticks, and lists; nothing else of Markdown."""
    pieces = escape(words).replace("\n- ", "<br>- ").split("`")
    return "".join(f"<code>{each}</code>" if n % 2 else each for n, each in enumerate(pieces))


def _code(schema: Mapping[str, Any]) -> str:
    return f"<pre>{escape(msgspec.json.format(msgspec.json.encode(schema)).decode())}</pre>"
