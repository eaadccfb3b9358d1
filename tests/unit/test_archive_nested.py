from __future__ import annotations

import io
import stat
import struct
import zipfile
from typing import TYPE_CHECKING

import msgspec
import pytest

from streamapp.archive import Judgement, Limits, judge, photos, read_run
from streamapp.errors import Code, StreamappError
from tests.archives import claim, directory_entry, reader, without_data, zipped

if TYPE_CHECKING:
    from streamapp.archive import Entry

OPENED = Limits(nested=True)
INNER = zipped({"a.jpg": b"a" * 50, "folder/": b"", "b.jpg": b"b" * 60})


def stored(contents: dict[str, bytes]) -> bytes:
    return zipped(contents, method=zipfile.ZIP_STORED)


def judged(data: bytes, limits: Limits = OPENED) -> Judgement:
    return judge(reader(data), len(data), limits)


def listed(data: bytes, limits: Limits = OPENED) -> list[Entry]:
    duplicates = judged(data, limits).duplicates
    return list(photos(reader(data), len(data), limits, duplicates=duplicates))


def names(data: bytes, limits: Limits = OPENED) -> list[str]:
    return [entry.name for entry in listed(data, limits)]


def refusal(data: bytes, limits: Limits) -> Code:
    with pytest.raises(StreamappError) as caught:
        judged(data, limits)
    return caught.value.code


@pytest.mark.parametrize("name", ["b.zip", "b.ZIP", "b.rar", "b.7z", "b.tar", "b.tgz", "c/b.cbz"])
def test_an_archive_within_the_archive_is_skipped_and_told(name: str) -> None:
    data = stored({"a.jpg": b"x", name: INNER})
    assert judged(data, Limits()) == Judgement(photos=1, skipped_by={"nested_archive": 1})
    assert names(data, Limits()) == ["a.jpg"]


def test_archives_alone_are_no_photos() -> None:
    assert refusal(stored({"b.zip": INNER}), Limits()) is Code.ARCHIVE_NO_PHOTOS


def test_a_stored_archive_is_opened_in_its_place_with_the_setting() -> None:
    data = stored({"a.jpg": b"x", "c/In.ZIP": INNER, "d.jpg": b"y"})
    assert judged(data) == Judgement(photos=4, skipped_by={"folder": 1})
    assert names(data) == ["a.jpg", "c/In.ZIP/a.jpg", "c/In.ZIP/b.jpg", "d.jpg"]
    assert [entry.index for entry in listed(data)] == [0, 1, 2, 3]


@pytest.mark.parametrize("prefix", [b"", b"#!/bin/sh\n"])
@pytest.mark.parametrize("inner_prefix", [b"", b"stub"])
def test_its_photos_are_read_like_any_others(prefix: bytes, inner_prefix: bytes) -> None:
    data = prefix + stored({"a.jpg": b"x", "in.zip": inner_prefix + INNER})
    run = [claim(entry) for entry in listed(data)]
    assert [content for _, content in read_run(reader(data), run)] == [b"x", b"a" * 50, b"b" * 60]


def test_a_local_header_of_another_name_is_broken_there_too() -> None:
    data = stored({"in.zip": INNER})
    (entry, _) = listed(data)
    for name in ("in.zip/c.jpg", "in/a.jpg", "a.zip.jpg"):
        other = msgspec.structs.replace(claim(entry), name=name)
        ((_, outcome),) = read_run(reader(data), [other])
        assert isinstance(outcome, StreamappError)


def test_what_is_nested_in_it_is_skipped() -> None:
    data = stored({"in.zip": stored({"a.jpg": b"x", "in.zip": INNER})})
    assert judged(data) == Judgement(photos=1, skipped_by={"nested_archive": 1})


def test_archives_of_other_kinds_are_skipped_with_the_setting_too() -> None:
    data = stored({"a.jpg": b"x", "b.rar": INNER})
    assert judged(data) == Judgement(photos=1, skipped_by={"nested_archive": 1})


def test_a_compressed_one_cannot_be_opened_in_place() -> None:
    data = zipped({"a.jpg": b"x", "in.zip": INNER})
    assert judged(data) == Judgement(photos=1, skipped_by={"nested_compressed": 1})
    assert names(data) == ["a.jpg"]


def test_an_encrypted_one_is_skipped() -> None:
    data = bytearray(stored({"in.zip": INNER, "a.jpg": b"x"}))
    struct.pack_into("<H", data, data.rindex(b"in.zip") - 46 + 8, 1)
    assert judged(bytes(data)) == Judgement(photos=1, skipped_by={"nested_encrypted": 1})


def overlapping() -> bytes:
    data = bytearray(INNER)
    second = data.rindex(b"b.jpg") - 46
    struct.pack_into("<L", data, second + 42, 0)
    return bytes(data)


