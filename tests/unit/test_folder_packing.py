"""Packing a folder: what belongs to it, what changes meanwhile, what needs Zip64."""

from __future__ import annotations

import io
import os
import subprocess
import zipfile
from typing import TYPE_CHECKING
from zlib import crc32

import pytest

from streamapp import zip_records as records
from streamapp.archive import Limits, judge, read_run
from streamapp.errors import Code, StreamappError
from streamapp.upload_files.packing import Folder
from streamapp.zip_records import Member
from tests.archives import claims, reader

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

GIB = 1 << 30


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "holiday"
    put(folder, {"b.jpg": b"second" * 100_000, "a/1.jpg": b"first", "c.jpg": b"third" * 1000})
    return folder


def put(folder: Path, files: dict[str, bytes]) -> None:
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)


def packed(folder: Path, said: list[str] | None = None) -> bytes:
    return b"".join(Folder(folder, (said if said is not None else []).append).pieces(0))


def fates(data: bytes) -> dict[str, bytes | Code]:
    """Each photo's bytes, or its error, as a worker reads them."""
    return {
        photo.name: found.code if isinstance(found, StreamappError) else found
        for photo, found in read_run(reader(data), claims(data))
    }


def test_hidden_files_and_clutter_are_left_out(folder: Path) -> None:
    put(folder, {".hidden": b"x", ".git/a.jpg": b"x", "Thumbs.db": b"x", "a/.DS_Store": b"x"})
    put(folder, {"__MACOSX/a.jpg": b"x"})
    with zipfile.ZipFile(io.BytesIO(packed(folder))) as archive:
        assert archive.namelist() == ["a/1.jpg", "b.jpg", "c.jpg"]


def test_symbolic_links_are_not_followed_and_counted_in_one_line(
    folder: Path, tmp_path: Path
) -> None:
    put(tmp_path, {"else/x.jpg": b"x"})
    (folder / "a/file.jpg").symlink_to(tmp_path / "else/x.jpg")
    (folder / "folder").symlink_to(tmp_path / "else")
    (folder / "broken.jpg").symlink_to("nowhere")
    (folder / ".hidden").symlink_to(tmp_path / "else")
    said: list[str] = []
    with zipfile.ZipFile(io.BytesIO(packed(folder, said))) as archive:
        assert archive.namelist() == ["a/1.jpg", "b.jpg", "c.jpg"]
    assert said == ["holiday: 3 symbolic links skipped, as links are not followed"]
    (tmp_path / "given").symlink_to(folder)
    assert packed(tmp_path / "given") == packed(folder)


def test_a_photo_is_packed_as_a_folder_of_one(folder: Path) -> None:
    with zipfile.ZipFile(io.BytesIO(packed(folder / "c.jpg"))) as archive:
        assert archive.namelist() == ["c.jpg"]
        assert archive.read("c.jpg") == b"third" * 1000


def test_a_folder_without_a_file_is_refused(tmp_path: Path) -> None:
    put(tmp_path, {".hidden": b"x"})
    with pytest.raises(ValueError, match="no file"):
        Folder(tmp_path, print)


def test_the_uploader_and_info_zip_take_it(folder: Path, tmp_path: Path) -> None:
    data = packed(folder)
    judgement = judge(reader(data), len(data), Limits())
    assert (judgement.photos, judgement.failed, judgement.skipped) == (3, 0, 0)
    assert fates(data)["b.jpg"] == b"second" * 100_000
    (tmp_path / "holiday.zip").write_bytes(data)
    subprocess.run(["unzip", "-tq", tmp_path / "holiday.zip"], check=True, capture_output=True)


def test_a_copy_at_another_time_and_place_gives_the_same_bytes(
    folder: Path, tmp_path: Path
) -> None:
    subprocess.run(["cp", "-r", folder, tmp_path / "copy"], check=True)
    os.utime(tmp_path / "copy/b.jpg", (1, 1))
    assert packed(tmp_path / "copy") == packed(folder)


def test_a_name_that_is_no_utf8_stays_what_it_is(folder: Path) -> None:
    (folder / os.fsdecode(b"gr\xfc\xdfe.jpg")).write_bytes(b"old disk")
    with zipfile.ZipFile(io.BytesIO(packed(folder))) as archive:
        (name,) = set(archive.namelist()) - {"a/1.jpg", "b.jpg", "c.jpg"}
        assert name.encode("cp437") == b"gr\xfc\xdfe.jpg"
        assert archive.read(name) == b"old disk"


@pytest.mark.parametrize(
    "change",
    [
        lambda path: path.write_bytes(b"shorter"),
        lambda path: path.write_bytes(b"longer" * 200_000),
        lambda path: path.write_bytes(b"SECOND" * 100_000),
        lambda path: path.unlink(),
    ],
    ids=["shorter", "longer", "other", "gone"],
)
def test_a_file_that_changes_fails_alone_and_is_told(
    folder: Path, change: Callable[[Path], object]
) -> None:
    said: list[str] = []
    packing = Folder(folder, said.append)
    change(folder / "b.jpg")
    data = b"".join(packing.pieces(0))
    assert len(data) == packing.length
    assert fates(data) == {
        "a/1.jpg": b"first",
        "b.jpg": Code.ENTRY_BROKEN,
        "c.jpg": b"third" * 1000,
    }
    (sentence,) = said
    assert sentence.startswith("b.jpg changed")


