"""A listing in the place of an archive: read in pieces, from any line on, and its photos whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from msgspec import structs

from streamapp.archive import Limits, joins, listed, listing_line, read_run
from streamapp.archive.listing import LINE_BYTES_MAX, PIECE_BYTES
from streamapp.errors import Code, StreamappError
from streamapp.events import WHOLE_OBJECT
from tests.archives import claim, listed_objects, reader

if TYPE_CHECKING:
    from streamapp.events import PhotoQueued

COUNT = 24_000
LISTING = b"".join(listing_line(f"in/{number:05d} ä.jpg", number) for number in range(COUNT))


def photo(content: bytes) -> PhotoQueued:
    return claim(listed_objects(listing_line("in/a.jpg", len(content)))[0])


def test_a_photo_is_an_object_of_its_own() -> None:
    (entry,) = listed_objects(listing_line('in/"ö"\n.jpg', 7))
    assert (entry.index, entry.name, entry.method) == (0, 'in/"ö"\n.jpg', WHOLE_OBJECT)
    assert (entry.header_offset, entry.compressed_bytes, entry.photo_bytes) == (0, 7, 7)
    assert entry.fault is None


def test_every_line_is_listed_whatever_the_pieces() -> None:
    assert len(LISTING) > 3 * PIECE_BYTES
    entries = listed_objects(LISTING)
    assert [entry.index for entry in entries] == list(range(COUNT))
    assert [entry.photo_bytes for entry in entries] == list(range(COUNT))


@pytest.mark.parametrize("index", [0, 1, 7_000, COUNT - 2, COUNT - 1])
def test_listing_goes_on_after_any_photo(index: int) -> None:
    entries = listed_objects(LISTING)
    rest = listed(reader(LISTING), len(LISTING), Limits(), start=entries[index].after)
    assert list(rest) == entries[index + 1 :]


def test_what_lies_before_the_start_is_not_read() -> None:
    start = listed_objects(LISTING)[COUNT - 10].after
    reads: list[int] = []

    def read(at: int, length: int) -> bytes:
        reads.append(at)
        return LISTING[at : at + length]

    assert len(list(listed(read, len(LISTING), Limits(), start=start))) == 9
    assert reads == [start.entry_at]


def test_a_photo_at_the_limit_is_sound_and_one_byte_more_is_not() -> None:
    lines = listing_line("a.jpg", 2000) + listing_line("b.jpg", 2001)
    sound, large = listed_objects(lines, Limits(photo_bytes_max=2000))
    assert (sound.fault, large.fault) == (None, Code.ENTRY_TOO_LARGE)


@pytest.mark.parametrize(
    "listing",
    [
        b"\n",
        b"no json\n",
        b"\xff\n",
        b'{"key":"a.jpg"}\n',
        b'{"key":"","size":1}\n',
        b'{"key":"a.jpg","size":-1}\n',
        b'{"key":"a.jpg","size":1}',
        listing_line("x" * 1025, 1),
        b" " * (LINE_BYTES_MAX + 1),
        b" " * (2 * PIECE_BYTES) + b"\n",
    ],
)
def test_a_damaged_listing_is_broken_from_there_on(listing: bytes) -> None:
    entries = listed(
        reader(listing_line("a", 1) + listing), len(listing_line("a", 1) + listing), Limits()
    )
    with pytest.raises(StreamappError) as raised:
        list(entries)
    assert raised.value.code is Code.ARCHIVE_BROKEN


def test_a_listing_shorter_than_its_size_is_broken() -> None:
    with pytest.raises(StreamappError) as raised:
        list(listed(reader(LISTING), len(LISTING) + 1, Limits()))
    assert raised.value.code is Code.ARCHIVE_BROKEN


def test_the_longest_key_fits_a_line() -> None:
    line = listing_line("\x01" * 1024, 1 << 60)
    assert len(line) <= LINE_BYTES_MAX
    assert len(listed_objects(line)) == 1


# Its photos, as the worker reads them.


def test_an_object_is_read_whole() -> None:
    content = b"the whole object"
    queued = photo(content)
    assert list(read_run(reader(content), [queued])) == [(queued, content)]


@pytest.mark.parametrize("now", [b"", b"shorter", b"longer than it was"])
def test_an_object_that_changed_is_broken(now: bytes) -> None:
    ((_, got),) = read_run(reader(now), [photo(b"as listed")])
    assert isinstance(got, StreamappError)
    assert got.code is Code.ENTRY_BROKEN


def test_of_an_object_that_grew_one_byte_more_is_read() -> None:
    asked: list[tuple[int, int]] = []

    def read(start: int, length: int) -> bytes:
        asked.append((start, length))
        return bytes(length)

    list(read_run(read, [photo(b"123")]))
    assert asked == [(0, 4)]


def test_an_object_joins_no_run_and_no_run_joins_it() -> None:
    whole = photo(b"123")
    behind = structs.replace(whole, index=1, header_offset=40)
    entry = structs.replace(behind, method=0)
    assert joins([], whole)
    assert joins([structs.replace(whole, method=0)], entry), "all else would let them"
    assert not joins([whole], entry)
    assert not joins([structs.replace(whole, method=0)], behind)
