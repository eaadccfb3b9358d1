"""The pages over HTTP: each by its name, and as JSON by ``.json`` or when that is what is accepted.

Links are relative, so that a proxy may put any path before them. A page runs no script and loads
nothing but its style; everything in it that came from outside is escaped.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from streamapp.stream.pages import (
    batches,
    errors,
    lanes,
    overview,
    partitions,
    services,
    tables,
    words,
)
from streamapp.stream.pages.gathering import REPORT_PATH

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from faust import App
    from faust.web import Request, Response, View

    from streamapp.stream.pages.gathering import Gathering
    from streamapp.stream.pages.report import Group, Report

PAGES: Mapping[str, Callable[[Group], msgspec.Struct]] = {
    "overview": overview.of,
    "batches": batches.of,
    "lanes": lanes.of,
    "partitions": partitions.of,
    "tables": tables.of,
    "services": services.of,
    "errors": errors.of,
}

REFRESH_S = 5

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "Vary": "Accept",
}


def register(app: App, *, gathering: Gathering, own: Callable[[], Report]) -> None:
    """Attach the pages to the app's web server."""
    templates = Environment(
        loader=PackageLoader("streamapp.stream.pages"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    templates.filters |= words.FILTERS
    for name in PAGES:
        _register_page(app, name, templates, gathering)

    @app.page(REPORT_PATH, name="report")
    async def report(view: View, _request: Request) -> Response:
        return _json(view, own())

    style = templates.get_template("status.css").render().encode()

    @app.page("/status.css", name="style")
    async def css(view: View, _request: Request) -> Response:
        headers = HEADERS | {"Cache-Control": "max-age=300"}
        return view.bytes(style, content_type="text/css", headers=headers)


def _register_page(app: App, name: str, templates: Environment, gathering: Gathering) -> None:
    template = templates.get_template(f"{name}.html")

    async def as_json(view: View, _request: Request) -> Response:
        group = await gathering()
        return _json(view, _told(group, PAGES[name](group)))

    async def as_accepted(view: View, request: Request) -> Response:
        if wants_json(request.headers.get("Accept", "")):
            return await as_json(view, request)
        group = await gathering()
        page = template.render(
            page=PAGES[name](group), group=group, name=name, pages=tuple(PAGES), refresh_s=REFRESH_S
        )
        headers = HEADERS | {"Content-Type": "text/html; charset=utf-8"}
        return view.bytes(page.encode(), headers=headers)

    app.page("/" if name == "overview" else f"/{name}", name=name)(as_accepted)
    app.page(f"/{name}.json", name=f"{name}.json")(as_json)


def wants_json(accept: str) -> bool:
    """Whether a client that accepts these wants JSON: it names that, and no HTML."""
    return "application/json" in accept and "text/html" not in accept


def _told(group: Group, page: msgspec.Struct) -> dict[str, Any]:
    workers = [report.worker for report in group.reports]
    return {"at": group.at, "workers": workers, "silent": group.silent} | {
        camel: getattr(page, field)
        for field, camel in zip(page.__struct_fields__, page.__struct_encode_fields__, strict=True)
    }


def _json(view: View, told: object) -> Response:
    body = msgspec.json.encode(told)
    return view.bytes(body, content_type="application/json", headers=dict(HEADERS))
