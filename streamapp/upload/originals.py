"""The photos as they came: found in the object they were brought in, copied out and checked.

Where a photo lies only its archive's directory tells. It is read up to the photo, once; afterwards
every `STRIDE`-th place is known, so that the next search reads a piece. A photo is copied to a
temporary file first, which stays in memory while small: only what has the right size and CRC is
handed out. All calls block but `Originals`'.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from functools import partial
from tempfile import SpooledTemporaryFile
from threading import Lock
from typing import IO, TYPE_CHECKING, NamedTuple

from msgspec import structs

from streamapp import archive
from streamapp.errors import Code, StreamappError
from streamapp.events import WHOLE_OBJECT, Cursor
from streamapp.keys import manifest_key
from streamapp.manifests import read_manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from connectors.objects.interface import ObjectStore
    from streamapp.archive import Entry, Limits
    from streamapp.events import ArchiveStored

STRIDE = 4096
"""Photos between two places that are remembered."""

ARCHIVES_MAX = 256
"""Of which places are remembered: at most 1,000 each."""

SPOOL_BYTES = 2 << 20
COPIES_AT_ONCE = 4
PIECE_BYTES = 256 << 10

_START = Cursor()


class Original(NamedTuple):
    """A photo of a batch as it lies in the object ``key``."""

    entry: Entry
    key: str

    @property
    def etag(self) -> str | None:
        """Names its bytes; None of an object that its owner may change."""
        entry = self.entry
        if entry.method == WHOLE_OBJECT:
            return None
        return f'"{entry.crc:08x}-{entry.photo_bytes:x}"'


class Originals:
    """Finds photos and copies them out."""

    def __init__(self, objects: ObjectStore, limits: Limits) -> None:
        self._objects = objects
        self._limits = limits
        self._places: OrderedDict[tuple[str, str, int], dict[int, Cursor]] = OrderedDict()
        self._lock = Lock()
        self._copies = asyncio.Semaphore(COPIES_AT_ONCE)

    async def find(self, batch: str, index: int) -> Original:
        """The photo ``index`` of a batch.

        Raises:
            StreamappError: ``PHOTO_UNKNOWN``; ``ORIGINAL_MISSING``; what is wrong with its entry,
                of which nothing is to be read then; ``STORE_AWAY``.
        """
        return await asyncio.to_thread(self._find, batch, index)

    async def copy(self, original: Original) -> IO[bytes]:
        """Its bytes, checked, in a file that the caller closes.

        Raises:
            StreamappError: ``ENTRY_BROKEN``; ``ORIGINAL_MISSING``; ``STORE_AWAY``.
        """
        async with self._copies:
            return await asyncio.to_thread(self._copy, original)

    def _find(self, batch: str, index: int) -> Original:
        part = self._part(batch, index)
        if part is None:
            raise StreamappError(Code.PHOTO_UNKNOWN)
        entry = self._entry(part, index - part.first_index)
        if entry.fault:
            raise StreamappError(entry.fault, entry.detail)
        return Original(entry, entry.name if entry.method == WHOLE_OBJECT else part.archive)

    def _part(self, batch: str, index: int) -> ArchiveStored | None:
        """The part that holds a photo; parts are in the order of their photos."""
        low, high = 0, len(self._objects.keys(manifest_key(batch).rpartition("/")[0] + "/"))
        while low < high:
            middle = (low + high) // 2
            part = read_manifest(self._objects, batch, middle)
            if part is None or index < part.first_index:
                high = middle
            elif index >= part.first_index + part.photos:
                low = middle + 1
            else:
                return part
        return None

    def _entry(self, part: ArchiveStored, index: int) -> Entry:
        places = self._places_in(part)
        start = places.get(index // STRIDE) or max(
            (each for each in list(places.values()) if each.index <= index),
            key=lambda each: each.index,
            default=_START,
        )
        try:
            for entry in self._entries(part, start):
                if entry.index == index:
                    return entry
                if entry.after.index % STRIDE == 0:
                    places[entry.after.index // STRIDE] = entry.after
        except StreamappError as error:
            raise _gone(error) from error
        raise StreamappError(Code.PHOTO_UNKNOWN)

    def _entries(self, part: ArchiveStored, start: Cursor) -> Iterator[Entry]:
        read, size = partial(self._objects.read, part.archive), part.archive_bytes
        if part.kind == "listing":
            return archive.listed(read, size, self._limits, start=start)
        # As it was judged: the setting may be another by now.
        limits = structs.replace(self._limits, nested=part.nested)
        return archive.photos(read, size, limits, duplicates=part.duplicates, start=start)

    def _places_in(self, part: ArchiveStored) -> dict[int, Cursor]:
        key = part.batch, part.archive, part.first_index
        with self._lock:
            places = self._places.setdefault(key, {})
            self._places.move_to_end(key)
            if len(self._places) > ARCHIVES_MAX:
                self._places.popitem(last=False)
        return places

    def _copy(self, original: Original) -> IO[bytes]:
        file = SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115 - the caller's to close
        try:
            read = partial(self._objects.read, original.key)
            for piece in archive.pieces(read, original.entry):
                file.write(piece)
            file.seek(0)
        except BaseException as error:
            file.close()
            if isinstance(error, StreamappError):
                raise _gone(error) from error
            raise
        return file


def _gone(error: StreamappError) -> StreamappError:
    """The same error, in this context's words."""
    missing = error.code is Code.OBJECT_MISSING
    return StreamappError(Code.ORIGINAL_MISSING) if missing else error


_SIGNATURES = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF8", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftypavif", "image/avif"),
    (4, b"ftypavis", "image/avif"),
    (4, b"ftyphei", "image/heic"),
    (4, b"ftyphev", "image/heic"),
    (4, b"ftypmif1", "image/heic"),
    (0, b"BM", "image/bmp"),
    (0, b"II*\0", "image/tiff"),
    (0, b"MM\0*", "image/tiff"),
    (0, b"\0\0\0\x0cjP  \r\n\x87\n", "image/jp2"),
    (0, b"\xff\x4f\xff\x51", "image/jp2"),
)
SIGNATURE_BYTES = 16


def media_type(head: bytes) -> str | None:
    """The type of a picture by its first `SIGNATURE_BYTES`, None of anything else."""
    found = (kind for at, signature, kind in _SIGNATURES if head.startswith(signature, at))
    return next(found, None)
