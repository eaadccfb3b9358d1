"""A photo read piece by piece is what it is when it is read at once, or is refused the same way."""

from __future__ import annotations

import random
import tracemalloc
import zipfile

import pytest
from msgspec import structs

from streamapp import archive
from streamapp.archive.extract import PIECE_BYTES
from streamapp.archive.methods import DEFLATED, METHODS, STORED
from streamapp.errors import Code, StreamappError
from streamapp.events import WHOLE_OBJECT, PhotoQueued
from tests.archives import claims, reader, zipped
from tests.compressors import COMPRESSORS

PHOTO = random.Random(3).randbytes(PIECE_BYTES) * 3 + b"end"  # noqa: S311 - no secret


def zip_of(method: int, content: bytes = PHOTO) -> tuple[bytes, PhotoQueued]:
    """A ZIP of one photo whose data are compressed by the method, and its claim check."""
    raw = COMPRESSORS[method](content)
    data = zipped({"a.jpg": raw}, method=zipfile.ZIP_STORED)
    [claim] = claims(data)
    whole = zipped({"a.jpg": content}, method=zipfile.ZIP_STORED)
    [of_photo] = claims(whole)
    # The local header tells another method and size; it tells them later, as in a stream.
    local = bytearray(data)
    local[6:8] = (8).to_bytes(2, "little")
    local[8:10] = method.to_bytes(2, "little")
    return bytes(local), structs.replace(
        claim, method=method, photo_bytes=len(content), crc=of_photo.crc
    )


def read(data: bytes, claim: PhotoQueued) -> bytes:
    return b"".join(archive.pieces(reader(data), claim))


def refusal(data: bytes, claim: PhotoQueued) -> Code:
    with pytest.raises(StreamappError) as caught:
        read(data, claim)
    return caught.value.code


@pytest.mark.parametrize("method", sorted(METHODS))
@pytest.mark.parametrize("content", [PHOTO, b"", b"x"])
def test_a_photo_comes_out_as_it_went_in(method: int, content: bytes) -> None:
    data, claim = zip_of(method, content)
    assert read(data, claim) == content


@pytest.mark.parametrize("method", sorted(METHODS))
def test_another_crc_or_size_is_broken(method: int) -> None:
    data, claim = zip_of(method)
    assert refusal(data, structs.replace(claim, crc=claim.crc ^ 1)) is Code.ENTRY_BROKEN
    for more in (-1, 1, -PIECE_BYTES, PIECE_BYTES):
        other = structs.replace(claim, photo_bytes=claim.photo_bytes + more)
        assert refusal(data, other) is Code.ENTRY_BROKEN


@pytest.mark.parametrize("method", [STORED, DEFLATED])
def test_data_that_are_cut_off_or_no_such_data_are_broken(method: int) -> None:
    data, claim = zip_of(method)
    cut = data[: claim.header_offset + 100]
    assert refusal(cut, claim) is Code.ENTRY_BROKEN
    assert refusal(data[:10], claim) is Code.ENTRY_BROKEN
    flipped = bytearray(data)
    flipped[1000] ^= 0xFF
    assert refusal(bytes(flipped), claim) is Code.ENTRY_BROKEN


def test_an_object_that_is_the_photo_is_read_as_it_is_unless_it_changed() -> None:
    claim = structs.replace(zip_of(STORED)[1], method=WHOLE_OBJECT)
    assert read(PHOTO, claim) == PHOTO
    assert refusal(PHOTO + b"!", claim) is Code.ENTRY_BROKEN
    assert refusal(PHOTO[:-1], claim) is Code.ENTRY_BROKEN


@pytest.mark.parametrize("method", [STORED, DEFLATED])
def test_a_large_photo_is_never_in_memory_whole(method: int) -> None:
    data, claim = zip_of(method, bytes(40 * PIECE_BYTES))
    tracemalloc.start()
    size = sum(map(len, archive.pieces(reader(data), claim)))
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size == 40 * PIECE_BYTES
    assert most < 6 * PIECE_BYTES
