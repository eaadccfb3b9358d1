from __future__ import annotations

import io
import itertools
import stat
import struct
import warnings
import zipfile
import zlib
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from streamapp.archive import Judgement, Limits, judge, photos
from streamapp.archive.repeats import Repeats
from streamapp.errors import Code, StreamappError
from tests.archives import directory_entry, listed, reader, without_data, zipped

if TYPE_CHECKING:
    from collections.abc import Callable

LIMITS = Limits()


def judged(data: bytes, limits: Limits = LIMITS) -> Judgement:
    return judge(reader(data), len(data), limits)


def refusal(data: bytes, limits: Limits = LIMITS) -> Code:
    with pytest.raises(StreamappError) as caught:
        judged(data, limits)
    return caught.value.code


def faults(data: bytes, limits: Limits = LIMITS) -> dict[str, Code | None]:
    return {entry.name: entry.fault for entry in listed(data, limits)}


def named(name: str) -> bytes:
    return without_data([directory_entry(name.encode(), 0)], data_bytes=2_000_000)


def with_info(info: zipfile.ZipInfo, content: bytes = b"x") -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(info, content)
    return buffer.getvalue()


def patched(data: bytes, offset: int, pattern: str, value: int) -> bytes:
    """``data`` with a field of its first directory entry overwritten."""
    changed = bytearray(data)
    struct.pack_into(pattern, changed, changed.index(b"PK\1\2") + offset, value)
    return bytes(changed)


KERNEL = bytes(100_000)


def local_header(name: bytes, data_bytes: int, photo: bytes, extra_bytes: int = 0) -> bytes:
    crc = zlib.crc32(photo)
    return (
        struct.pack("<4s5HLLL", b"PK\3\4", 20, 0, 8, 0, 0, crc, data_bytes, len(photo))
        + struct.pack("<HH", len(name), extra_bytes)
        + name
    )


def directory_of(bomb: bytes, headers: list[tuple[int, bytes]]) -> bytes:
    """``bomb`` and a directory that says what the local headers at these offsets say."""
    raws = [
        b"PK\1\2\x14\3" + header[4:28] + bytes(12) + struct.pack("<L", offset) + header[30:]
        for offset, header in headers
    ]
    length = sum(map(len, raws))
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, len(raws), len(raws), length, len(bomb), 0)
    return bomb + b"".join(raws) + end


def quoted_in_data(files: int) -> bytes:
    """Fifield's quoted overlap: a stored block of each file holds the header of the next one."""
    stream = zlib.compressobj(9, wbits=-15)
    data, photo = stream.compress(KERNEL) + stream.flush(), KERNEL
    headers: list[bytes] = []
    for number in reversed(range(files)):
        if headers:
            quote = headers[0]
            data = struct.pack("<BHH", 0, len(quote), len(quote) ^ 0xFFFF) + quote + data
            photo = quote + photo
        headers.insert(0, local_header(b"%d.jpg" % number, len(data), photo))
    offsets = itertools.accumulate((len(each) + 5 for each in headers[:-1]), initial=0)
    return directory_of(headers[0] + data, list(zip(offsets, headers, strict=True)))


def quoted_in_extra_fields(files: int) -> bytes:
    """The same by extra fields: each local header's covers those of the following files."""
    stream = zlib.compressobj(9, wbits=-15)
    kernel = stream.compress(KERNEL) + stream.flush()
    bomb = b""
    headers: list[bytes] = []
    for number in reversed(range(files)):
        field = struct.pack("<HH", 0xFFFE, len(bomb)) if bomb else b""
        header = local_header(b"%d.jpg" % number, len(kernel), KERNEL, len(field + bomb))
        bomb = header + field + bomb
        headers.insert(0, header)
    offsets = itertools.accumulate((len(each) + 4 for each in headers[:-1]), initial=0)
    return directory_of(bomb + kernel, list(zip(offsets, headers, strict=True)))


def test_every_regular_file_counts_as_a_photo_and_clutter_is_skipped() -> None:
    data = zipped(
        dict.fromkeys(
            [
                *("a.jpg", "folder/", "folder/b.PNG", "notes.txt", "without-extension"),
                *("__MACOSX/._a.jpg", "folder/__MACOSX/c.jpg", "folder/._b.PNG"),
                *(".DS_Store", "folder/Thumbs.db", "DESKTOP.INI"),
            ],
            b"x",
        )
    )
    assert judged(data) == Judgement(photos=4, skipped_by={"folder": 1, "clutter": 6})


