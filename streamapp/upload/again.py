"""The addresses by which a batch that has ended is done again, or what of it failed.

The answer comes when the start of the run is durable (`replay.start`): asked for again, also by
another at the same time, it begins once. While a run is under way there is no other: 409.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
from starlette.routing import Route

from streamapp.errors import Code, StreamappError
from streamapp.replay import Wish
from streamapp.upload.answers import json_answer
from streamapp.upload.batch_ids import is_batch_id
from streamapp.upload.incoming_body import pieces
from streamapp.upload.operations import (
    JSON,
    OF_BATCH,
    OF_BODY,
    Operation,
    described,
    json,
)

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from streamapp.upload.incoming_body import Watch
    from streamapp.upload.interfaces import Replays

BODY_BYTES_MAX = 64 * 1024
RATE_MAX = 1e6


class Order(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a batch is done again; all of it, unless only what ``failed``.

    ``settings``: those of how faces are found and cropped that the run changes, as ``FACES``, by
    their names in the environment. ``rate``: the most photos a second, 0 for no limit.
    ``priority``: the batch's own, unless given.
    """

    failed: bool = False
    settings: dict[str, str | bool | int | float] = {}
    rate: Annotated[float, msgspec.Meta(ge=0, le=RATE_MAX)] = 0.0
    priority: Annotated[int, msgspec.Meta(ge=1, le=10)] | None = None


class Again(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """The number of the run that began, and of the photos it does; no run when there are none."""

    success: Literal[True] = True
    batch_id: str
    photos: int
    run: int | None


OF_RUN = (
    *OF_BATCH,
    Code.BATCH_OPEN,
    Code.BATCH_FULL,
    Code.OBJECT_MISSING,
    Code.KAFKA_AWAY,
)
RETRY = Operation(
    "Do the failed photos of a batch again",
    {200: json(Again, "The run has begun, or nothing failed.")},
    "Once a run is under way, another one is refused (409).",
    refusals=OF_RUN,
)
REPLAY = Operation(
    "Do a batch again",
    {200: json(Again, "The run has begun.")},
    "Its results stay until those of the run take their place.",
    bodies={JSON: Order},
    refusals=(*OF_RUN, *OF_BODY, Code.BODY_NOT_JSON, Code.FIELD_INVALID),
)


def again_routes(replays: Replays, watch: Watch) -> list[Route]:
    """Retry and replay."""

    @described(POST=RETRY)
    async def retry(request: Request) -> Response:
        return await _begun(request, Order(failed=True))

    @described(POST=REPLAY)
    async def replay(request: Request) -> Response:
        return await _begun(request, await _order(request, watch))

    async def _begun(request: Request, order: Order) -> Response:
        batch = request.path_params["batch"]
        if not is_batch_id(batch):
            raise StreamappError(Code.BATCH_UNKNOWN)
        wish = Wish(_settings(order), order.priority, order.rate)
        replays.check(wish)
        begun = await replays.begin(batch, wish, only_failed=order.failed)
        photos, run = begun or (0, None)
        return json_answer(Again(batch_id=batch, photos=photos, run=run))

    return [
        Route("/api/batch/{batch}/retry", retry, methods=["POST"]),
        Route("/api/batch/{batch}/replay", replay, methods=["POST"]),
    ]


async def _order(request: Request, watch: Watch) -> Order:
    """What the body asks for: everything as it was, when there is none."""
    body = b"".join([piece async for piece in pieces(request, watch, bytes_max=BODY_BYTES_MAX)])
    try:
        return msgspec.json.decode(body or b"{}", type=Order)
    except (msgspec.MsgspecError, RecursionError) as error:
        raise StreamappError(Code.BODY_NOT_JSON, str(error)) from None


def _settings(order: Order) -> tuple[tuple[str, str], ...]:
    """As the environment has them."""
    return tuple(
        (name, str(value).lower() if isinstance(value, bool) else str(value))
        for name, value in order.settings.items()
    )
