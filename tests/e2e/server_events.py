"""Server-Sent Events as a client reads them."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx

if TYPE_CHECKING:
    from collections.abc import Iterator


class ServerEvent(NamedTuple):
    name: str
    id: str
    data: Any


@contextmanager
def followed(url: str, batch: str, last: str = "") -> Iterator[Iterator[ServerEvent]]:
    """The events of a batch, as they come."""
    headers = {"Last-Event-ID": last} if last else {}
    address = f"{url}/api/batch/{batch}/events"
    with httpx.stream("GET", address, headers=headers, timeout=60) as answer:
        assert answer.status_code == 200, answer.read()
        assert answer.headers["content-type"].startswith("text/event-stream")
        yield read_events(answer.iter_lines())


def read_events(lines: Iterator[str]) -> Iterator[ServerEvent]:
    fields: dict[str, str] = {}
    for line in lines:
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "event" in fields:
            yield ServerEvent(fields["event"], fields.get("id", ""), json.loads(fields["data"]))
            fields = {}
