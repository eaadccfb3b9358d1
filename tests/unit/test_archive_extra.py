from __future__ import annotations

import pytest

from streamapp.archive.extra import extra_field

SEVEN = b"\7\0\2\0ab"


@pytest.mark.parametrize(
    ("extra", "data"),
    [
        (SEVEN, b"ab"),
        (b"\1\0\1\0x" + SEVEN, b"ab"),
        (SEVEN + b"\0\0\0", b"ab"),
        (SEVEN + b"\7\0\0\0", b"ab"),
        (b"", None),
        (b"\7\0", None),
        (SEVEN[:-1], None),
        (b"\1\0\xff\xff" + SEVEN, None),
    ],
    ids=["alone", "second", "padded", "twice", "empty", "cut", "overlong", "behind overlong"],
)
def test_a_field_is_found_whole_or_not_at_all(extra: bytes, data: bytes | None) -> None:
    assert extra_field(extra, 7) == data
