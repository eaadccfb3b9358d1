from __future__ import annotations

import io
import struct
import tracemalloc
import zipfile
from zlib import crc32

import pytest

from streamapp.archive import Limits, judge
from streamapp.archive.directory import entries
from streamapp.archive.end import find_directory
from streamapp.errors import Code, StreamappError
from tests.archives import directory_entry, listed, reader, with_zip64_end, without_data, zipped

PHOTOS = {f"photos/{number}.jpg": bytes([number]) * 500 for number in range(20)}


def names(data: bytes) -> list[str]:
    return [entry.name for entry in listed(data)]


def refusal(data: bytes, limits: Limits | None = None) -> Code:
    with pytest.raises(StreamappError) as caught:
        judge(reader(data), len(data), limits or Limits())
    return caught.value.code


class Pipe(io.RawIOBase):
    """Takes bytes and cannot seek, so that ``zipfile`` writes data descriptors."""

    def __init__(self) -> None:
        self.data = b""

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.data += bytes(data)
        return len(data)


def test_entries_come_in_directory_order_with_what_the_directory_says() -> None:
    data = zipped({"b.jpg": b"second", "a.jpg": b"x" * 100})
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        expected = [
            (info.filename, info.header_offset, info.compress_size, info.file_size, info.CRC)
            for info in archive.infolist()
        ]
    found = [
        (each.name, each.header_offset, each.compressed_bytes, each.photo_bytes, each.crc)
        for each in listed(data)
    ]
    assert found == expected


@pytest.mark.parametrize("comment_bytes", [1, 21, 22, 76, 65_535])
def test_the_directory_is_found_before_a_comment(comment_bytes: int) -> None:
    buffer = io.BytesIO(zipped(PHOTOS))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = b"c" * comment_bytes
    assert names(buffer.getvalue()) == list(PHOTOS)


def test_an_end_record_quoted_in_the_comment_is_not_taken_for_the_real_one() -> None:
    buffer = io.BytesIO(zipped(PHOTOS))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.comment = b"PK\5\6" + b"\xff" * 40
    assert names(buffer.getvalue()) == list(PHOTOS)


def test_bytes_appended_to_the_archive_are_passed_over() -> None:
    assert names(zipped(PHOTOS) + b"\r\n") == list(PHOTOS)


def test_data_before_the_archive_shift_every_offset() -> None:
    data = zipped(PHOTOS)
    offsets = [entry.header_offset for entry in listed(data)]
    shifted = [entry.header_offset for entry in listed(b"#!/bin/sh\n" + data)]
    assert shifted == [offset + 10 for offset in offsets]


def test_zip64_sizes_and_offsets_are_read_from_the_extra_field() -> None:
    offset = 5 << 32
    widened = struct.pack("<HHQQQ", 1, 24, 7 << 32, 6 << 32, offset)
    raw = bytearray(directory_entry(b"a.jpg", 0xFFFFFFFF, data_bytes=0xFFFFFFFF, extra=widened))
    data = without_data([bytes(raw)], data_bytes=0)
    (entry,) = entries(reader(data), find_directory(reader(data), len(data)))
    assert (entry.photo_bytes, entry.compressed_bytes) == (7 << 32, 6 << 32)
    assert entry.header_offset == offset


def test_a_zip64_field_that_is_too_short_is_refused() -> None:
    short = struct.pack("<HHQ", 1, 8, 1)
    raw = directory_entry(b"a.jpg", 0xFFFFFFFF, data_bytes=0xFFFFFFFF, extra=short)
    assert refusal(without_data([raw], data_bytes=2_000)) is Code.ARCHIVE_BROKEN


def test_entries_of_which_zip64_was_forced_are_read() -> None:
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w") as archive,
        archive.open("a.jpg", "w", force_zip64=True) as file,
    ):
        file.write(b"x" * 100)
    assert [entry.photo_bytes for entry in listed(buffer.getvalue())] == [100]


