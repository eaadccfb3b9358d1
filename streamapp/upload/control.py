"""The addresses by which a batch under way is cancelled, or given another priority.

The answer comes when the event is durable in the batch log; the worker that owns the batch acts on
it. Of a batch that is done again it is the last run that is cancelled: what was done before stays.
A batch that has ended is left as it is; to cancel one again is no error.
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

if TYPE_CHECKING:
    from collections.abc import Callable, Container

    from starlette.requests import Request
    from starlette.responses import Response

    from streamapp.upload.chain import Chain
    from streamapp.upload.incoming_body import Watch
    from streamapp.upload.interfaces import ProgressSource, Publisher


def control_routes(
    chain: Chain,
    source: ProgressSource,
    publisher: Publisher,
    watch: Watch,
    clock: Callable[[], float],
) -> list[Route]:
    """Cancel and priority."""

    async def cancel(request: Request) -> Response:
        batch = request.path_params["batch"]
        found = await _open(chain, source, batch, closed={"completed"})
        await publisher.publish_log(
            BatchCancelled(batch=batch, project=found.project, cancelled_at=clock(), run=found.run)
        )
        return json_answer({"success": True, "batchId": batch})

    async def change_priority(request: Request) -> Response:
        values = texts(await read_json(request, watch))
        if "priority" not in values:
            raise StreamappError(Code.FIELD_MISSING, "priority")
        priority = fields.priority(values["priority"])
        batch = request.path_params["batch"]
        found = await _open(chain, source, batch, closed=ENDED)
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


class _Open(NamedTuple):
    """A batch under way: its project, and the run that was started last."""

    project: str
    run: int


async def _open(
    chain: Chain, source: ProgressSource, batch: str, *, closed: Container[str]
) -> _Open:
    """A batch that is not in a state which ``closed`` holds.

    Raises:
        StreamappError: ``BATCH_UNKNOWN``; ``BATCH_CLOSED``; ``PROGRESS_AWAY``.
    """
    opening = await chain.link(batch) if is_batch_id(batch) else None
    if opening is None:
        raise StreamappError(Code.BATCH_UNKNOWN)
    status = await source.status(batch)
    if status and status.status in closed:
        raise StreamappError(Code.BATCH_CLOSED)
    return _Open(opening.project, status.run if status else FIRST_RUN)
