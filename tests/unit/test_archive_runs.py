from __future__ import annotations

import io
import struct
import zipfile

import msgspec
import pytest

from streamapp.archive import RUN_BYTES, RUN_PHOTOS, byte_range, joins, read_run
from streamapp.errors import Code, StreamappError
from streamapp.events import PhotoQueued
from tests.archives import claims, reader, zipped

CONTENTS = {f"photos/{number}.jpg": bytes([number]) * 500 for number in range(10)}


class CountingReader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.reads: list[tuple[int, int]] = []

    def __call__(self, start: int, length: int) -> bytes:
        self.reads.append((start, length))
        return self.data[start : start + length]


def photo(
    index: int,
    offset: int,
    compressed_bytes: int = 1_000,
    *,
    batch: str = "b1",
    archive: str = "archives/b1.zip",
) -> PhotoQueued:
    return PhotoQueued(
        batch=batch,
        project="p1",
        index=index,
        name=f"{index}.jpg",
        archive=archive,
        header_offset=offset,
        compressed_bytes=compressed_bytes,
        photo_bytes=compressed_bytes,
        method=0,
        crc=0,
    )


def with_local_extra(extra: bytes) -> tuple[bytes, PhotoQueued]:
    """An archive of one stored photo whose local header alone has an extra field."""
    data = zipped({"a.jpg": b"x" * 100}, method=zipfile.ZIP_STORED)
    (claim,) = claims(data)
    widened = bytearray(data[:35] + extra + data[35:])
    struct.pack_into("<H", widened, 28, len(extra))
    return bytes(widened), claim


def codes(data: bytes, run: list[PhotoQueued]) -> list[Code | None]:
    outcomes = (outcome for _, outcome in read_run(reader(data), run))
    return [each.code if isinstance(each, StreamappError) else None for each in outcomes]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_a_run_is_read_at_once_and_gives_every_photo(method: int) -> None:
    read = CountingReader(zipped(CONTENTS, method=method))
    run = claims(read.data)
    assert {claim.name: content for claim, content in read_run(read, run)} == CONTENTS
    assert read.reads == [byte_range(run)]


def test_photos_with_data_descriptors_and_other_names_are_read() -> None:
    buffer = io.BytesIO()
    names = ["zwölf.jpg", "写真.jpg"]
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            with archive.open(name, "w", force_zip64=True) as file:
                file.write(name.encode())
    data = b"prefix" + buffer.getvalue()
    found = dict(read_run(reader(data), claims(data)))
    assert {claim.name: content for claim, content in found.items()} == {
        name: name.encode() for name in names
    }


@pytest.mark.parametrize(("extra_bytes", "reads"), [(28, 1), (4_096, 1), (65_535, 2)])
def test_a_longer_local_header_costs_at_most_a_second_read(extra_bytes: int, reads: int) -> None:
    data, claim = with_local_extra(bytes(extra_bytes))
    read = CountingReader(data)
    assert [content for _, content in read_run(read, [claim])] == [b"x" * 100]
    assert len(read.reads) == reads


def test_a_photo_whose_data_are_damaged_fails_alone() -> None:
    data = bytearray(zipped(CONTENTS))
    run = claims(bytes(data))
    data[run[4].header_offset + 48] ^= 0xFF
    assert codes(bytes(data), run) == [None] * 4 + [Code.ENTRY_BROKEN] + [None] * 5


@pytest.mark.parametrize("at", [0, 3, 8, 26, 27, 30, 40])
def test_a_local_header_that_is_not_the_claimed_ones_is_broken(at: int) -> None:
    data = bytearray(zipped(CONTENTS))
    run = claims(bytes(data))
    data[run[0].header_offset + at] ^= 0xFF
    assert codes(bytes(data), run)[0] is Code.ENTRY_BROKEN


@pytest.mark.parametrize("kept", [0, 20, 29, 60])
def test_an_archive_that_ends_within_the_photo_breaks_it(kept: int) -> None:
    data, claim = with_local_extra(b"")
    assert codes(data[:kept], [claim]) == [Code.ENTRY_BROKEN]