def test_entries_with_data_descriptors_have_the_directorys_sizes() -> None:
    pipe = Pipe()
    with zipfile.ZipFile(pipe, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.jpg", b"x" * 100)
    assert [entry.photo_bytes for entry in listed(pipe.data)] == [100]


def test_70_000_entries_need_zip64_and_are_all_there() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(70_000):
            archive.writestr(zipfile.ZipInfo(f"{number}.jpg"), b"x")
    data = buffer.getvalue()
    assert judge(reader(data), len(data), Limits()).photos == 70_000


def test_a_count_that_wrapped_around_without_zip64_is_accepted_as_macos_writes_it() -> None:
    spacing = 100
    raws = (
        directory_entry(b"%d.jpg" % number, number * spacing, data_bytes=10)
        for number in range(65_537)
    )
    data = without_data(raws, data_bytes=65_537 * spacing, count=1)
    assert judge(reader(data), len(data), Limits()).photos == 65_537


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_count_that_is_not_the_number_of_entries_is_refused(count: int) -> None:
    raws = [directory_entry(b"a.jpg", 0), directory_entry(b"b.jpg", 2_000)]
    assert refusal(without_data(raws, data_bytes=4_000, count=count)) is Code.ARCHIVE_BROKEN


@pytest.mark.parametrize(
    ("raw", "name"),
    [
        (b"plain.jpg", "plain.jpg"),
        ("zwölf.jpg".encode(), "zwölf.jpg"),
        ("zwölf.jpg".encode("cp437"), "zwölf.jpg"),
        ("写真.jpg".encode("shift_jis"), "Ä╩É^.jpg"),  # neither
    ],
)
def test_names_are_utf8_when_they_can_be_and_else_cp437(raw: bytes, name: str) -> None:
    assert names(without_data([directory_entry(raw, 0)], data_bytes=2_000)) == [name]


@pytest.mark.parametrize(
    ("crc", "name"), [(crc32(b"??.jpg"), "写真.jpg"), (crc32(b"other"), "??.jpg")]
)
def test_a_unicode_path_counts_only_when_it_belongs_to_the_name(crc: int, name: str) -> None:
    path = "写真.jpg".encode()
    extra = struct.pack("<HHBL", 0x7075, 5 + len(path), 1, crc) + path
    raw = directory_entry(b"??.jpg", 0, extra=extra)
    assert names(without_data([raw], data_bytes=2_000)) == [name]


@pytest.mark.parametrize("data", [b"", b"P", b"x" * 21, b"x" * 22, b"\xff\xd8\xff" * 50_000])
def test_what_is_no_zip_is_refused_as_that(data: bytes) -> None:
    assert refusal(data) is Code.ARCHIVE_NOT_ZIP


@pytest.mark.parametrize("tenths", range(1, 10))
def test_an_archive_that_was_cut_off_is_broken(tenths: int) -> None:
    data = zipped(PHOTOS)
    assert refusal(data[: len(data) * tenths // 10]) is Code.ARCHIVE_BROKEN


def test_an_entry_that_runs_past_the_directory_is_broken() -> None:
    raw = bytearray(directory_entry(b"a.jpg", 0))
    struct.pack_into("<H", raw, 28, 6)
    assert refusal(without_data([bytes(raw)], data_bytes=2_000)) is Code.ARCHIVE_BROKEN


def test_a_directory_that_ends_within_the_fixed_part_of_an_entry_is_broken() -> None:
    raws = [directory_entry(b"a.jpg", 0), b"PK\1\2" + bytes(41)]
    assert refusal(without_data(raws, data_bytes=2_000)) is Code.ARCHIVE_BROKEN


def test_an_archive_shorter_than_its_size_is_broken() -> None:
    data = zipped(PHOTOS)
    with pytest.raises(StreamappError) as caught:
        judge(reader(data[:-30]), len(data), Limits())
    assert caught.value.code is Code.ARCHIVE_BROKEN


@pytest.mark.parametrize("field", [4, 6, 8])
def test_an_archive_over_several_disks_is_refused(field: int) -> None:
    data = bytearray(zipped(PHOTOS))
    struct.pack_into("<H", data, len(data) - 22 + field, 7)
    assert refusal(bytes(data)) is Code.ARCHIVE_MULTI_DISK


def test_an_entry_on_another_disk_is_refused() -> None:
    data = bytearray(zipped(PHOTOS))
    struct.pack_into("<H", data, data.index(b"PK\1\2") + 34, 1)
    assert refusal(bytes(data)) is Code.ARCHIVE_MULTI_DISK


def test_a_zip64_end_record_goes_before_the_old_one() -> None:
    data = zipped(PHOTOS)
    assert listed(b"prefix" + with_zip64_end(data)) == listed(b"prefix" + data)


@pytest.mark.parametrize(("more_bytes", "found"), [(1, True), (4_096, True), (4_097, False)])
def test_a_zip64_end_record_may_go_on_with_data_we_do_not_know(
    more_bytes: int,
    found: bool,  # noqa: FBT001 (a row)
) -> None:
    data = with_zip64_end(zipped(PHOTOS))
    at, locator_at = data.index(b"PK\6\6"), data.index(b"PK\6\7")
    more = (b"PK\6\6" + bytes(more_bytes))[:more_bytes]
    longer = bytearray(data[:locator_at] + more + data[locator_at:])
    struct.pack_into("<Q", longer, at + 4, 44 + more_bytes)
    if found:
        assert names(bytes(longer)) == list(PHOTOS)
    else:
        assert refusal(bytes(longer)) is Code.ARCHIVE_BROKEN


def test_a_zip64_locator_without_its_record_is_broken() -> None:
    data = with_zip64_end(zipped(PHOTOS)).replace(b"PK\6\6", b"PK\6\0")
    assert refusal(data) is Code.ARCHIVE_BROKEN


@pytest.mark.parametrize("field", [16, 20, 24, 56 + 4, 56 + 16])
def test_a_zip64_archive_over_several_disks_is_refused(field: int) -> None:
    data = bytearray(with_zip64_end(zipped(PHOTOS)))
    struct.pack_into("<L", data, data.index(b"PK\6\6") + field, 7)
    assert refusal(bytes(data)) is Code.ARCHIVE_MULTI_DISK


def test_the_directory_is_read_in_pieces_and_entries_on_their_borders_are_whole() -> None:
    spacing = 100
    extra = struct.pack("<HH", 0xFFFE, 40_000) + bytes(40_000)
    raws = [
        directory_entry(b"%d.jpg" % number, number * spacing, data_bytes=10, extra=extra)
        for number in range(100)
    ]
    data = without_data(raws, data_bytes=10_000)
    lengths: list[int] = []

    def read(start: int, length: int) -> bytes:
        lengths.append(length)
        return data[start : start + length]

    found = [entry.name for entry in entries(read, find_directory(read, len(data)))]
    assert found == [f"{number}.jpg" for number in range(100)]
    assert len(lengths) == 5
    assert max(lengths) == 1 << 20


def test_judging_200_000_entries_takes_a_few_bytes_for_each() -> None:
    spacing = 100
    raws = (
        directory_entry(b"photos/%d.jpg" % number, number * spacing, data_bytes=10)
        for number in range(200_000)
    )
    data = without_data(raws, data_bytes=200_000 * spacing, count=200_000 % 65_536)
    tracemalloc.start()
    try:
        judgement = judge(reader(data), len(data), Limits())
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert judgement.photos == 200_000
    assert peak < 18 << 20
