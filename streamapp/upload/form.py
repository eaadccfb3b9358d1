"""The upload's form, read as it streams in: fields are kept, the file is passed on.

The fields may come in any order, before or after the file. Each is checked when it is complete,
so a wrong one is refused before the file is sent. Everything is bounded: the size of the body and
of the file, the number of parts, the size of headers and fields, the time between two pieces.
Unknown fields are ignored within those bounds.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from multipart import (
    MultipartError,
    MultipartSegment,
    ParserLimitReached,
    PushMultipartParser,
    parse_options_header,
)

from streamapp.errors import Code, StreamappError
from streamapp.upload import fields

if TYPE_CHECKING:
    from starlette.requests import Request

FILE_FIELD = "file"
FIELD_BYTES_MAX = 4096
PARTS_MAX = 16
BOUNDARY_CHARACTERS_MAX = 70
"""RFC 2046, section 5.1.1."""
OVERHEAD_BYTES_MAX = 1024 * 1024
"""Of the body beyond the file: delimiters, headers, fields, preamble and epilogue."""


class FileSink(Protocol):
    """Where the file goes as it comes."""

    async def write(self, chunk: bytes) -> None:
        """Take the next bytes of the file; may hold the client back."""
        ...

    def end(self) -> None:
        """The file is complete; fields may follow."""
        ...


@dataclass(slots=True)
class Form:
    """What the form said. ``project`` is None until its field has come."""

    project: str | None = None
    priority: int = fields.PRIORITY_DEFAULT
    file_name: str = ""
    seen: set[str] = field(default_factory=set)

    def take(self, name: str, value: bytes) -> None:
        """Check a complete field and keep its value."""
        try:
            text = value.decode()
        except UnicodeDecodeError:
            raise StreamappError(Code.FIELD_INVALID, f"{name[:64]} is not UTF-8") from None
        if name == "projectId":
            self.project = fields.project(text)
        elif name == "priority":
            self.priority = fields.priority(text)

    def require(self) -> str:
        """The project of a form that came to its end, with its file."""
        if FILE_FIELD not in self.seen:
            raise StreamappError(Code.FIELD_MISSING, FILE_FIELD)
        if self.project is None:
            raise StreamappError(Code.FIELD_MISSING, "projectId")
        return self.project


class _Parts:
    """The parts of one form, one after the other."""

    def __init__(self, file: FileSink, file_bytes_max: int) -> None:
        self.form = Form()
        self._file = file
        self._file_bytes_max = file_bytes_max
        self._name = ""
        self._size = 0
        self._value = b""

    async def take(self, event: MultipartSegment | bytes | None) -> None:
        """A part begins (segment), goes on (bytes) or is complete (None)."""
        if isinstance(event, MultipartSegment):
            self._begin(event)
        elif self._name == FILE_FIELD:
            await self._pass_on(event)
        elif event is None:
            self.form.take(self._name, self._value)
        else:
            self._value += event
            if len(self._value) > FIELD_BYTES_MAX:
                raise StreamappError(
                    Code.FIELD_INVALID,
                    f"{self._name[:64]} is longer than {FIELD_BYTES_MAX} bytes",
                )

    def _begin(self, part: MultipartSegment) -> None:
        self._name, self._size, self._value = part.name, 0, b""
        if part.name in self.form.seen:
            raise StreamappError(Code.FIELD_INVALID, f"{part.name[:64]} was given twice")
        self.form.seen.add(part.name)
        if part.name == FILE_FIELD:
            self.form.file_name = fields.file_name(part.filename)

    async def _pass_on(self, chunk: bytes | None) -> None:
        if chunk is None:
            self._file.end()
            return
        self._size += len(chunk)
        if self._size > self._file_bytes_max:
            raise too_large(self._file_bytes_max)
        await self._file.write(chunk)


def too_large(file_bytes_max: int) -> StreamappError:
    """The refusal of a file beyond the limit."""
    return StreamappError(Code.ARCHIVE_TOO_LARGE, f"the limit is {file_bytes_max} bytes")


async def read_form(
    request: Request, file: FileSink, *, file_bytes_max: int, client_idle_s: float
) -> Form:
    """Read the request's form to its end.

    A client that sends nothing for ``client_idle_s`` is given up.

    Raises:
        StreamappError: ``BODY_NOT_MULTIPART``, ``BODY_BROKEN`` (also when the client went away or
            fell silent), ``FIELD_INVALID``, ``ARCHIVE_TOO_LARGE``, and what ``file`` raises.
    """
    parser = _parser(request.headers.get("content-type", ""))
    body_bytes_max = file_bytes_max + OVERHEAD_BYTES_MAX
    if int(request.headers.get("content-length", 0)) > body_bytes_max:
        raise too_large(file_bytes_max)
    parts = _Parts(file, file_bytes_max)
    body_bytes, more = 0, True
    try:
        while more:
            chunk, more = await _next(request, client_idle_s)
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
