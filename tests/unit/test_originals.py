"""Where the photos of a batch lie, and what is found of them in archives of every kind."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from connectors.objects.folder import FolderStore
from streamapp import archive
from streamapp.archive import Limits
from streamapp.archive.directory import PIECE_BYTES
from streamapp.errors import Code, StreamappError
from streamapp.events import ArchiveStored, encode
from streamapp.keys import archive_key, manifest_key
from streamapp.upload import originals
from streamapp.upload.originals import Originals, media_type
from tests.archives import reader, zipped

if TYPE_CHECKING:
    from pathlib import Path

BATCH = "018bcfe5680070008000000000000000"
MANY = 6 * originals.STRIDE + 7


class CountingStore(FolderStore):
    """A folder that counts the bytes that were read."""

    read_bytes = 0

    def read(self, key: str, start: int, length: int) -> bytes:
        data = super().read(key, start, length)
        self.read_bytes += len(data)
        return data


@pytest.fixture
def store(tmp_path: Path) -> CountingStore:
    store = CountingStore(tmp_path / "objects")
    store.prepare()
    return store


def take_in(store: FolderStore, data: bytes, *, nested: bool = False) -> int:
    """Put an archive as the batch's only part; the number of its photos."""
    judgement = archive.judge(reader(data), len(data), Limits(nested=nested))
    store.put(archive_key(BATCH), data, "application/zip")
    part = ArchiveStored(
        batch=BATCH,
        project="p",
        priority=5,
        archive=archive_key(BATCH),
        archive_bytes=len(data),
        name="photos.zip",
        photos=judgement.photos,
        duplicates=judgement.duplicates,
        nested=nested,
        stored_at=0.0,
    )
    store.put(manifest_key(BATCH), encode(part), "application/json")
    return judgement.photos


async def content(found: Originals, index: int) -> bytes:
    with await found.copy(await found.find(BATCH, index)) as file:
        return file.read()


async def test_photos_of_archives_within_the_archive_are_found(store: CountingStore) -> None:
    inner = zipped({"1.jpg": b"inner 1", "2.jpg": b"inner 2" * 100})
    photos = take_in(
        store,
        zipped({"a.jpg": b"outer a", "in.zip": inner, "z.jpg": b"outer z"}, method=0),
        nested=True,
    )
    found = Originals(store, Limits())  # the setting is another by now
    assert [await content(found, index) for index in range(photos)] == [
        b"outer a",
        b"inner 1",
        b"inner 2" * 100,
        b"outer z",
    ]


async def test_a_photo_far_behind_is_found_by_a_short_way_the_second_time(
    store: CountingStore,
) -> None:
    names = {f"{'n' * 200}{index}.jpg": b"%d" % index for index in range(MANY)}
    assert take_in(store, zipped(names, method=0)) == MANY
    found = Originals(store, Limits())
    assert await content(found, MANY - 1) == b"%d" % (MANY - 1)
    assert store.read_bytes > 5 * PIECE_BYTES
    for index in (MANY - 2, originals.STRIDE, originals.STRIDE - 1, 2 * originals.STRIDE + 1, 0):
        store.read_bytes = 0
        assert await content(found, index) == b"%d" % index
        assert store.read_bytes < 3 * PIECE_BYTES


async def test_a_repeated_name_and_a_photo_beyond_the_last_are_refused(
    store: CountingStore,
) -> None:
    one, other = zipped({"a.jpg": b"1", "b.jpg": b"2"}, method=0), b"a.jpg"
    assert take_in(store, one.replace(b"b.jpg", other)) == 2
    found = Originals(store, Limits())
    for index, code in [(1, Code.ENTRY_DUPLICATE), (2, Code.PHOTO_UNKNOWN)]:
        with pytest.raises(StreamappError) as caught:
            await found.find(BATCH, index)
        assert caught.value.code is code


@pytest.mark.parametrize(
    ("head", "expected"),
    [
        (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n", "image/png"),
        (b"GIF89a", "image/gif"),
        (b"RIFF\1\2\3\4WEBPVP8 ", "image/webp"),
        (b"\0\0\0\x1cftypavif", "image/avif"),
        (b"\0\0\0\x18ftypheic", "image/heic"),
        (b"BM\1\2\3\4", "image/bmp"),
        (b"II*\0\1", "image/tiff"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'>", None),
        (b"<!doctype html>", None),
        (b"%PDF-1.7", None),
        (b"", None),
    ],
)
def test_only_what_begins_as_a_picture_is_called_one(head: bytes, expected: str | None) -> None:
    assert media_type(head) == expected
