"""A folder packed on the way: what a reader of ZIPs finds, and the same bytes from anywhere."""

from __future__ import annotations

import io
import tempfile
import zipfile
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from streamapp.upload_files.packing import Folder

SAYS_NOTHING: list[str] = []

segments = st.text("abcÄß日 ()", min_size=1, max_size=6).filter(lambda name: name.strip() == name)
names = st.lists(segments, min_size=1, max_size=3).map("/".join)
folders = st.dictionaries(names, st.binary(max_size=2000), min_size=1, max_size=6).filter(
    lambda files: not any(f"{one}/" in f"{two}/" for one in files for two in files if one != two)
)


def written(files: dict[str, bytes], folder: str) -> Path:
    for name, content in files.items():
        path = Path(folder) / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return Path(folder)


@given(folders)
def test_a_reader_of_zips_finds_the_files_and_nothing_else(files: dict[str, bytes]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        packed = Folder(written(files, folder), SAYS_NOTHING.append)
        data = b"".join(packed.pieces(0))
    assert len(data) == packed.length
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        assert archive.testzip() is None
        assert {name: archive.read(name) for name in archive.namelist()} == files
        assert archive.namelist() == sorted(files, key=str.encode)


@given(folders, st.data())
def test_any_offset_goes_on_with_the_same_bytes(
    files: dict[str, bytes], data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        first = Folder(written(files, folder), SAYS_NOTHING.append)
        whole = b"".join(first.pieces(0))
        offset = data.draw(st.integers(0, len(whole)))
        assert b"".join(first.pieces(offset)) == whole[offset:]
        another = Folder(Path(folder), lambda _: None)
        list(another.prepare(offset))
        assert b"".join(another.pieces(offset)) == whole[offset:]
    assert not SAYS_NOTHING