def test_a_method_that_no_judgement_lets_pass_fails_the_photo() -> None:
    data = bytearray(zipped({"a.jpg": b"x"}))
    (claim,) = claims(bytes(data))
    data[8] = 98
    assert codes(bytes(data), [msgspec.structs.replace(claim, method=98)]) == [Code.ENTRY_METHOD]


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_photos_of_other_methods_are_read(method: int) -> None:
    data = zipped(CONTENTS, method=method)
    run = claims(data)
    assert [content for _, content in read_run(reader(data), run)] == list(CONTENTS.values())


@pytest.mark.parametrize(
    ("at", "what"), [(6, "encrypted"), (14, "CRC"), (18, "size"), (22, "size")]
)
def test_a_local_header_that_says_otherwise_than_the_directory_is_broken(
    at: int, what: str
) -> None:
    data = bytearray(zipped(CONTENTS))
    run = claims(bytes(data))
    data[run[0].header_offset + at] ^= 1
    assert codes(bytes(data), run[:2]) == [Code.ENTRY_BROKEN, None], what


@pytest.mark.parametrize("fields", [(14, "<LLL", (0, 0, 0)), (18, "<LL", (0xFFFFFFFF,) * 2)])
def test_what_a_local_header_leaves_to_the_descriptor_or_zip64_is_no_contradiction(
    fields: tuple[int, str, tuple[int, ...]],
) -> None:
    at, pattern, values = fields
    data = bytearray(zipped(CONTENTS))
    run = claims(bytes(data))
    struct.pack_into(pattern, data, at, *values)
    data[6] |= 8 if at == 14 else 0
    assert codes(bytes(data), run[:1]) == [None]


@pytest.mark.parametrize("reads_before", [0, 1])
def test_an_error_of_the_store_is_not_the_photos(reads_before: int) -> None:
    data, claim = with_local_extra(bytes(65_535))
    reads = iter([data] * reads_before)

    def read(start: int, length: int) -> bytes:
        for known in reads:
            return known[start : start + length]
        raise StreamappError(Code.STORE_AWAY)

    with pytest.raises(StreamappError) as caught:
        list(read_run(read, [claim]))
    assert caught.value.code is Code.STORE_AWAY


def test_any_photo_begins_a_run_however_large_it_is() -> None:
    assert joins([], photo(0, 0, RUN_BYTES + 1))


def test_a_close_neighbour_joins_also_when_a_failed_photo_lay_between() -> None:
    assert joins([photo(0, 0)], photo(1, 1_035))
    assert joins([photo(0, 0)], photo(2, 2_070))


@pytest.mark.parametrize(("gap", "joined"), [(0, True), (65_536, True), (65_537, False)])
def test_the_gap_in_the_file_is_bounded(gap: int, joined: bool) -> None:  # noqa: FBT001 (a row)
    assert joins([photo(0, 0)], photo(1, 1_030 + gap)) is joined


@pytest.mark.parametrize(
    "other",
    [
        pytest.param(photo(0, 0), id="the same again"),
        pytest.param(photo(0, 1_035), id="an index again"),
        pytest.param(photo(1, 0), id="going back"),
        pytest.param(photo(1, 500), id="overlapping"),
        pytest.param(photo(1, 1_035, batch="b2"), id="another batch"),
        pytest.param(photo(1, 1_035, archive="archives/b2.zip"), id="another archive"),
    ],
)
def test_what_does_not_follow_does_not_join(other: PhotoQueued) -> None:
    assert not joins([photo(0, 0)], other)


def test_a_run_has_no_more_photos_than_its_limit() -> None:
    run = [photo(number, number * 1_035) for number in range(RUN_PHOTOS)]
    assert joins(run[:-1], run[-1])
    assert not joins(run, photo(RUN_PHOTOS, RUN_PHOTOS * 1_035))


def test_a_run_has_no_more_bytes_than_its_limit() -> None:
    half = RUN_BYTES // 2 - 30
    assert joins([photo(0, 0, half)], photo(1, RUN_BYTES // 2, half))
    assert not joins([photo(0, 0, half)], photo(1, RUN_BYTES // 2, half + 1))
