"""The addresses by which batches and their photos are read: lists by pages, and each of them.

Of one batch its owner is asked; while it is being replaced the database answers, or what the owner
said last, whichever is further, marked with its age. Lists are the database's alone.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple, TypeVar, get_args

from starlette.routing import Route

from connectors.records.interface import BatchRecord, BatchState, PhotoState
from streamapp import progress
from streamapp.errors import Code, StreamappError
from streamapp.upload import batch_views, fields
from streamapp.upload import reading_words as words
from streamapp.upload.answers import json_answer
from streamapp.upload.batch_ids import is_batch_id
from streamapp.upload.batch_views import BatchAnswer, BatchesAnswer, PhotoAnswer, PhotosAnswer
from streamapp.upload.operations import described
from streamapp.upload.order import query_values
from streamapp.upload.rows import photo_index

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from starlette.requests import Request
    from starlette.responses import Response

    from connectors.records.interface import RecordStore
    from streamapp.progress import Status
    from streamapp.upload.batch_views import BatchInFull, Source
    from streamapp.upload.chain import Chain
    from streamapp.upload.rows import Rows

    Choice = TypeVar("Choice", bound=str)

PATH = "/api/batch"
REMEMBERED_MAX = 1000
"""Batches of which the owner's last word is known."""

_DIGITS_MAX = 9


class Told(NamedTuple):
    """What is known of a batch, from whom, and when it was so (Unix seconds)."""

    status: Status
    source: Source
    as_of: float


class Batches:
    """Tells of single batches."""

    def __init__(
        self,
        rows: Rows,
        chain: Chain,
        ask: Callable[[str], Awaitable[Status]],
        clock: Callable[[], float],
    ) -> None:
        """``ask`` gives a batch's status as `statuses.Statuses.ask` does."""
        self._rows = rows
        self._chain = chain
        self._ask = ask
        self._clock = clock
        self._last: OrderedDict[str, Told] = OrderedDict()

    async def tell(self, batch: str, base: str) -> BatchInFull:
        """A batch.

        Raises:
            StreamappError: ``BATCH_UNKNOWN``; ``RECORDS_AWAY``, ``STORE_AWAY``; ``PROGRESS_AWAY``
                of one that neither the database nor this uploader knows anything of.
        """
        records = await self._rows.store()
        record = await records.batch(batch)
        told = await self._told(records, batch, record)
        return batch_views.in_full(
            told.status,
            record or await self._as_taken_in(told.status),
            failed_by=await records.failed_by(batch),
            source=told.source,
            as_of=told.as_of,
            base=base,
        )

    async def _told(self, records: RecordStore, batch: str, record: BatchRecord | None) -> Told:
        try:
            told = Told(await self._ask(batch), "table", self._clock())
        except StreamappError as error:
            gone = error.code is Code.BATCH_UNKNOWN
            if error.code is not Code.PROGRESS_AWAY and not (gone and record):
                raise
            instead = await self._instead(records, batch, record)
            if instead is None:
                raise
            return instead
        self._last[batch] = told
        self._last.move_to_end(batch)
        if len(self._last) > REMEMBERED_MAX:
            self._last.popitem(last=False)
        return told

    async def _instead(
        self, records: RecordStore, batch: str, record: BatchRecord | None
    ) -> Told | None:
        last = self._last.get(batch)
        if record is None:
            return last
        status = batch_views.status_of(record)
        if last and batch_views.further(last.status, status) is last.status:
            return last
        if status.status in progress.ENDED:
            status = progress.joined(status, await self._chain.photos(batch))
        written_at = await records.written_at(batch)
        return Told(status, "records", written_at if written_at is not None else self._clock())

    async def _as_taken_in(self, status: Status) -> BatchRecord:
        """The row of a batch that has none yet, by its manifest."""
        opening = await self._chain.link(status.batch_id)
        if opening is None:
            raise StreamappError(Code.BATCH_UNKNOWN)
        return BatchRecord(
            id=status.batch_id,
            project_id=opening.project,
            status=status.status,
            priority=status.priority,
            photos=status.image_count,
            created_at=opening.stored_at,
        )


