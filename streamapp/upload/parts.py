"""The parts of the upload's form: fields are kept and checked, the file is passed on.

They may come in any order. Each field is checked when it is complete, so a wrong one that comes
first is refused before the file is sent. Unknown fields obey the same bounds and mean nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from multipart import MultipartSegment

from streamapp.errors import Code, StreamappError
from streamapp.upload import fields
from streamapp.upload.incoming_body import too_large
from streamapp.upload.order import read_order

if TYPE_CHECKING:
    from collections.abc import Callable

    from streamapp.upload.order import Order

FILE_FIELD = "file"
CHECKS: dict[str, Callable[[str], object]] = {
    "projectId": fields.project,
    "priority": fields.priority,
    "externalId": fields.external_id,
    "batchId": fields.batch,
    "webhookUrl": fields.webhook_url,
}
FIELD_BYTES_MAX = 4096


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
    """What the form said: its known fields, each checked when it came, and the file's name."""

    values: dict[str, str] = field(default_factory=dict)
    file_name: str = ""
    seen: set[str] = field(default_factory=set)
    _name: str = ""
    _value: bytes = b""

    def begin(self, name: str) -> None:
        """A part begins, field or file, that may come once."""
        if name in self.seen:
            raise StreamappError(Code.FIELD_INVALID, f"{name[:64]} was given twice")
        self.seen.add(name)
        self._name, self._value = name, b""

    def take(self, event: bytes | None) -> None:
        """The field goes on (bytes), or is complete (None): then it is checked and kept."""
        name = self._name[:64]
        if event is not None:
            self._value += event
            if len(self._value) > FIELD_BYTES_MAX:
                too_long = f"{name} is longer than {FIELD_BYTES_MAX} bytes"
                raise StreamappError(Code.FIELD_INVALID, too_long)
            return
        try:
            text = self._value.decode()
        except UnicodeDecodeError:
            raise StreamappError(Code.FIELD_INVALID, f"{name} is not UTF-8") from None
        if check := CHECKS.get(self._name):
            check(text)
            self.values[self._name] = text

    def order(self, key: str) -> Order:
        """The order of a form that came to its end, with its file."""
        if FILE_FIELD not in self.seen:
            raise StreamappError(Code.FIELD_MISSING, FILE_FIELD)
        return read_order(self.values, key)


class Parts:
    """The parts of one form, one after the other."""

    def __init__(self, file: FileSink, file_bytes_max: int) -> None:
        self.form = Form()
        self._file = file
        self._file_bytes_max = file_bytes_max
        self._name = ""
        self._size = 0

    async def take(self, event: MultipartSegment | bytes | None) -> None:
        """A part begins (segment), goes on (bytes) or is complete (None)."""
        if isinstance(event, MultipartSegment):
            self._begin(event)
        elif self._name == FILE_FIELD:
            await self._pass_on(event)
        else:
            self.form.take(event)

    def _begin(self, part: MultipartSegment) -> None:
        self._name, self._size = part.name, 0
        self.form.begin(part.name)
        if part.filename is not None and part.name != FILE_FIELD:
            raise StreamappError(
                Code.FIELD_INVALID, f"{part.name[:64]} holds a file; the ZIP goes into file"
            )
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
