"""The client against servers that are away or break off, on real sockets."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from connectors.ports import free_ports
from streamapp.client import Client
from streamapp.errors import Code, Fate, StreamappError

if TYPE_CHECKING:
    from pathlib import Path


async def breaks_off(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(1000)
    writer.close()


@pytest.fixture
def archive(tmp_path: Path) -> Path:
    path = tmp_path / "photos.zip"
    path.write_bytes(bytes(8 * 1024 * 1024))
    return path


async def upload(url: str, archive: Path) -> Code:
    async with Client(url) as client:
        with pytest.raises(StreamappError) as failure:
            await client.upload_zip(archive, project="p", priority=5, on_bytes=lambda _: None)
    return failure.value.code


async def test_an_upload_that_breaks_off_is_the_uploader_away(archive: Path) -> None:
    async with await asyncio.start_server(breaks_off, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        assert await upload(f"http://127.0.0.1:{port}", archive) is Code.UPLOADER_AWAY


async def test_a_port_without_a_server_is_the_uploader_away(archive: Path) -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    assert await upload(url, archive) is Code.UPLOADER_AWAY
    async with Client(url) as client:
        with pytest.raises(StreamappError) as failure:
            await client.status("batch")
    assert failure.value.code is Code.UPLOADER_AWAY
    assert failure.value.fate is Fate.WAIT
    assert failure.value.detail == f"{url}: connection refused"


async def test_a_server_that_points_elsewhere_is_not_followed_but_told() -> None:
    async def points(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1000)
        writer.write(b"HTTP/1.1 308 .\r\nLocation: https://there/\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    async with (
        await asyncio.start_server(points, "127.0.0.1", 0) as server,
        Client(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}") as client,
    ):
        with pytest.raises(StreamappError) as failure:
            await client.status("batch")
    assert failure.value.code is Code.NOT_THE_UPLOADER
    assert "points to https://there/" in failure.value.detail
