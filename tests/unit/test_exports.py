"""Results are streamed: rows are taken as pieces are, and a writer ends with whoever takes them."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import aclosing
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest

from streamapp.upload.exports import FORMATS, export
from streamapp.upload.parquet import GROUP_ROWS
from tests.photo_records import a_row

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from connectors.records.interface import PhotoRecord

ROWS = 4 * GROUP_ROWS


class Rows:
    def __init__(self, broken_at: int = ROWS) -> None:
        self.taken = 0
        self._broken_at = broken_at

    async def __aiter__(self) -> AsyncIterator[PhotoRecord]:
        for index in range(ROWS):
            if index == self._broken_at:
                raise ConnectionError("away")
            self.taken = index
            yield a_row(index, photo_name=sha256(b"%d" % index).hexdigest())


def writers() -> list[threading.Thread]:
    return [each for each in threading.enumerate() if each.name == "parquet"]


@pytest.mark.parametrize("name", FORMATS)
async def test_rows_are_taken_only_as_pieces_are(name: str) -> None:
    rows = Rows()
    async with aclosing(export(aiter(rows), FORMATS[name])) as pieces:
        size = 0
        while size < 1000:
            size += len(await anext(pieces))
        assert rows.taken <= 2 * GROUP_ROWS
        async for piece in pieces:
            size += len(piece)
    assert rows.taken == ROWS - 1


async def test_who_goes_away_leaves_no_writer_behind() -> None:
    async with aclosing(export(aiter(Rows()), FORMATS["parquet"])) as pieces:
        await anext(pieces)
        assert len(writers()) == 1
    deadline = time.monotonic() + 10
    while writers():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("name", FORMATS)
async def test_rows_that_end_in_an_error_are_never_taken_for_all(name: str) -> None:
    async with aclosing(export(aiter(Rows(2 * GROUP_ROWS)), FORMATS[name])) as pieces:
        with pytest.raises(ConnectionError):
            async for _ in pieces:
                pass
