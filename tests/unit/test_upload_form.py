from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from streamapp.errors import Code, StreamappError
from streamapp.upload.form import OVERHEAD_BYTES_MAX, read_form
from streamapp.upload.incoming_body import Watch

if TYPE_CHECKING:
    from streamapp.upload.parts import Form

FILE = b"\r\n--edg\r\n--edge\r\n\r--" * 3
BODY = (
    b'--edge-\r\nContent-Disposition: form-data; name="file"; filename="a.zip"\r\n\r\n'
    + FILE
    + b'\r\n--edge-\r\nContent-Disposition: form-data; name="projectId"\r\n\r\np1'
    + b'\r\n--edge-\r\nContent-Disposition: form-data; name="priority"\r\n\r\n7'
    + b"\r\n--edge---\r\n"
)


class Kept:
    def __init__(self) -> None:
        self.data = b""
        self.ended = False

    async def write(self, chunk: bytes) -> None:
        assert not self.ended
        self.data += chunk

    def end(self) -> None:
        self.ended = True


def request(*chunks: bytes) -> Request:
    messages = [{"type": "http.request", "body": chunk, "more_body": True} for chunk in chunks]
    messages.append({"type": "http.request", "body": b"", "more_body": False})

    async def receive() -> dict[str, object]:
        return messages.pop(0)

    headers = [(b"content-type", b"multipart/form-data; boundary=edge-")]
    return Request({"type": "http", "method": "POST", "headers": headers}, receive)


async def read(file: Kept, *chunks: bytes) -> Form:
    return await read_form(request(*chunks), file, Watch(idle_s=5), file_bytes_max=100)


@given(st.lists(st.integers(0, len(BODY)), max_size=12).map(sorted))
async def test_the_form_is_the_same_however_the_body_is_split(cuts: list[int]) -> None:
    edges = [0, *cuts, len(BODY)]
    file = Kept()
    form = await read(file, *(BODY[a:b] for a, b in pairwise(edges)))
    assert (file.data, file.ended) == (FILE, True)
    order = form.order("")
    assert (order.project, order.priority, form.file_name) == ("p1", 7, "a.zip")


@pytest.mark.parametrize("cut", range(1, len(BODY) - 4, 5))
async def test_a_form_that_was_cut_anywhere_is_broken(cut: int) -> None:
    with pytest.raises(StreamappError) as refusal:
        await read(Kept(), BODY[:cut])
    assert refusal.value.code is Code.BODY_BROKEN


@pytest.mark.parametrize("where", ["before", "after"])
async def test_a_body_is_bounded_outside_its_parts_too(where: str) -> None:
    rest = [b"\r\n" * 50_000] * (OVERHEAD_BYTES_MAX // 100_000 + 1)
    with pytest.raises(StreamappError) as refusal:
        await read(Kept(), *([*rest, BODY] if where == "before" else [BODY, *rest]))
    assert refusal.value.code is Code.ARCHIVE_TOO_LARGE
