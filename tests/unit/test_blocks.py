from __future__ import annotations

import pytest

from connectors.objects.blocks import Blocks


@pytest.mark.parametrize("data", [b"abcdefg", memoryview(b"abcdefg")])
def test_blocks_are_of_the_size_asked_for_until_the_end(data: bytes | memoryview) -> None:
    blocks = Blocks(data)
    assert [bytes(blocks.read(3)) for _ in range(4)] == [b"abc", b"def", b"g", b""]


def test_a_try_begins_again_where_the_first_began() -> None:
    blocks = Blocks(b"abcdefg")
    blocks.read(2)
    began = blocks.tell()
    blocks.read(4)
    assert blocks.seek(began) == 2
    assert bytes(blocks.read(9)) == b"cdefg"
