"""Damaged data: always a verdict, never a crash, a hang or more memory than the limit."""

from __future__ import annotations

import random
import tracemalloc
import zlib
from functools import cache

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from streamapp.archive.inflate import inflate
from streamapp.archive.methods import METHODS
from streamapp.errors import StreamappError
from tests.compressors import COMPRESSORS

PHOTO_BYTES = 20_000
PHOTO = random.Random(1).randbytes(PHOTO_BYTES // 2) + bytes(PHOTO_BYTES // 2)  # noqa: S311 (no secret)
CRC = zlib.crc32(PHOTO)
STATE_BYTES = 40 << 20
"""What the least sparing method (XZ, with a damaged dictionary size) may take for itself."""


@cache
def compressed(method: int) -> bytes:
    return COMPRESSORS[method](PHOTO)


def verdict(method: int, raw: bytes, photo_bytes: int, crc: int) -> str:
    try:
        photo = inflate(method, raw, photo_bytes, crc)
    except StreamappError as error:
        return error.code.code
    assert len(photo) == photo_bytes
    assert zlib.crc32(photo) == crc
    return "read"


def settled(found: str) -> bool:
    event(found)
    return found in ("read", "entry_broken")


@pytest.mark.parametrize("method", sorted(METHODS))
@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_damaged_photo_is_read_or_broken(method: int, data: st.DataObject) -> None:
    raw = bytearray(compressed(method))
    places = st.one_of(st.integers(0, min(40, len(raw) - 1)), st.integers(0, len(raw) - 1))
    for place, value in data.draw(st.lists(st.tuples(places, st.integers(0, 255)), max_size=6)):
        raw[place] = value
    cut = data.draw(st.one_of(st.none(), st.integers(0, len(raw))))
    photo_bytes = data.draw(st.one_of(st.just(PHOTO_BYTES), st.integers(0, 2 * PHOTO_BYTES)))
    assert settled(verdict(method, bytes(raw[:cut]), photo_bytes, CRC))


@pytest.mark.parametrize("method", sorted(METHODS))
@given(raw=st.binary(max_size=300), photo_bytes=st.integers(0, 1000))
@settings(max_examples=100, deadline=None)
def test_any_bytes_are_read_or_broken(method: int, raw: bytes, photo_bytes: int) -> None:
    assert settled(verdict(method, raw, photo_bytes, zlib.crc32(raw)))


@pytest.mark.parametrize("method", sorted(METHODS))
@given(places=st.lists(st.tuples(st.integers(0, 60), st.integers(0, 255)), max_size=4))
@settings(max_examples=40, deadline=None)
def test_a_damaged_bomb_takes_no_more_than_its_photo_may(
    method: int, places: list[tuple[int, int]]
) -> None:
    raw = bytearray(bomb(method))
    for place, value in places:
        raw[place % len(raw)] = value
    tracemalloc.start()
    try:
        assert settled(verdict(method, bytes(raw[:100_000]), 1_000, 0))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < STATE_BYTES


@cache
def bomb(method: int) -> bytes:
    """100 MB of zeros."""
    return COMPRESSORS[method](bytes(100_000_000))
