"""The addresses by which a batch under way is cancelled, or given another priority.

The answer comes when the event is durable in the batch log; the worker that owns the batch acts on
it. Of a batch that is done again it is the run under way that is cancelled: what was done before
stays. A batch that has ended is left as it is; to cancel one again is no error.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from starlette.routing import Route

from streamapp.errors import Code, StreamappError
from streamapp.events import BatchCancelled, PriorityChanged
from streamapp.keys import FIRST_RUN
from streamapp.progress import ENDED
from streamapp.upload import fields
from streamapp.upload.answers import json_answer, read_json, texts
from streamapp.upload.batch_ids import is_batch_id
from streamapp.upload.operations import (
    JSON,
    OF_BATCH,
    OF_JSON,
    Done,
    Operation,
    described,
    json,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from streamapp.progress import Status
    from streamapp.upload.chain import Chain
    from streamapp.upload.incoming_body import Watch
    from streamapp.upload.interfaces import ProgressSource, Publisher


CANCEL = Operation(
    "Cancel a batch, or the run of it that is under way",
    {200: json(Done, "No more of its photos are queued.")},
    "What was done before stays. Again, it is no error.",
    refusals=(*OF_BATCH, Code.BATCH_CLOSED, Code.KAFKA_AWAY),
)
PRIORITY = Operation(
    "Give a batch another priority",
    {200: json(Done, "What is queued from now on goes by it.")},
    bodies={
        JSON: {
            "type": "object",
            "properties": {"priority": {"type": "integer", "minimum": 1, "maximum": 10}},
            "required": ["priority"],
        }
    },
    refusals=(*OF_BATCH, *OF_JSON, Code.BATCH_CLOSED, Code.KAFKA_AWAY),
)


def control_routes(
    chain: Chain,
    source: ProgressSource,
    publisher: Publisher,
    watch: Watch,
    clock: Callable[[], float],
) -> list[Route]:
    """Cancel and priority."""

    @described(POST=CANCEL)
    async def cancel(request: Request) -> Response:
        batch = request.path_params["batch"]
        found = await _found(chain, source, batch)
        at = clock()
        for run in _to_cancel(found.status):
            await publisher.publish_log(
                BatchCancelled(batch=batch, project=found.project, cancelled_at=at, run=run)
            )
        return json_answer({"success": True, "batchId": batch})

    @described(POST=PRIORITY)
    async def change_priority(request: Request) -> Response:
        values = texts(await read_json(request, watch))
        if "priority" not in values:
            raise StreamappError(Code.FIELD_MISSING, "priority")
        priority = fields.priority(values["priority"])
        batch = request.path_params["batch"]
        found = await _found(chain, source, batch)
        if found.status and found.status.status in ENDED:
            raise StreamappError(Code.BATCH_CLOSED)
        await publisher.publish_log(
            PriorityChanged(
                batch=batch, project=found.project, priority=priority, changed_at=clock()
            )
        )
        return json_answer({"success": True, "batchId": batch})

    return [
        Route("/api/batch/{batch}/cancel", cancel, methods=["POST"]),
        Route("/api/batch/{batch}/priority", change_priority, methods=["POST"]),
    ]


class _Found(NamedTuple):
    """A batch: its project, and what its owner knows of it, if anything yet."""

    project: str
    status: Status | None


async def _found(chain: Chain, source: ProgressSource, batch: str) -> _Found:
    """A batch.

    Raises:
        StreamappError: ``BATCH_UNKNOWN``; ``PROGRESS_AWAY``.
    """
    opening = await chain.link(batch) if is_batch_id(batch) else None
    if opening is None:
        raise StreamappError(Code.BATCH_UNKNOWN)
    return _Found(opening.project, await source.status(batch))


def _to_cancel(status: Status | None) -> list[int]:
    """The runs under way; none when the batch, or the last of them, was cancelled before.

    There is one, as a rule; photos that join a batch that was done again are of the first.

    Raises:
        StreamappError: ``BATCH_CLOSED``: all have come to their end.
    """
    if status is None:
        return [FIRST_RUN]
    states = {run.run: run.status for run in status.runs} or {FIRST_RUN: status.status}
    under_way = [run for run, state in states.items() if state not in ENDED]
    if not under_way and "cancelled" not in {status.status, states[max(states)]}:
        raise StreamappError(Code.BATCH_CLOSED)
    return under_way
