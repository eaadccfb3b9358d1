"""A stream in parts: sizes, the end, and the limit of S3."""

from __future__ import annotations

from io import BytesIO

import pytest

from connectors.objects.stream import parts
from streamapp.errors import Code, StreamappError


@pytest.mark.parametrize(
    ("data", "pieces"),
    [
        (b"", []),
        (b"ab", [b"ab"]),
        (b"abc", [b"abc"]),
        (b"abcd", [b"abc", b"d"]),
        (b"abcdef", [b"abc", b"def"]),
    ],
)
def test_only_the_last_part_is_shorter(data: bytes, pieces: list[bytes]) -> None:
    assert [bytes(piece) for piece in parts(BytesIO(data), 3, 2)] == pieces


def test_a_byte_more_than_the_parts_can_hold_is_refused() -> None:
    with pytest.raises(StreamappError) as caught:
        list(parts(BytesIO(b"abcdefg"), 3, 2))
    assert caught.value.code is Code.ARCHIVE_TOO_LARGE