@pytest.mark.parametrize(
    "inner",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"no archive", id="no archive"),
        pytest.param(INNER[:-30], id="cut off"),
        pytest.param(overlapping(), id="overlapping"),
        pytest.param(INNER.replace(b"PK\1\2", b"PK\1\3"), id="damaged"),
    ],
)
def test_a_broken_one_costs_only_its_own_photos(inner: bytes) -> None:
    data = stored({"a.jpg": b"x", "in.zip": inner, "b.jpg": b"y"})
    assert judged(data) == Judgement(photos=2, skipped_by={"nested_broken": 1})
    assert names(data) == ["a.jpg", "b.jpg"]


def test_a_link_that_is_called_an_archive_is_broken() -> None:
    buffer = io.BytesIO(stored({"a.jpg": b"x"}))
    with zipfile.ZipFile(buffer, "a") as archive:
        info = zipfile.ZipInfo("in.zip")
        info.external_attr = (stat.S_IFLNK | 0o644) << 16
        archive.writestr(info, INNER)
    assert judged(buffer.getvalue()).skipped_by == {"nested_broken": 1}


def test_one_that_reaches_into_the_directory_is_broken() -> None:
    # The local header's extra field shifts it there, and its comment is what lies there.
    shift = 46
    inner_bytes = len(INNER) + shift
    photo = struct.pack("<4s22xHH", b"PK\3\4", 5, 0) + b"a.jpg"
    header = struct.pack("<4s22xHH", b"PK\3\4", 6, shift) + b"in.zip" + bytes(shift)
    inner = INNER[:-2] + struct.pack("<H", shift)
    data = without_data(
        [
            directory_entry(b"in.zip", len(photo), data_bytes=inner_bytes),
            directory_entry(b"a.jpg", 0, data_bytes=0),
        ],
        data_bytes=len(photo + header + inner),
    )
    data = photo + header + inner + data[len(photo + header + inner) :]
    assert judged(data) == Judgement(photos=1, skipped_by={"nested_broken": 1})


def test_an_empty_one_adds_nothing() -> None:
    assert judged(stored({"a.jpg": b"x", "in.zip": zipped({})})) == Judgement(photos=1)


@pytest.mark.parametrize("name", ["/a.jpg", "../a.jpg", "C:/a.jpg", "a\\b.jpg"])
def test_a_path_trick_within_stays_one(name: str) -> None:
    data = stored({"in.zip": zipped({name: b"x", "b.jpg": b"y"})})
    assert [entry.fault for entry in listed(data)] == [Code.ENTRY_PATH, None]
    assert judged(data).failed == 1


def test_a_path_trick_of_the_outer_name_is_one_for_all_within() -> None:
    data = stored({"../in.zip": INNER})
    assert [entry.fault for entry in listed(data)] == [Code.ENTRY_PATH] * 2


def test_the_limit_of_a_name_holds_for_both_together() -> None:
    data = stored({"in.zip": INNER})  # in.zip/a.jpg
    assert judged(data, Limits(nested=True, name_bytes_max=12)).failed == 0
    assert judged(data, Limits(nested=True, name_bytes_max=11)).failed == 2


def test_a_name_in_cp437_is_put_below_the_archives_like_any_other() -> None:
    inner = zipped({"zw_lf.jpg": b"x"}).replace(b"zw_lf", "zwölf".encode("cp437"))
    assert names(stored({"in.zip": inner})) == ["in.zip/zwölf.jpg"]


def test_a_name_within_can_repeat_one_of_the_outer_archive() -> None:
    data = stored({"in.zip/a.jpg": b"x", "in.zip": INNER})
    assert [entry.fault for entry in listed(data)] == [None, Code.ENTRY_DUPLICATE, None]


def test_entries_within_count_for_the_limit() -> None:
    data = stored({"x.jpg": b"x", "in.zip": INNER})
    assert judged(data, Limits(nested=True, entries_max=5)).photos == 3
    assert refusal(data, Limits(nested=True, entries_max=4)) is Code.ARCHIVE_TOO_MANY_ENTRIES


def test_no_more_than_a_thousand_archives_are_looked_into() -> None:
    contents = {"x.jpg": b"x"} | {f"{number}.zip": b"" for number in range(1_000)}
    assert judged(stored(contents)).skipped_by == {"nested_broken": 1_000}
    contents["one-more.zip"] = b""
    assert refusal(stored(contents), OPENED) is Code.ARCHIVE_TOO_MANY_ENTRIES


def test_photos_within_count_for_the_ratio_of_the_whole() -> None:
    data = stored({"in.zip": zipped({"a.jpg": bytes(100_000)})})
    limits = Limits(nested=True, ratio_max=2_000)
    assert judged(data, msgspec.structs.replace(limits, archive_ratio_max=400)).photos == 1
    limits = msgspec.structs.replace(limits, archive_ratio_max=100)
    assert refusal(data, limits) is Code.ARCHIVE_RATIO


def test_an_error_of_the_store_is_not_the_nested_archives() -> None:
    data = stored({"a.jpg": b"x", "in.zip": INNER})
    start = data.index(b"in.zip") - 30

    def read(at: int, length: int) -> bytes:
        if at == start:
            raise StreamappError(Code.STORE_AWAY)
        return data[at : at + length]

    with pytest.raises(StreamappError) as caught:
        judge(read, len(data), OPENED)
    assert caught.value.code is Code.STORE_AWAY
