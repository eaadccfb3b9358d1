"""The addresses of what a batch has come to: crops, originals, all results, all crops.

Crops and results are found by the rows, originals by the batch's manifests alone.
"""

from __future__ import annotations

import asyncio
from contextlib import closing
from hashlib import sha256
from pathlib import PurePosixPath
from typing import IO, TYPE_CHECKING, NamedTuple

from starlette.responses import Response
from starlette.routing import Route

from streamapp.errors import Code, StreamappError
from streamapp.keys import crop_key, suffix_of
from streamapp.upload import originals as copies
from streamapp.upload import reading_words as words
from streamapp.upload.batch_ids import is_batch_id
from streamapp.upload.crop_archives import crop_archive_routes
from streamapp.upload.crop_names import crop_name
from streamapp.upload.crops_zip import CropsZip
from streamapp.upload.exports import FORMATS, export
from streamapp.upload.operations import described
from streamapp.upload.order import query_values
from streamapp.upload.rows import photo_index
from streamapp.upload.streams import (
    INERT,
    Gate,
    Streamed,
    begun,
    disposition,
    is_known,
    not_modified,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable, Callable

    from starlette.requests import Request

    from connectors.objects.interface import UploadStore
    from connectors.records.interface import PhotoRecord
    from streamapp.upload.exports import Format
    from streamapp.upload.originals import Originals
    from streamapp.upload.rows import Rows

CROP_BYTES_MAX = 16 << 20
DOWNLOADS_MAX = 16
"""Long ones, at once."""

_FACE_DIGITS_MAX = 4
_CROP_TYPES = {"jpg": "image/jpeg", "png": "image/png", "webp": "image/webp"}


class Library(NamedTuple):
    """Where everything is read from."""

    objects: UploadStore
    rows: Rows
    originals: Originals


def download_routes(library: Library) -> list[Route]:
    """A crop, an original, the results, and all crops."""
    gate = Gate(DOWNLOADS_MAX)

    @described(GET=words.CROP)
    async def crop(request: Request) -> Response:
        batch, index = request.path_params["batch"], photo_index(request.path_params["index"])
        face = _face(query_values(request.url.query.encode()).get("face", "0"))
        record, data = await _crop(library, batch, index, face)
        etag = f'"{sha256(data).hexdigest()[:32]}"'
        if is_known(request.headers, etag):
            return not_modified(etag)
        suffix = suffix_of(record.face_crop_url or "")
        headers = {"ETag": etag, "Content-Disposition": disposition("inline", crop_name(record))}
        return Response(data, headers=INERT | headers, media_type=_CROP_TYPES.get(suffix))

    @described(GET=words.ORIGINAL)
    async def original(request: Request) -> Response:
        batch, index = request.path_params["batch"], photo_index(request.path_params["index"])
        if not is_batch_id(batch):
            raise StreamappError(Code.BATCH_UNKNOWN)
        found = await library.originals.find(batch, index)
        if found.etag and is_known(request.headers, found.etag):
            return not_modified(found.etag)
        file = await library.originals.copy(found)
        kind = copies.media_type(file.read(copies.SIGNATURE_BYTES))
        file.seek(0)
        name = PurePosixPath(found.entry.name).name or "photo"
        headers = {
            "Content-Length": str(found.entry.photo_bytes),
            "Content-Disposition": disposition("inline" if kind else "attachment", name),
        } | ({"ETag": found.etag} if found.etag else {})
        media = kind or "application/octet-stream"
        return Streamed(
            _pieces_of(file), media_type=media, headers=INERT | headers, on_end=file.close
        )

    return [
        Route("/api/batch/{batch}/photos/{index}/crop", crop),
        Route("/api/batch/{batch}/photos/{index}/original", original),
        *(
            Route(f"/api/batch/{{batch}}/results.{name}", _results(library, gate, name, form))
            for name, form in FORMATS.items()
        ),
        *crop_archive_routes(library.rows, CropsZip(library.objects), gate),
    ]


def _results(
    library: Library, gate: Gate, name: str, form: Format
) -> Callable[[Request], Awaitable[Response]]:
    """The endpoint of the results in a form."""

    @described(GET=words.results(form.media_type))
    async def results(request: Request) -> Response:
        batch = request.path_params["batch"]
        records = await library.rows.of(batch)
        gate.enter()
        try:
            pieces = await begun(export(records.rows(batch), form))
        except BaseException:
            gate.leave()
            raise
        told = {"Content-Disposition": disposition("attachment", f"{batch}.{name}")}
        return Streamed(pieces, media_type=form.media_type, headers=INERT | told, on_end=gate.leave)

    return results


async def _crop(library: Library, batch: str, index: int, face: int) -> tuple[PhotoRecord, bytes]:
    """The record of a face and its crop.

    Raises:
        StreamappError: ``BATCH_UNKNOWN``; ``FACE_UNKNOWN``; ``CROP_MISSING``; ``RECORDS_AWAY``,
            ``STORE_AWAY``.
    """
    records = await library.rows.of(batch)
    before = ""
    while True:
        found = [
            row
            for row in await records.photo(batch, index)
            if row.face_detected and row.face_index == face
        ]
        if not found:
            raise StreamappError(Code.FACE_UNKNOWN)
        [record] = found
        url = record.face_crop_url
        if not url or url == before:
            raise StreamappError(Code.CROP_MISSING)
        key = crop_key(batch, index, face, suffix_of(url), run=record.run)
        try:
            return record, await asyncio.to_thread(library.objects.read, key, 0, CROP_BYTES_MAX)
        except StreamappError as error:
            if error.code is not Code.OBJECT_MISSING:
                raise
        before = url  # a later run may have taken its place in between


def _face(text: str) -> int:
    if text.isascii() and text.isdecimal() and len(text) <= _FACE_DIGITS_MAX:
        return int(text)
    raise StreamappError(Code.FIELD_INVALID, "face must be a whole number from 0 on")


async def _pieces_of(file: IO[bytes]) -> AsyncGenerator[bytes, None]:
    with closing(file):
        while piece := await asyncio.to_thread(file.read, copies.PIECE_BYTES):
            yield piece
