"""The upload's form, read as it streams in.

Everything is bounded: the size of the body and of the file, the number of parts, the size of
headers and fields, the time between two pieces, and the pace of the whole.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from multipart import (
    MultipartError,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)

from streamapp.errors import Code, StreamappError
from streamapp.upload.incoming_body import pieces
from streamapp.upload.parts import Parts

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable

    from multipart import MultipartSegment
    from starlette.requests import Request

    from streamapp.upload.incoming_body import Watch
    from streamapp.upload.parts import FileSink, Form

PARTS_MAX = 16
BOUNDARY_CHARACTERS_MAX = 70
"""RFC 2046, section 5.1.1."""
OVERHEAD_BYTES_MAX = 1024 * 1024
"""Of the body beyond the file: delimiters, headers, fields, preamble and epilogue."""


async def read_form(request: Request, file: FileSink, watch: Watch, *, file_bytes_max: int) -> Form:
    """Read the request's form to its end.

    Raises:
        StreamappError: ``BODY_NOT_MULTIPART``, ``BODY_BROKEN``, ``FIELD_INVALID``, and what
            `pieces` and ``file`` raise.
    """
    parts = Parts(file, file_bytes_max)
    body = pieces(request, watch, bytes_max=file_bytes_max, overhead_bytes_max=OVERHEAD_BYTES_MAX)
    await read_parts(parser_for(request), body, parts.take)
    return parts.form


async def read_parts(
    parser: PushMultipartParser,
    body: AsyncIterator[bytes],
    take: Callable[[MultipartSegment | bytes | None], Awaitable[None]],
) -> None:
    """Give every part of ``body`` to ``take``: its beginning, its pieces, and None at its end."""
    try:
        async for piece in body:
            for event in parser.parse(piece):
                await take(event)
        parser.close()
    except ParserLimitReached as error:
        raise StreamappError(Code.FIELD_INVALID, str(error)) from error
    except MultipartError as error:
        raise StreamappError(Code.BODY_BROKEN, str(error)) from error


def parser_for(request: Request, parts_max: int = PARTS_MAX) -> PushMultipartParser:
    """A parser of the request's body; ``BODY_NOT_MULTIPART`` when it is not multipart."""
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    boundary = options.get("boundary", "")
    if kind != "multipart/form-data" or not 1 <= len(boundary) <= BOUNDARY_CHARACTERS_MAX:
        raise StreamappError(Code.BODY_NOT_MULTIPART)
    return PushMultipartParser(boundary, max_segment_count=parts_max)