def reading_routes(batches: Batches, rows: Rows) -> list[Route]:
    """Lists and single ones."""

    @described(GET=words.LIST_BATCHES)
    async def list_batches(request: Request) -> Response:
        asked = query_values(request.url.query.encode())
        limit = _number(asked, "limit", words.BATCHES_DEFAULT, least=1, most=words.BATCHES_MAX)
        before = asked.get("before") or None
        if before and not is_batch_id(before):
            raise StreamappError(Code.FIELD_INVALID, "before must be the id of a batch")
        records = await rows.store()
        found = await records.batches(
            status=_one_of(asked, "status", get_args(BatchState)),
            project=fields.project(asked["projectId"]) if asked.get("projectId") else None,
            external_id=fields.external_id(asked.get("externalId", "")) or None,
            before=before,
            limit=limit + 1,
        )
        base = _base(request)
        return json_answer(
            BatchesAnswer(
                batches=[batch_views.listed(each, base) for each in found[:limit]],
                next=found[limit - 1].id if len(found) > limit else None,
            )
        )

    @described(GET=words.ONE_BATCH)
    async def one_batch(request: Request) -> Response:
        told = await batches.tell(_batch(request), _base(request))
        return json_answer(BatchAnswer(batch=told))

    @described(GET=words.LIST_PHOTOS)
    async def list_photos(request: Request) -> Response:
        asked = query_values(request.url.query.encode())
        limit = _number(asked, "limit", words.PHOTOS_DEFAULT, least=1, most=words.PHOTOS_MAX)
        after = _number(asked, "after", -1, least=-1, most=words.INDEX_MAX)
        state = _one_of(asked, "state", get_args(PhotoState))
        batch = _batch(request)
        records = await rows.of(batch)
        found = await records.photos(batch, state=state, after=after, limit=limit + 1)
        photos = batch_views.photos_of(found, _base(request))
        return json_answer(
            PhotosAnswer(
                photos=photos[:limit],
                next=photos[limit - 1].index if len(photos) > limit else None,
            )
        )

    @described(GET=words.ONE_PHOTO)
    async def one_photo(request: Request) -> Response:
        batch, index = _batch(request), photo_index(request.path_params["index"])
        records = await rows.of(batch)
        found = batch_views.photos_of(await records.photo(batch, index), _base(request))
        if not found:
            raise StreamappError(Code.PHOTO_UNKNOWN)
        return json_answer(PhotoAnswer(photo=found[0]))

    return [
        Route(PATH, list_batches),
        Route(f"{PATH}/{{batch}}/photos", list_photos),
        Route(f"{PATH}/{{batch}}/photos/{{index}}", one_photo),
        # Last: other addresses of this form are no batches.
        Route(f"{PATH}/{{batch}}", one_batch),
    ]


def _batch(request: Request) -> str:
    batch: str = request.path_params["batch"]
    if not is_batch_id(batch):
        raise StreamappError(Code.BATCH_UNKNOWN)
    return batch


def _base(request: Request) -> str:
    """The path of all batches, as the client sees it."""
    return f"{request.scope.get('root_path', '')}{PATH}"


def _number(asked: dict[str, str], name: str, default: int, *, least: int, most: int) -> int:
    text = asked.get(name, "")
    if not text:
        return default
    digits = text.removeprefix("-")
    if digits.isascii() and digits.isdecimal() and len(digits) <= _DIGITS_MAX:
        value = int(text)
        if least <= value <= most:
            return value
    raise StreamappError(
        Code.FIELD_INVALID, f"{name} must be a whole number from {least} to {most}"
    )


def _one_of(asked: dict[str, str], name: str, choices: tuple[Choice, ...]) -> Choice | None:
    text = asked.get(name, "")
    if not text:
        return None
    for choice in choices:
        if choice == text:
            return choice
    raise StreamappError(Code.FIELD_INVALID, f"{name} must be one of {', '.join(choices)}")
