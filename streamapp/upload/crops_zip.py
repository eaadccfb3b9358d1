"""All crops of a batch as one ZIP that is never written: made while it is sent, from any byte on.

The crops are stored in the order of their photos, so that with their sizes, which the store lists,
the archive's length is known before one is read, and the same crops give the same bytes. The plan
of it lies in a temporary file, in memory while small. To begin in the middle, what lies before is
not read again but for the CRCs that this process does not know: the directory tells them at last.

A crop that is gone when the plan is made is left out. One that goes or changes afterwards ends the
download, and the next try, whose plan is another, begins anew.
"""

from __future__ import annotations

import asyncio
from array import array
from collections import OrderedDict
from contextlib import closing
from hashlib import sha256
from itertools import islice
from tempfile import SpooledTemporaryFile
from typing import IO, TYPE_CHECKING, NamedTuple
from zlib import crc32

import msgspec

from streamapp import zip_records
from streamapp.errors import Code, StreamappError
from streamapp.keys import CROPS, crop_key, crop_place, suffix_of
from streamapp.upload.crop_names import crop_name
from streamapp.zip_records import Member

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, AsyncIterator, Iterator

    from connectors.objects.interface import Stored, UploadStore
    from connectors.records.interface import PhotoRecord
    from streamapp.upload.streams import Span

SPOOL_BYTES = 1 << 20
PIECE_BYTES = 256 << 10
READ_AT_ONCE = 8
READ_BYTES = 4 << 20
"""Of crops that are read at once, unless a single one is larger."""

REMEMBERED_CROPS_MAX = 1_000_000
"""Whose CRCs are known from earlier tries: eight bytes each."""

_LISTED = 1000
_UNKNOWN = -1


class Crop(NamedTuple):
    """A crop: its object, and what it is called and measures in the archive."""

    key: str
    member: Member


class Plan(NamedTuple):
    """What the archive will be: its crops end at ``directory_at``, it has ``length`` bytes.

    ``file`` has a line for each crop, and is closed by whoever has the plan.
    """

    file: IO[bytes]
    crop_count: int
    directory_at: int
    directory_bytes: int
    length: int
    etag: str

    def crops(self) -> Iterator[Crop]:
        """The crops in their order."""
        self.file.seek(0)
        at = 0
        while line := self.file.readline():
            at += len(line)
            key, name, size = msgspec.json.decode(line, type=tuple[str, str, int])
            yield Crop(key, Member(name.encode(), size))
            self.file.seek(at)  # two may be read in turns


