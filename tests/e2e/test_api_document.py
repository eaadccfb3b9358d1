"""The uploader says itself what its addresses do, for machines and for people."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import httpx
import msgspec
import pytest
from jsonschema import Draft202012Validator
from starlette.responses import Response
from starlette.routing import Route

from streamapp.upload.openapi import document
from tests.e2e.upload_service import Surroundings, make_app, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from starlette.applications import Starlette
    from starlette.requests import Request

    from connectors.objects.folder import FolderStore


@pytest.fixture
def app(store: FolderStore, around: Surroundings) -> Starlette:
    return make_app(store, around)


def schemas(said: Any) -> Iterator[dict[str, Any]]:
    """All schemas in the document, wherever they are."""
    if isinstance(said, dict):
        for name, value in said.items():
            if name == "schema":
                yield value
            yield from schemas(value)
    elif isinstance(said, list):
        for each in said:
            yield from schemas(each)


def test_every_address_and_method_is_in_the_document(app: Starlette) -> None:
    paths = document(app.routes)["paths"]
    for route in app.routes:
        assert isinstance(route, Route)
        said = {each.upper() for each in paths[route.path_format]} - {"PARAMETERS"}
        methods = (route.methods or set()) - {"HEAD"}
        if "/uploads" in route.path:  # tus answers every method, by a refusal of its own
            assert said < {*methods, "HEAD"}
        else:
            assert said == methods


def test_an_address_that_does_not_say_what_it_does_is_a_mistake(app: Starlette) -> None:
    async def silent(_request: Request) -> Response:
        return Response()

    with pytest.raises(LookupError, match="does not say what it does"):
        document([*app.routes, Route("/api/silent", silent)])


def test_the_document_holds_together(app: Starlette) -> None:
    api = document(app.routes, root_path="/faces")
    assert api["openapi"] == "3.1.0"
    assert api["servers"] == [{"url": "/faces"}]
    named = api["components"]["schemas"]
    for schema in (*schemas(api["paths"]), *named.values()):
        Draft202012Validator.check_schema(schema)
    refs = set(re.findall(r"'#/components/schemas/(\w+)'", str(api)))
    assert refs <= named.keys()
    assert {"Problem", "Status", "QueueStatsAnswer"} <= refs | named.keys()
    ids = [api["paths"][path]["parameters"][0] for path in api["paths"] if "{batch}" in path]
    assert all(each["schema"]["pattern"] == "^[0-9a-f]{32}$" for each in ids)


def test_it_is_served_with_a_page_that_needs_nothing_else(app: Starlette) -> None:
    with serving(app, root_path="/faces") as url:
        told = httpx.get(f"{url}/openapi.json")
        page = httpx.get(f"{url}/docs")
    assert told.headers["content-type"] == "application/json"
    assert told.content == msgspec.json.encode(document(app.routes, root_path="/faces"))
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert not re.search(r"<script|<link|src=|https?:|onclick", page.text)
    assert "href=openapi.json" in page.text
    for path in told.json()["paths"]:
        assert f"<code>{path}</code>" in page.text


def test_the_page_shows_what_is_said_escaped(store: FolderStore, around: Surroundings) -> None:
    app = make_app(store, around)
    route = next(each for each in app.routes if getattr(each, "path", "") == "/live")
    assert isinstance(route, Route)
    operations = route.endpoint.operations  # type: ignore[attr-defined]  # see `described`
    operation = operations["GET"]._replace(summary="<b>x</b>", description="`<i>` & more")
    route.endpoint.operations = {"GET": operation}  # type: ignore[attr-defined]
    with serving(app) as url:
        page = httpx.get(f"{url}/docs").text
    assert "&lt;b&gt;x&lt;/b&gt;" in page
    assert "<code>&lt;i&gt;</code> &amp; more" in page
