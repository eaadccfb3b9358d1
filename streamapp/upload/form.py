"""The upload's form, read as it streams in.

Everything is bounded: the size of the body and of the file, the number of parts, the size of
headers and fields, the time between two pieces, and the pace of the whole.
"""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from multipart import (
    MultipartError,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)

from streamapp.errors import Code, StreamappError
from streamapp.upload.parts import Parts, too_large

if TYPE_CHECKING:
    from starlette.requests import Request

    from streamapp.upload.pace import Pace
    from streamapp.upload.parts import FileSink, Form

PARTS_MAX = 16
BOUNDARY_CHARACTERS_MAX = 70
"""RFC 2046, section 5.1.1."""
OVERHEAD_BYTES_MAX = 1024 * 1024
"""Of the body beyond the file: delimiters, headers, fields, preamble and epilogue."""


async def read_form(
    request: Request, file: FileSink, *, file_bytes_max: int, client_idle_s: float, pace: Pace
) -> Form:
    """Read the request's form to its end.

    A client that sends nothing for ``client_idle_s``, or less than ``pace`` asks, is given up.

    Raises:
        StreamappError: ``BODY_NOT_MULTIPART``, ``BODY_BROKEN`` (also when the client went away or
            fell silent), ``BODY_TOO_SLOW``, ``FIELD_INVALID``, ``ARCHIVE_TOO_LARGE``, and what
            ``file`` raises.
    """
    parser = _parser(request.headers.get("content-type", ""))
    body_bytes_max = file_bytes_max + OVERHEAD_BYTES_MAX
    if int(request.headers.get("content-length", 0)) > body_bytes_max:
        raise too_large(file_bytes_max)
    parts = Parts(file, file_bytes_max)
    body_bytes, more = 0, True
    try:
        while more:
            began = time.monotonic()
            chunk, more = await _next(request, client_idle_s)
            pace.add(len(chunk), time.monotonic() - began)
            body_bytes += len(chunk)
            if body_bytes > body_bytes_max:
                raise too_large(file_bytes_max)
            for event in parser.parse(chunk) if chunk else ():
                await parts.take(event)
        parser.close()
    except ParserLimitReached as error:
        raise StreamappError(Code.FIELD_INVALID, str(error)) from error
    except MultipartError as error:
        raise StreamappError(Code.BODY_BROKEN, str(error)) from error
    return parts.form


def _parser(content_type: str) -> PushMultipartParser:
    kind, options = parse_options_header(content_type)
    boundary = options.get("boundary", "")
    if kind != "multipart/form-data" or not 1 <= len(boundary) <= BOUNDARY_CHARACTERS_MAX:
        raise StreamappError(Code.BODY_NOT_MULTIPART)
    return PushMultipartParser(boundary, max_segment_count=PARTS_MAX)


async def _next(request: Request, client_idle_s: float) -> tuple[bytes, bool]:
    """The next piece of the body, and whether more follows."""
    try:
        async with asyncio.timeout(client_idle_s):
            message = await request.receive()
    except TimeoutError:
        raise StreamappError(Code.BODY_BROKEN, f"nothing came for {client_idle_s:g} s") from None
    if message["type"] == "http.disconnect":
        raise StreamappError(Code.BODY_BROKEN, "the client went away")
    return message.get("body", b""), message.get("more_body", False)
