from __future__ import annotations

import asyncio
import os

import pytest

from streamapp.upload.body import Pipe, UploadAbandoned


async def write_all(pipe: Pipe, data: bytes, chunk_bytes: int) -> None:
    for at in range(0, len(data), chunk_bytes):
        assert await pipe.write(data[at : at + chunk_bytes])
    pipe.end()


def read(pipe: Pipe, size: int) -> bytes:
    buffer = memoryview(bytearray(size))
    return bytes(buffer[: pipe.readinto(buffer)])


def read_all(pipe: Pipe, size: int) -> list[bytes]:
    return list(iter(lambda: read(pipe, size), b""))


@pytest.mark.parametrize("chunk_bytes", [1, 7, 64, 1000])
@pytest.mark.parametrize("size", [1, 10, 64, 333, 5000])
async def test_reads_are_of_exactly_the_size_asked_for_until_the_end(
    chunk_bytes: int, size: int
) -> None:
    data = os.urandom(2000)
    pipe = Pipe(bytes_max=100)
    pieces, _ = await asyncio.gather(
        asyncio.to_thread(read_all, pipe, size), write_all(pipe, data, chunk_bytes)
    )
    assert b"".join(pieces) == data
    assert all(len(piece) == size for piece in pieces[:-1])
    assert read(pipe, size) == b""


async def test_a_full_pipe_holds_the_writer_back_until_it_is_read() -> None:
    pipe = Pipe(bytes_max=100)
    await pipe.write(bytes(100))
    waiting = asyncio.create_task(pipe.write(b"x"))
    await asyncio.sleep(0)
    assert not waiting.done()
    await asyncio.to_thread(read, pipe, 40)
    await asyncio.sleep(0)
    assert not waiting.done()
    await asyncio.to_thread(read, pipe, 40)
    assert await asyncio.wait_for(waiting, 5)


async def test_an_abandoned_pipe_raises_in_a_waiting_reader_and_in_the_next() -> None:
    pipe = Pipe()
    await pipe.write(b"half")
    waiting = asyncio.create_task(asyncio.to_thread(read, pipe, 8))
    await asyncio.sleep(0.01)
    pipe.abandon()
    with pytest.raises(UploadAbandoned):
        await waiting
    with pytest.raises(UploadAbandoned):
        read(pipe, 1)


async def test_a_closed_pipe_lets_a_waiting_writer_go() -> None:
    pipe = Pipe(bytes_max=10)
    await pipe.write(bytes(10))
    waiting = asyncio.create_task(pipe.write(b"x"))
    await asyncio.sleep(0)
    pipe.close()
    assert await asyncio.wait_for(waiting, 5) is False
