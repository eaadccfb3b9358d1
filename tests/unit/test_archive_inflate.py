from __future__ import annotations

import lzma
import random
import struct
import tracemalloc
import zlib

import pytest

from streamapp.archive.inflate import inflate
from streamapp.archive.methods import DEFLATED, DEFLATED_64, LZMA, METHODS, STORED, XZ
from streamapp.errors import Code, StreamappError
from tests.compressors import COMPRESSORS, lzma_1

PHOTO = bytes(range(256)) * 40
CRC = zlib.crc32(PHOTO)
COMPRESSED = [method for method in COMPRESSORS if method != STORED]
SAY_THEY_END = [method for method in COMPRESSED if method not in (DEFLATED_64, LZMA)]


def refusal(method: int, raw: bytes, photo_bytes: int = len(PHOTO), crc: int = CRC) -> Code:
    with pytest.raises(StreamappError) as caught:
        inflate(method, raw, photo_bytes, crc)
    return caught.value.code


def test_every_method_is_tried_here() -> None:
    assert set(COMPRESSORS) == METHODS


@pytest.mark.parametrize("method", COMPRESSORS)
def test_a_photo_comes_out_as_it_went_in(method: int) -> None:
    raw = COMPRESSORS[method](PHOTO)
    assert inflate(method, memoryview(raw), len(PHOTO), CRC) == PHOTO


@pytest.mark.parametrize("method", COMPRESSORS)
def test_a_photo_that_hardly_compresses_comes_out_too(method: int) -> None:
    photo = random.Random(1).randbytes(300_000)  # noqa: S311 (no secret)
    raw = COMPRESSORS[method](photo)
    assert inflate(method, memoryview(raw), len(photo), zlib.crc32(photo)) == photo


@pytest.mark.parametrize("method", COMPRESSORS)
def test_an_empty_photo_is_empty(method: int) -> None:
    assert inflate(method, COMPRESSORS[method](b""), 0, 0) == b""


@pytest.mark.parametrize("method", COMPRESSORS)
def test_another_crc_is_broken(method: int) -> None:
    assert refusal(method, COMPRESSORS[method](PHOTO), crc=CRC ^ 1) is Code.ENTRY_BROKEN


@pytest.mark.parametrize("photo_bytes", [len(PHOTO) - 1, len(PHOTO) + 1, 0])
@pytest.mark.parametrize("method", COMPRESSORS)
def test_another_size_than_declared_is_broken(method: int, photo_bytes: int) -> None:
    crc = zlib.crc32(PHOTO[:photo_bytes])
    assert refusal(method, COMPRESSORS[method](PHOTO), photo_bytes, crc) is Code.ENTRY_BROKEN


@pytest.mark.parametrize("raw", [b"", b"\0" * 20, b"\xff" * 20, PHOTO], ids=len)
@pytest.mark.parametrize("method", COMPRESSED)
def test_data_of_no_method_are_broken(method: int, raw: bytes) -> None:
    assert refusal(method, raw) is Code.ENTRY_BROKEN


@pytest.mark.parametrize("method", COMPRESSED)
def test_data_that_end_early_are_broken(method: int) -> None:
    raw = COMPRESSORS[method](PHOTO)
    assert refusal(method, raw[: len(raw) * 2 // 3]) is Code.ENTRY_BROKEN


@pytest.mark.parametrize("method", SAY_THEY_END)
def test_data_that_end_one_byte_early_or_go_on_are_broken(method: int) -> None:
    raw = COMPRESSORS[method](PHOTO)
    assert refusal(method, raw[:-1]) is Code.ENTRY_BROKEN
    assert refusal(method, raw + b"x") is Code.ENTRY_BROKEN


@pytest.mark.parametrize("method", [1, 6, 10, 97, 98, 99])
def test_an_unknown_method_is_named(method: int) -> None:
    assert refusal(method, PHOTO) is Code.ENTRY_METHOD


@pytest.mark.parametrize("method", COMPRESSED)
def test_a_bomb_inflates_to_no_more_than_it_declares(method: int) -> None:
    bomb = COMPRESSORS[method](bytes(50_000_000))
    tracemalloc.start()
    try:
        assert refusal(method, bomb, 1_000_000) is Code.ENTRY_BROKEN
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < (3_000_000 if method == DEFLATED else 12_000_000)  # 8 MiB: XZ's dictionary


def test_an_lzma_dictionary_of_4_gib_is_not_taken_at_its_word() -> None:
    raw = bytearray(lzma_1(PHOTO))
    raw[5:9] = b"\xff" * 4
    tracemalloc.start()
    try:
        assert inflate(LZMA, bytes(raw), len(PHOTO), CRC) == PHOTO
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 3_000_000


def test_an_xz_dictionary_of_a_gibibyte_is_broken() -> None:
    # Made small, then said to be large: the compressor would take ten times as much.
    raw = bytearray(lzma.compress(PHOTO, filters=[{"id": lzma.FILTER_LZMA2, "dict_size": 1 << 20}]))
    size_at = raw.index(b"\x21\x01", 12) + 2
    raw[size_at] = 36  # 2^30
    struct.pack_into("<L", raw, 20, zlib.crc32(raw[12:20]))
    assert refusal(XZ, bytes(raw)) is Code.ENTRY_BROKEN
