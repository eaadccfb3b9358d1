from __future__ import annotations

import tracemalloc
import zlib

import pytest

from streamapp.archive.inflate import DEFLATED, STORED, inflate
from streamapp.errors import Code, StreamappError

PHOTO = bytes(range(256)) * 40
CRC = zlib.crc32(PHOTO)


def deflated(content: bytes) -> bytes:
    stream = zlib.compressobj(wbits=-15)
    return stream.compress(content) + stream.flush()


def refusal(method: int, raw: bytes, photo_bytes: int = len(PHOTO), crc: int = CRC) -> Code:
    with pytest.raises(StreamappError) as caught:
        inflate(method, raw, photo_bytes, crc)
    return caught.value.code


@pytest.mark.parametrize(("method", "raw"), [(STORED, PHOTO), (DEFLATED, deflated(PHOTO))])
def test_a_photo_comes_out_as_it_went_in(method: int, raw: bytes) -> None:
    assert inflate(method, memoryview(raw), len(PHOTO), CRC) == PHOTO


@pytest.mark.parametrize(("method", "raw"), [(STORED, b""), (DEFLATED, deflated(b""))])
def test_an_empty_photo_is_empty(method: int, raw: bytes) -> None:
    assert inflate(method, raw, 0, 0) == b""


@pytest.mark.parametrize("method", [STORED, DEFLATED])
def test_another_crc_is_broken(method: int) -> None:
    raw = PHOTO if method == STORED else deflated(PHOTO)
    assert refusal(method, raw, crc=CRC ^ 1) is Code.ENTRY_BROKEN


@pytest.mark.parametrize("photo_bytes", [len(PHOTO) - 1, len(PHOTO) + 1, 0])
@pytest.mark.parametrize("method", [STORED, DEFLATED])
def test_another_size_than_declared_is_broken(method: int, photo_bytes: int) -> None:
    raw = PHOTO if method == STORED else deflated(PHOTO)
    crc = zlib.crc32(PHOTO[:photo_bytes])
    assert refusal(method, raw, photo_bytes, crc) is Code.ENTRY_BROKEN


@pytest.mark.parametrize(
    "raw", [b"", deflated(PHOTO)[:-1], deflated(PHOTO) + b"x", b"\xff" * 20, PHOTO]
)
def test_deflate_data_that_end_early_go_on_or_are_none_are_broken(raw: bytes) -> None:
    assert refusal(DEFLATED, raw) is Code.ENTRY_BROKEN


def test_an_unknown_method_is_named() -> None:
    assert refusal(12, PHOTO) is Code.ENTRY_METHOD


def test_a_bomb_inflates_to_no_more_than_it_declares() -> None:
    bomb = deflated(bytes(50_000_000))
    tracemalloc.start()
    try:
        assert refusal(DEFLATED, bomb, 1_000_000) is Code.ENTRY_BROKEN
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3_000_000