def test_photos_have_the_indexes_that_the_judgement_counted() -> None:
    data = zipped({"a.jpg": b"1", "folder/": b"", "../b.jpg": b"2", "c.jpg": b"3"})
    assert judged(data) == Judgement(photos=3, failed=1, skipped_by={"folder": 1})
    assert [(entry.index, entry.name) for entry in listed(data)] == [
        (0, "a.jpg"),
        (1, "../b.jpg"),
        (2, "c.jpg"),
    ]


def test_an_archive_without_entries_is_empty() -> None:
    assert refusal(zipped({})) is Code.ARCHIVE_EMPTY


@pytest.mark.parametrize("name", [".DS_Store", "folder/", "readme.txt", "a/index.html", ".jpg/b.c"])
def test_an_archive_of_which_no_name_promises_a_photo_is_refused(name: str) -> None:
    assert refusal(zipped({name: b"x"})) is Code.ARCHIVE_NO_PHOTOS


@pytest.mark.parametrize("name", ["a.jpg", "a.b.JPEG", "a.HEIC", "folder.x/scan", "a.tif"])
def test_one_name_that_promises_a_photo_is_enough(name: str) -> None:
    assert judged(zipped({name: b"x", "readme.txt": b"x"})).photos == 2


@pytest.mark.parametrize(
    "name",
    ["/etc/a.jpg", "../a.jpg", "a/../b.jpg", "a/..", "C:/a.jpg", "c:a.jpg", "a\\b.jpg", "a\0.jpg"],
)
def test_a_name_that_is_a_path_trick_is_a_fault(name: str) -> None:
    assert faults(named(name)) == {name: Code.ENTRY_PATH}


@pytest.mark.parametrize(
    "name", ["a..b.jpg", "..a.jpg", "a/...jpg", "ordner/zwölf.jpg", "x/C:.jpg"]
)
def test_a_name_that_only_looks_like_a_path_trick_is_none(name: str) -> None:
    assert faults(named(name)) == {name: None}


def test_a_name_at_the_limit_is_fine_and_one_past_it_is_cut_and_a_fault() -> None:
    assert faults(named("n" * 1024)) == {"n" * 1024: None}
    for limits in (LIMITS, Limits(name_bytes_max=65_535)):
        assert faults(named("n" * 1025), limits) == {"n" * 1024: Code.ENTRY_PATH}


@pytest.mark.parametrize(("name", "name_bytes"), [("abc.jpg", 7), ("zwölf.jpg", 10), ("写.jpg", 7)])
def test_the_limit_of_a_name_is_in_bytes_of_utf8(name: str, name_bytes: int) -> None:
    assert faults(named(name), Limits(name_bytes_max=name_bytes)) == {name: None}
    assert faults(named(name), Limits(name_bytes_max=name_bytes - 1)) == {name: Code.ENTRY_PATH}


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK])
def test_a_link_or_a_device_is_not_a_file(kind: int) -> None:
    info = zipfile.ZipInfo("a.jpg")
    info.external_attr = (kind | 0o644) << 16
    assert faults(with_info(info)) == {"a.jpg": Code.ENTRY_NOT_A_FILE}


def test_the_upper_attributes_mean_nothing_when_no_unix_wrote_them() -> None:
    info = zipfile.ZipInfo("a.jpg")
    info.create_system = 0
    info.external_attr = stat.S_IFLNK << 16
    assert faults(with_info(info)) == {"a.jpg": None}


def test_a_directory_without_a_slash_is_skipped() -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("folder")
        info.external_attr = stat.S_IFDIR << 16
        archive.writestr(info, b"")
        archive.writestr("a.jpg", b"x")
    assert judged(buffer.getvalue()) == Judgement(photos=1, skipped_by={"folder": 1})


