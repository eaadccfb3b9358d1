from __future__ import annotations

import io
import tracemalloc
import zipfile
from contextlib import suppress

from hypothesis import event, given, settings
from hypothesis import strategies as st

from streamapp.archive import Limits, judge, photos, read_run
from streamapp.errors import StreamappError
from tests.archives import claim, reader, with_zip64_end


def _valid(prefix: bytes, *, zip64: bool) -> bytes:
    buffer = io.BytesIO()
    buffer.write(prefix)
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.comment = b"a comment"
        archive.writestr("folder/", b"")
        for number, name in enumerate(["a.jpg", "zwölf.jpg", "b.txt"]):
            with archive.open(name, "w", force_zip64=zip64) as file:
                file.write(bytes([number]) * 100)
    return buffer.getvalue()


def _nesting(inner: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("a.jpg", b"x")
        archive.writestr("inner.zip", inner)
        archive.writestr("b.jpg", b"y")
    return buffer.getvalue()


VALID = [
    _valid(b"", zip64=False),
    _valid(b"#!/bin/sh\n", zip64=True),
    with_zip64_end(_valid(b"", zip64=True)),
    _nesting(_valid(b"", zip64=False)),
    _nesting(with_zip64_end(_valid(b"stub", zip64=True))),
]
LIMITS = Limits(nested=True, photo_bytes_max=100_000)
MEMORY_BYTES = 2_000_000
"""Less than a damaged size or count would take, were it believed."""


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    """A valid archive with bytes overwritten, mostly the directory's, and perhaps cut off."""
    data = bytearray(draw(st.sampled_from(VALID)))
    directory = data.index(b"PK\1\2")  # of a nested archive the inner one
    places = st.one_of(
        st.integers(directory, len(data) - 1),
        st.integers(len(data) - 107, len(data) - 1),
        st.integers(0, len(data) - 1),
    )
    values = st.one_of(st.sampled_from([0, 1, 0x7F, 0xFF]), st.integers(0, 255))
    for place, value in draw(st.lists(st.tuples(places, values), min_size=1, max_size=8)):
        data[place] = value
    return bytes(data[: draw(st.one_of(st.none(), st.integers(0, len(data))))])


@given(mutated())
@settings(max_examples=600, deadline=None)
def test_any_mutation_is_judged_or_refused_and_its_photos_are_read_or_fail(data: bytes) -> None:
    tracemalloc.start()
    try:
        settle(data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MEMORY_BYTES


def settle(data: bytes) -> None:
    """Judge an archive and read all of its photos, as the product does."""
    read = reader(data)
    try:
        judgement = judge(read, len(data), LIMITS)
    except StreamappError as error:
        event(error.code.code)
        return
    found = list(photos(read, len(data), LIMITS, duplicates=judgement.duplicates))
    assert [entry.index for entry in found] == list(range(judgement.photos))
    assert sum(entry.fault is not None for entry in found) == judgement.failed
    for entry in found:
        event(str(entry.fault))
        if entry.fault is None:
            ((_, outcome),) = read_run(read, [claim(entry)])
            assert isinstance(outcome, StreamappError) or len(outcome) == entry.photo_bytes


@given(st.binary(max_size=200), st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_around_an_end_record_are_judged_or_refused(before: bytes, after: bytes) -> None:
    data = before + b"PK\5\6" + after
    with suppress(StreamappError):
        judge(reader(data), len(data), Limits())
