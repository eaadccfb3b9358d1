"""A web view of a worker: what it and the others of its group have to do, for machines.

Any worker may be asked: it asks all that own partitions, as far as it knows of them, and tells what
those say who answer in time. Nobody waits for a dead one for longer.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec
from aiohttp import ClientError, ClientTimeout
from yarl import URL

from streamapp.keys import LOAD_PATH
from streamapp.progress import GroupLoad, WorkerLoad

if TYPE_CHECKING:
    from faust import App
    from faust.web import Request, Response, View

    from streamapp.stream.detect import Detection
    from streamapp.stream.tally import Tallied
    from streamapp.topics import Topics

ASKED = "X-Streamapp-Asked"
"""Set on a request of another worker, which wants to know of this one alone."""

_TIMEOUT = ClientTimeout(total=1)


def register(app: App, *, topics: Topics, tallied: Tallied, detection: Detection) -> None:
    """Attach the view to the app's web server."""

    def own() -> WorkerLoad:
        return WorkerLoad(
            of=topics.partitions,
            partitions=tallied.loads.told(topics.partitions, tallied.ownership.answers_for),
            active={lane: photos for lane, photos in detection.active.items() if photos},
        )

    @app.page(LOAD_PATH)
    async def load(view: View, request: Request) -> Response:
        workers = {str(app.conf.canonical_url): own()}
        if ASKED not in request.headers:
            others = {str(url) for url in app.router.tables_metadata()} - workers.keys()
            told = await asyncio.gather(*(_ask(app, each) for each in sorted(others)))
            workers |= {name: each for answer in told for name, each in answer.items()}
        body = msgspec.json.encode(GroupLoad(workers=workers))
        return view.bytes(
            body, content_type="application/json", headers={"Cache-Control": "no-store"}
        )


async def _ask(app: App, url: str) -> dict[str, WorkerLoad]:
    """What another worker tells; nothing when it does not answer."""
    try:
        async with app.http_client.get(
            URL(url).with_path(LOAD_PATH), headers={ASKED: "1"}, timeout=_TIMEOUT
        ) as answer:
            if answer.status != HTTPStatus.OK:
                return {}
            return msgspec.json.decode(await answer.read(), type=GroupLoad).workers
    except (ClientError, TimeoutError, msgspec.MsgspecError):
        return {}
