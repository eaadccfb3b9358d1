from __future__ import annotations

import io
import struct
import warnings
import zipfile
from contextlib import suppress

from hypothesis import given, settings
from hypothesis import strategies as st

from streamapp.archive import Limits, judge, photos
from streamapp.archive.end import find_directory
from streamapp.errors import StreamappError
from streamapp.events import Cursor
from tests.archives import reader, zipped

INNER = zipped({"a.jpg": b"1", "folder/": b"", "b.jpg": b"2", "a.zip": b"", "c.jpg": b"3"})
BROKEN = INNER.replace(b"PK\1\2", b"PK\1\3", 1)

ordinary = st.sampled_from(["a.jpg", "b.jpg", "../c.jpg", "d/", ".DS_Store", "e.rar", "é.jpg"])
archives = st.sampled_from(["x.zip", "y.zip", "__MACOSX/z.zip"])
methods = st.sampled_from([zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
files = st.one_of(
    st.tuples(ordinary, st.binary(max_size=20), methods),
    st.tuples(archives, st.sampled_from([INNER, BROKEN, b""]), methods),
)


def written(entries: list[tuple[str, bytes, int]], prefix: bytes) -> bytes:
    buffer = io.BytesIO(prefix)
    buffer.seek(0, io.SEEK_END)
    with warnings.catch_warnings(), zipfile.ZipFile(buffer, "w") as archive:
        warnings.simplefilter("ignore")  # duplicate names are meant
        for name, content, method in entries:
            archive.writestr(name, content, method)
    return buffer.getvalue()


@given(st.lists(files, min_size=1, max_size=12), st.binary(max_size=10), st.booleans())
@settings(max_examples=200, deadline=None)
def test_the_list_goes_on_exactly_from_any_place(
    entries: list[tuple[str, bytes, int]],
    prefix: bytes,
    nested: bool,  # noqa: FBT001 (drawn)
) -> None:
    data = written([("first.jpg", b"x", 0), *entries], prefix)
    read, limits = reader(data), Limits(nested=nested)
    judgement = judge(read, len(data), limits)
    duplicates = judgement.duplicates
    found = list(photos(read, len(data), limits, duplicates=duplicates))

    assert [entry.index for entry in found] == list(range(judgement.photos))
    assert sum(entry.fault is not None for entry in found) == judgement.failed
    for entry in found:
        rest = photos(read, len(data), limits, duplicates=duplicates, start=entry.after)
        assert list(rest) == found[entry.index + 1 :]


@given(st.integers(1, 200))
@settings(max_examples=30, deadline=None)
def test_nothing_before_the_place_is_read(index: int) -> None:
    data = zipped({f"{number}.jpg": b"x" for number in range(201)})
    start = list(photos(reader(data), len(data), Limits()))[index - 1].after
    directory = find_directory(reader(data), len(data))
    reads: list[int] = []

    def read(at: int, length: int) -> bytes:
        reads.append(at)
        return data[at : at + length]

    assert next(photos(read, len(data), Limits(), start=start)).index == index
    assert reads[1:] == [directory.start + start.entry_at]  # the first one finds the directory


@given(st.integers(0, 1 << 40), st.integers(0, 1 << 31), st.integers(0, 10))
@settings(max_examples=100, deadline=None)
def test_a_place_that_is_none_is_an_end_or_an_error_of_the_catalogue(
    at: int, index: int, inner: int
) -> None:
    data = written([("a.jpg", b"x", 0), ("x.zip", INNER, 0)], b"")
    start = Cursor(index=index, entry_at=at % (2 * struct.calcsize("<46s")), inner=inner)
    with suppress(StreamappError):
        for entry in photos(reader(data), len(data), Limits(nested=True), start=start):
            assert entry.index >= index