def test_a_file_that_changes_between_two_requests_fails_alone(folder: Path) -> None:
    packing = Folder(folder, print)
    sent = b"".join(packing.pieces(0))
    middle = 300_000
    assert sent[middle:].startswith(
        (b"second", b"econds", b"condse", b"ondsec", b"ndseco", b"dsecon")
    )
    (folder / "b.jpg").write_bytes(b"SECOND" * 100_000)
    found = fates(sent[:middle] + b"".join(packing.pieces(middle)))
    assert found["b.jpg"] is Code.ENTRY_BROKEN
    assert found["c.jpg"] == b"third" * 1000


def test_files_before_the_offset_are_not_read_again(folder: Path) -> None:
    said: list[str] = []
    packing = Folder(folder, said.append)
    sent = b"".join(packing.pieces(0))
    (folder / "a/1.jpg").unlink()
    middle = 300_000
    assert not list(packing.prepare(middle))
    assert sent[:middle] + b"".join(packing.pieces(middle)) == sent
    assert not said


@pytest.mark.parametrize("change", ["content", "time", "name"])
def test_other_files_have_another_fingerprint(folder: Path, change: str) -> None:
    before = Folder(folder, print).fingerprint
    assert Folder(folder, print).fingerprint == before
    match change:
        case "content":
            (folder / "c.jpg").write_bytes(b"fourth")
        case "time":
            os.utime(folder / "c.jpg", (1, 1))
        case _:
            (folder / "c.jpg").rename(folder / "d.jpg")
    assert Folder(folder, print).fingerprint != before


# Zip64.


class Sparse(io.RawIOBase):
    """A file of zeros with some bytes in it."""

    def __init__(self, parts: list[tuple[int, bytes]]) -> None:
        self._parts = parts
        self._at = 0
        self._size = max(at + len(part) for at, part in parts)

    def seekable(self) -> bool:
        return True

    def readable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = 0) -> int:
        self._at = offset + (0, self._at, self._size)[whence]
        return self._at

    def read(self, size: int = -1) -> bytes:
        end = self._size if size < 0 else min(self._size, self._at + size)
        data = bytearray(end - self._at)
        for at, part in self._parts:
            start, stop = max(at, self._at), min(at + len(part), end)
            if start < stop:
                data[start - self._at : stop - self._at] = part[start - at : stop - at]
        self._at = end
        return bytes(data)


def laid_out(members: list[Member], contents: dict[bytes, bytes]) -> Sparse:
    """The archive of ``members``, of which only some have other content than zeros."""
    parts, directory, at = [], b"", 0
    for member in members:
        header = records.local_header(member)
        content = contents.get(member.name, b"")
        crc = crc32(content) if content else 0
        behind = at + len(header) + member.size
        parts += [(at, header + content), (behind, records.descriptor(member, crc))]
        entry = records.directory_entry(member, crc=crc, at=at)
        assert len(entry) == records.directory_entry_bytes(member, at)
        directory += entry
        at += records.member_bytes(member)
        assert at == behind + len(records.descriptor(member, crc))
    parts.append((at, directory + records.end(len(members), at=at, size=len(directory))))
    return Sparse(parts)


@pytest.mark.parametrize("size", [4 * GIB - 2, 4 * GIB - 1, 4 * GIB, 5 * GIB])
def test_files_around_and_behind_four_gib_are_found(size: int) -> None:
    members = [Member(b"film.mp4", size), Member(b"last.jpg", 4)]
    with zipfile.ZipFile(laid_out(members, {b"last.jpg": b"last"})) as archive:
        assert [(entry.filename, entry.file_size) for entry in archive.infolist()] == [
            ("film.mp4", size),
            ("last.jpg", 4),
        ]
        assert archive.read("last.jpg") == b"last"


def test_no_field_holds_the_number_that_points_to_zip64() -> None:
    member, ones = Member(b"1.jpg", 4), (1 << 32) - 1
    plain = records.directory_entry(member, crc=0, at=ones - 1)
    assert len(records.directory_entry(member, crc=0, at=ones)) == len(plain) + 12
    assert records.end(65_534, at=ones - 1, size=ones - 1).startswith(b"PK\5\6")
    for count, at, size in [(65_535, 0, 0), (1, ones, 0), (1, 0, ones)]:
        assert records.end(count, at=at, size=size).startswith(b"PK\6\6")


@pytest.mark.parametrize("count", [65_534, 65_535, 65_536])
def test_any_number_of_files_is_counted(count: int) -> None:
    members = [Member(b"%d" % number, 0) for number in range(count)]
    directory = b"".join(records.directory_entry(member, crc=0, at=0) for member in members)
    data = directory + records.end(count, at=0, size=len(directory))
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert len(archive.infolist()) == count
