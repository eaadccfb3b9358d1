"""The manifests of batches in the object store: which parts a batch has, and what each is.

The manifest of a part is its encoded `events.ArchiveStored`. They are written by `upload.chain`,
whose links begin where the one before ends; whoever reads them sees a batch as it was taken in,
whatever the batch log has to tell of it by now. All calls block.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamapp.errors import Code, StreamappError
from streamapp.events import decode_archive
from streamapp.keys import manifest_key

if TYPE_CHECKING:
    from connectors.objects.interface import ObjectStore
    from streamapp.events import ArchiveStored

MANIFEST_BYTES_MAX = 1 << 20


def read_manifest(objects: ObjectStore, batch: str, number: int = 0) -> ArchiveStored | None:
    """The part ``number`` of a batch, None when there is no such part."""
    try:
        data = objects.read(manifest_key(batch, number), 0, MANIFEST_BYTES_MAX)
    except StreamappError as error:
        if error.code is Code.OBJECT_MISSING:
            return None
        raise
    return decode_archive(data)


def parts_of(objects: ObjectStore, batch: str) -> tuple[ArchiveStored, ...]:
    """All parts of a batch in the order of their photos; none of one that is not known."""
    found: list[ArchiveStored] = []
    while part := read_manifest(objects, batch, len(found)):
        found.append(part)
    return tuple(found)