@pytest.mark.parametrize(("content", "skipped"), [(b"", 1), (b"x", 0)])
def test_the_directory_bit_of_dos_is_believed_of_an_empty_entry(
    content: bytes, skipped: int
) -> None:
    info = zipfile.ZipInfo("folder")
    info.create_system = 0
    info.external_attr = 0x10
    data = with_info(info, content)
    with zipfile.ZipFile(buffer := io.BytesIO(data), "a") as archive:
        archive.writestr("a.jpg", b"x")
    assert judged(buffer.getvalue()).skipped == skipped


@pytest.mark.parametrize("flag", [0x1, 0x40, 0x2000])
def test_an_encrypted_entry_is_a_fault(flag: int) -> None:
    data = patched(zipped({"a.jpg": b"x"}), 8, "<H", flag)
    assert faults(data) == {"a.jpg": Code.ENTRY_ENCRYPTED}


def test_aes_is_encryption_also_where_the_flag_is_missing() -> None:
    assert faults(patched(zipped({"a.jpg": b"x"}), 10, "<H", 99)) == {"a.jpg": Code.ENTRY_ENCRYPTED}


@pytest.mark.parametrize("method", [0, 8, 9, 12, 14, 93, 95])
def test_a_method_that_can_be_read_is_fine(method: int) -> None:
    data = patched(zipped({"a.jpg": b"x"}, method=zipfile.ZIP_STORED), 10, "<H", method)
    assert faults(data) == {"a.jpg": None}


@pytest.mark.parametrize("method", [1, 6, 10, 96, 97, 98])
def test_another_method_is_a_fault(method: int) -> None:
    data = patched(zipped({"a.jpg": b"x"}), 10, "<H", method)
    assert faults(data) == {"a.jpg": Code.ENTRY_METHOD}


def test_the_later_one_of_two_entries_with_one_name_is_a_fault() -> None:
    buffer = io.BytesIO()
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")
        for content in (b"1", b"2", b"3"):
            archive.writestr("a.jpg", content)
        archive.writestr("A.jpg", b"4")
    data = buffer.getvalue()
    judgement = judged(data)
    found = photos(reader(data), len(data), LIMITS, duplicates=judgement.duplicates)
    assert judgement.failed == 2
    assert [entry.fault for entry in found] == [
        None,
        Code.ENTRY_DUPLICATE,
        Code.ENTRY_DUPLICATE,
        None,
    ]


def test_of_many_names_exactly_the_repeated_ones_are_found() -> None:
    names = Repeats()
    for number in [*range(5_000), *range(4_000, 6_000)]:
        names.add(hash(f"{number}.jpg"))
    assert list(names.indexes()) == list(range(5_000, 6_000))


@pytest.mark.parametrize(
    ("limits", "fault"),
    [
        (Limits(photo_bytes_max=1_000), None),
        (Limits(photo_bytes_max=999), Code.ENTRY_TOO_LARGE),
        (Limits(photo_compressed_bytes_max=1_000), None),
        (Limits(photo_compressed_bytes_max=999), Code.ENTRY_TOO_LARGE),
    ],
)
def test_a_photo_at_the_limit_is_fine_and_one_past_it_is_too_large(
    limits: Limits, fault: Code | None
) -> None:
    data = zipped({"a.jpg": bytes(1_000)}, method=zipfile.ZIP_STORED)
    assert faults(data, limits) == {"a.jpg": fault}


@pytest.mark.parametrize(("photo_bytes", "fault"), [(2_500, None), (2_501, Code.ENTRY_TOO_LARGE)])
def test_a_photo_that_inflates_beyond_the_ratio_is_too_large(
    photo_bytes: int, fault: Code | None
) -> None:
    raw = bytearray(directory_entry(b"a.jpg", 0, data_bytes=10))
    struct.pack_into("<H", raw, 10, zipfile.ZIP_DEFLATED)
    struct.pack_into("<L", raw, 24, photo_bytes)
    assert faults(without_data([bytes(raw)], data_bytes=100)) == {"a.jpg": fault}


def test_a_bomb_of_zeros_is_too_large() -> None:
    assert faults(zipped({"a.jpg": bytes(10_000_000)})) == {"a.jpg": Code.ENTRY_TOO_LARGE}


