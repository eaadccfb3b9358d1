"""Record stores over SQLite and over a real MariaDB."""

from __future__ import annotations

from contextlib import AsyncExitStack
from typing import TYPE_CHECKING

import pytest

from tests.contract.record_stores import Place

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from connectors.records.interface import RecordStore


@pytest.fixture(params=["sqlite", "mysql"])
async def place(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Place]:
    mysql = request.param == "mysql"
    address = request.getfixturevalue("mysql_url") if mysql else tmp_path / "records.sqlite"
    place = Place(address)
    async with AsyncExitStack() as stack:
        yield place
        for store in place.stores:
            stack.push_async_callback(store.close)


@pytest.fixture
async def store(place: Place) -> RecordStore:
    store = place.open()
    await store.prepare()
    return store
