"""Web views of a worker: the progress of a batch, from whichever worker owns it.

As the API tells it (JSON), and the table's whole row (msgpack, `progress.Progress`) for those who
need to know which photos.

Any worker may be asked. One that owns the batch's partition answers from its table; another passes
the request on to the owner; when there is none for the moment (a rebalance, a recovery) the answer
is 503 with Retry-After, never a stale one.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING

import msgspec
from aiohttp import ClientError, ClientTimeout
from faust.exceptions import ConsumerNotStarted
from yarl import URL

from streamapp import errors, progress
from streamapp.errors import Code, StreamappError
from streamapp.keys import STATUS_PATH, TABLE_PATH, batch_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from faust import App
    from faust.web import Request, Response, View

    from streamapp.stream.ownership import Ownership
    from streamapp.stream.rows import Rows
    from streamapp.topics import Topics

    Say = Callable[[View, bytes | None], Response]

_ROUTED = "X-Streamapp-Routed"
"""Set on a request that a worker passed on, so that two that disagree do not play ball."""

_ROUTE_TIMEOUT = ClientTimeout(total=2)
_RETRY_AFTER_S = 1
_JSON, _MSGPACK = "application/json", "application/msgpack"


def register(app: App, *, topics: Topics, rows: Rows, ownership: Ownership) -> None:
    """Attach the views to the app's web server."""

    async def owners_answer(view: View, request: Request, batch: str, say: Say) -> Response:
        key = batch_key(batch)
        partition = partition_of(app, topics, key)
        if partition is not None and ownership.answers_for(partition):
            return say(view, rows.get(key))
        if _ROUTED in request.headers or app.should_stop:
            return _problem(view, Code.PROGRESS_AWAY)
        return await _ask_owner(app, view, request, _owner(app, topics, partition))

    @app.page(f"{STATUS_PATH}/{{batch}}")
    async def batch_status(view: View, request: Request, batch: str) -> Response:
        return await owners_answer(view, request, batch, _say_status)

    @app.page(f"{TABLE_PATH}/{{batch}}")
    async def batch_row(view: View, request: Request, batch: str) -> Response:
        return await owners_answer(view, request, batch, _say_row)


def partition_of(app: App, topics: Topics, key: bytes) -> int | None:
    """Partition of a batch's key, the same in the batch log and in the table; None while unknown.

    The producer would answer too, but only once it has published to the topic.
    """
    try:
        return app.consumer.key_partition(topics.batches, key)
    except ConsumerNotStarted:
        return None


def _owner(app: App, topics: Topics, partition: int | None) -> URL | None:
    """Web address of the worker whose table has the partition, as far as this worker knows."""
    for url, assigned in app.router.tables_metadata().items():
        if partition in assigned.get(topics.progress_changelog, ()):
            return URL(url)
    return None


def told(row: bytes | None) -> progress.Status | None:
    """What a batch's row tells of it; None when another must be asked.

    A priority may be changed before a part is opened. How many photos there are is not known here
    then, but to the manifests. That a batch was cancelled is known here alone.
    """
    state = progress.decode(row) if row else None
    if state is None or not (state.is_opened or state.cancelled_at):
        return None
    return progress.status(state)


def _say_status(view: View, row: bytes | None) -> Response:
    status = told(row)
    if status is None:
        return _problem(view, Code.BATCH_UNKNOWN)
    body = msgspec.json.encode(progress.Answer(batch=status))
    return _bytes(view, body, HTTPStatus.OK, _JSON)


def _say_row(view: View, row: bytes | None) -> Response:
    if row is None:
        return _problem(view, Code.BATCH_UNKNOWN)
    return _bytes(view, row, HTTPStatus.OK, _MSGPACK)


async def _ask_owner(app: App, view: View, request: Request, owner: URL | None) -> Response:
    if owner is None:
        return _problem(view, Code.PROGRESS_AWAY)
    try:
        async with app.http_client.get(
            owner.with_path(request.url.path), headers={_ROUTED: "1"}, timeout=_ROUTE_TIMEOUT
        ) as answer:
            return _bytes(view, await answer.read(), answer.status, answer.content_type)
    except (ClientError, TimeoutError):
        # It died, or is this worker itself before it has recovered; Kafka will settle it.
        return _problem(view, Code.PROGRESS_AWAY)


def _problem(view: View, code: Code) -> Response:
    body = msgspec.json.encode(errors.problem(StreamappError(code)))
    return _bytes(view, body, code.status, errors.PROBLEM_TYPE)


def _bytes(view: View, body: bytes, status: int, content_type: str) -> Response:
    headers = {"Cache-Control": "no-store"}
    if status == HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(_RETRY_AFTER_S)
    return view.bytes(body, content_type=content_type, status=status, headers=headers)