def test_an_archive_at_the_ratio_of_the_whole_is_fine_and_one_past_it_is_refused() -> None:
    data = zipped({f"{number}.jpg": bytes(40_000) for number in range(10)})
    ratio = 400_000 // len(data) + 1
    for limit, refused in ((ratio, False), (ratio - 1, True)):
        limits = Limits(archive_ratio_max=limit, ratio_max=1_000)
        if refused:
            assert refusal(data, limits) is Code.ARCHIVE_RATIO
        else:
            assert judged(data, limits).photos == 10


def test_photos_that_are_not_inflated_do_not_count_for_the_ratio_of_the_whole() -> None:
    data = zipped({"a.jpg": b"x" * 1_000, "bomb.jpg": bytes(10_000_000)})
    assert judged(data, Limits(archive_ratio_max=5)) == Judgement(photos=2, failed=1)


def test_a_stored_entry_of_two_sizes_is_broken() -> None:
    data = patched(zipped({"a.jpg": b"xyz"}, method=zipfile.ZIP_STORED), 24, "<L", 2)
    assert faults(data) == {"a.jpg": Code.ENTRY_BROKEN}


def test_the_number_of_entries_is_limited_skipped_ones_included() -> None:
    data = zipped({"a.jpg": b"1", "b.jpg": b"2", "folder/": b""})
    assert judged(data, Limits(entries_max=3)).photos == 2
    assert refusal(data, Limits(entries_max=2)) is Code.ARCHIVE_TOO_MANY_ENTRIES


def test_a_claim_of_too_many_entries_is_refused_before_they_are_read() -> None:
    data = without_data([directory_entry(b"a.jpg", 0)], data_bytes=2_000, count=10)
    assert refusal(data, Limits(entries_max=9)) is Code.ARCHIVE_TOO_MANY_ENTRIES


def test_the_limit_on_entries_holds_for_a_directory_that_claims_fewer() -> None:
    raws = [directory_entry(b"%d.jpg" % number, number * 2_000) for number in range(10)]
    data = without_data(raws, data_bytes=20_000, count=1)
    assert refusal(data, Limits(entries_max=9)) is Code.ARCHIVE_TOO_MANY_ENTRIES


@pytest.mark.parametrize(
    "order", [(0, 1, 2), (2, 1, 0), (1, 2, 0)], ids=["ascending", "descending", "mixed"]
)
def test_ranges_that_touch_are_fine_and_ranges_that_share_a_byte_are_not(
    order: tuple[int, ...],
) -> None:
    # 30 bytes of local header, 5 of name, 1,000 of data.
    for distance, overlapping in ((1_035, False), (1_034, True)):
        raws = [directory_entry(b"%d.jpg" % number, number * distance) for number in order]
        data = without_data(raws, data_bytes=2 * distance + 1_035)
        if overlapping:
            assert refusal(data) is Code.ARCHIVE_OVERLAP
        else:
            assert judged(data).photos == 3


def test_entries_that_share_one_header_overlap() -> None:
    raws = [directory_entry(b"%d.jpg" % number, 0) for number in range(3)]
    assert refusal(without_data(raws, data_bytes=5_000)) is Code.ARCHIVE_OVERLAP


@pytest.mark.parametrize("offset", [1_000, 1_999, 2_000, 0xFFFFFFFE])
def test_an_entry_that_reaches_into_the_directory_overlaps_it(offset: int) -> None:
    raws = [directory_entry(b"a.jpg", offset)]
    assert refusal(without_data(raws, data_bytes=2_000)) is Code.ARCHIVE_OVERLAP


@pytest.mark.parametrize("quoted", [quoted_in_data, quoted_in_extra_fields])
def test_a_bomb_whose_entries_quote_the_following_ones_overlaps(
    quoted: Callable[[int], bytes],
) -> None:
    data = quoted(20)
    with zipfile.ZipFile(io.BytesIO(data)) as archive, suppress(zipfile.BadZipFile):
        assert archive.read("0.jpg").endswith(KERNEL)  # newer ones refuse it
    assert refusal(data) is Code.ARCHIVE_OVERLAP


def test_a_skipped_entry_cannot_hide_an_overlap() -> None:
    raws = [directory_entry(b"a.jpg", 0), directory_entry(b"__MACOSX/b", 500)]
    assert refusal(without_data(raws, data_bytes=5_000)) is Code.ARCHIVE_OVERLAP
