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

    def take(self, name: str, value: bytes) -> None:
        """Check a complete field and keep its value."""
        try:
            text = value.decode()
        except UnicodeDecodeError:
            raise StreamappError(Code.FIELD_INVALID, f"{name[:64]} is not UTF-8") from None
        if check := CHECKS.get(name):
            check(text)
            self.values[name] = text

    def order(self, idempotency_key: str | None) -> Order:
        """The order of a form that came to its end, with its file."""
        if FILE_FIELD not in self.seen:
            raise StreamappError(Code.FIELD_MISSING, FILE_FIELD)
        return read_order(self.values, idempotency_key)


class Parts:
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
        if part.filename is not None and part.name != FILE_FIELD:
            raise StreamappError(
                Code.FIELD_INVALID, f"{part.name[:64]} holds a file; the ZIP goes into file"
            )
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