class CropsZip:
    """Plans the archives of batches and makes their bytes."""

    def __init__(self, objects: UploadStore) -> None:
        self._objects = objects
        self._known: OrderedDict[str, array[int]] = OrderedDict()

    async def plan(self, batch: str, rows: AsyncIterator[PhotoRecord]) -> Plan:
        """The plan for a batch with these rows.

        Raises:
            StreamappError: ``STORE_AWAY``, and what reading the rows raises.
        """
        file = SpooledTemporaryFile(SPOOL_BYTES)  # noqa: SIM115 - the plan's
        digest, count, at, directory_bytes = sha256(), 0, 0, 0
        stored = _Listing(self._objects, f"{CROPS}{batch}/")
        try:
            async for row in rows:
                if not row.face_crop_url:
                    continue
                key = crop_key(
                    batch,
                    row.photo_index,
                    row.face_index,
                    suffix_of(row.face_crop_url),
                    run=row.run,
                )
                found = await stored.find(row.photo_index, key)
                if found is None:
                    continue
                name = crop_name(row)
                member = Member(name.encode(), found.size)
                line = msgspec.json.encode((key, name, found.size)) + b"\n"
                file.write(line)
                digest.update(line + b"%d\n" % int(found.modified * 1000))
                directory_bytes += zip_records.directory_entry_bytes(member, at)
                at += zip_records.member_bytes(member)
                count += 1
        except BaseException:
            file.close()
            raise
        end = zip_records.end(count, at=at, size=directory_bytes)
        length = at + directory_bytes + len(end)
        return Plan(file, count, at, directory_bytes, length, f'"{digest.hexdigest()[:32]}"')

    async def pieces(self, plan: Plan, span: Span) -> AsyncGenerator[bytes, None]:
        """The bytes of ``span``; the plan's file is closed after them."""
        crcs = self._crcs(plan)
        with closing(plan.file):
            async for at, data in self._members(plan, span, crcs):
                if piece := span.cut(at, data):
                    yield piece
            if span.end <= plan.directory_at:
                return
            await self._complete(plan, crcs)
            at = plan.directory_at
            for data in _directory(plan, crcs):
                if piece := span.cut(at, data):
                    yield piece
                at += len(data)

    async def _members(
        self, plan: Plan, span: Span, crcs: array[int]
    ) -> AsyncGenerator[tuple[int, bytes], None]:
        """The members of which something lies within the span, a few in each piece."""
        start = index = 0
        run: list[Crop] = []
        run_at = run_index = 0
        for crop in plan.crops():
            end = start + zip_records.member_bytes(crop.member)
            if end > span.start and start < span.end:
                if not run:
                    run_at, run_index = start, index
                run.append(crop)
                if len(run) == READ_AT_ONCE or end - run_at >= READ_BYTES:
                    yield run_at, await self._run(run, run_index, crcs)
                    run = []
            if end >= span.end:
                break
            start, index = end, index + 1
        if run:
            yield run_at, await self._run(run, run_index, crcs)

    async def _run(self, run: list[Crop], index: int, crcs: array[int]) -> bytes:
        whole = bytearray()
        for number, (crop, data) in enumerate(
            zip(run, await self._read(run), strict=True), start=index
        ):
            crcs[number] = crc32(data)
            whole += zip_records.local_header(crop.member)
            whole += data
            whole += zip_records.descriptor(crop.member, crcs[number])
        return bytes(whole)

    async def _read(self, run: list[Crop]) -> list[bytes]:
        contents = await asyncio.gather(
            *(
                asyncio.to_thread(self._objects.read, crop.key, 0, crop.member.size + 1)
                for crop in run
            )
        )
        for crop, data in zip(run, contents, strict=True):
            if len(data) != crop.member.size:
                raise StreamappError(Code.CROP_MISSING, f"{crop.key} changed meanwhile")
        return contents

    async def _complete(self, plan: Plan, crcs: array[int]) -> None:
        """Read what was sent by another process before, for its CRCs."""
        if _UNKNOWN not in crcs:
            return
        for index, crop in enumerate(plan.crops()):
            if crcs[index] == _UNKNOWN:
                [data] = await self._read([crop])
                crcs[index] = crc32(data)

    def _crcs(self, plan: Plan) -> array[int]:
        """The CRCs of the plan's crops as far as they are known."""
        crcs = self._known.setdefault(plan.etag, array("q", [_UNKNOWN]) * plan.crop_count)
        self._known.move_to_end(plan.etag)
        while len(self._known) > 1 and sum(map(len, self._known.values())) > REMEMBERED_CROPS_MAX:
            self._known.popitem(last=False)
        return crcs


class _Listing:
    """The objects under a prefix, as they are asked for photo by photo."""

    def __init__(self, objects: UploadStore, prefix: str) -> None:
        self._listing = objects.listing(prefix)
        self._page: list[Stored] = []
        self._of_photo: dict[str, Stored] = {}
        self._photo = -1
        self._ended = False

    async def find(self, photo: int, key: str) -> Stored | None:
        """The object ``key`` of a photo, none before the last one's; None when it is not there."""
        if photo != self._photo:
            self._photo, self._of_photo = photo, {}
            while (found := await self._head()) and _photo_of(found) <= photo:
                if _photo_of(found) == photo:
                    self._of_photo[found.key] = found
                self._page.pop()
        return self._of_photo.get(key)

    async def _head(self) -> Stored | None:
        if not self._page and not self._ended:
            page = await asyncio.to_thread(lambda: list(islice(self._listing, _LISTED)))
            self._ended = len(page) < _LISTED
            self._page = page[::-1]
        return self._page[-1] if self._page else None


def _photo_of(found: Stored) -> int:
    place = crop_place(found.key)
    return place[0] if place else -1  # nobody's


def _directory(plan: Plan, crcs: array[int]) -> Iterator[bytes]:
    piece, at = bytearray(), 0
    for index, crop in enumerate(plan.crops()):
        piece += zip_records.directory_entry(crop.member, crc=crcs[index], at=at)
        at += zip_records.member_bytes(crop.member)
        if len(piece) >= PIECE_BYTES:
            yield bytes(piece)
            piece.clear()
    yield bytes(piece)
    yield zip_records.end(plan.crop_count, at=plan.directory_at, size=plan.directory_bytes)
