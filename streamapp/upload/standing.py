"""How a resumable upload stands, and the name by which its client asks for it.

The name is the upload's id, followed by ``-`` and the id of its batch where that is another one
(an ``Idempotency-Key``, a batch joined): so an upload can be told complete when its note is gone.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from streamapp.errors import Code, StreamappError
from streamapp.keys import archive_key
from streamapp.upload.batch_ids import is_batch_id
from streamapp.upload.target import Target

if TYPE_CHECKING:
    from streamapp.events import ArchiveStored
    from streamapp.upload.chain import Chain
    from streamapp.upload.notes import Note, Resumable
    from streamapp.upload.target import Stand


class Name(NamedTuple):
    """The ids of an upload and of its batch."""

    upload: str
    batch: str

    def __str__(self) -> str:
        """As it stands in the address."""
        return self.upload if self.upload == self.batch else f"{self.upload}-{self.batch}"


class Standing(NamedTuple):
    """What a client is told; ``expires_at`` in Unix seconds, 0 when the upload is complete."""

    name: Name
    offset: int
    length: int
    metadata: str = ""
    expires_at: float = 0.0


class Unfinished(NamedTuple):
    """An upload under way: its note, what it is to become, and how far that is."""

    note: Note
    state: Resumable
    at: Stand

    @property
    def target(self) -> Target:
        """The object that it fills."""
        return Target(self.note.upload, self.note.archive, self.state.token, self.state.length)

    @property
    def name(self) -> Name:
        """Its name."""
        order = self.state.order
        return Name(self.note.upload, order.batch or order.new_batch or self.note.upload)

    @property
    def offset(self) -> int:
        """The number of bytes that are stored."""
        return self.at.offset

    def standing(self) -> Standing:
        """What its client is told."""
        length, metadata = self.state.length, self.state.metadata
        return Standing(self.name, self.offset, length, metadata, self.note.expires_at)


def read_name(text: str) -> Name:
    """The ids in a name; ``UPLOAD_UNKNOWN`` when it can be none."""
    upload, dash, batch = text.partition("-")
    if not is_batch_id(upload) or (dash and not is_batch_id(batch)):
        raise StreamappError(Code.UPLOAD_UNKNOWN)
    return Name(upload, batch or upload)


def complete(name: Name, part: ArchiveStored, metadata: str = "") -> Standing:
    """The standing of an upload that became ``part``, or whose request had become it before."""
    return Standing(Name(name.upload, part.batch), part.archive_bytes, part.archive_bytes, metadata)


async def completed(chain: Chain, name: Name) -> Standing:
    """The standing of an upload that has no note any more; ``UPLOAD_UNKNOWN`` if it never was."""
    if name.upload == name.batch:
        part = await chain.link(name.batch)
    else:
        part = await chain.find(name.batch, archive_key(name.upload))
    if part is None:
        raise StreamappError(Code.UPLOAD_UNKNOWN)
    return complete(name, part)
