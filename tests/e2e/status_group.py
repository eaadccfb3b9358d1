"""A group of workers whose status pages are looked at, and what is hostile in what they show."""

from __future__ import annotations

import asyncio
import time
import zipfile
from contextlib import contextmanager
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import httpx

from connectors.kafka import admin
from ops.sample.make import make_sample
from streamapp.members import Members
from streamapp.settings import read_settings
from streamapp.wiring.stores import object_store
from streamapp.wiring.values import topics
from tests.e2e.installation import Installation

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

PATIENCE_S = 60.0
PHOTOS = 24

HOSTILE_PROJECT = """<script>alert("p")</script>'; DROP TABLE data_records; --"""
HOSTILE_ID = "</td><img src=x onerror=alert(1)>&amp;{{ 7 * 7 }}"
HOSTILE_PHOTO = """"><svg onload=alert(2)>.jpg"""

PAGES = ("overview", "batches", "lanes", "partitions", "tables", "services", "errors")


def path(page: str) -> str:
    return "/" if page == "overview" else f"/{page}"


@contextmanager
def group(kafka: str, folder: Path, **settings: Any) -> Iterator[Installation]:
    """An uploader and two workers over folders and SQLite; 4 partitions unless told otherwise."""
    chosen = read_settings(
        data_dir=folder / "data",
        kafka_bootstrap=kafka,
        kafka_prefix=f"test-{uuid4().hex}.",
        objects_url="",
        records_url="",
        **{"worker_concurrency": 1, "partitions": 4, "session_timeout_s": 6} | settings,
    )
    object_store(chosen).prepare()
    asyncio.run(admin.provision(kafka, topics(chosen).specs(), replication_factor=1))
    with Members(chosen, workers=2) as members:
        yield Installation(chosen, members)


def hostile_batch(installation: Installation, folder: Path) -> str:
    """A batch of photos and one that fails, whose names are hostile, once it is completed."""
    archive = folder / "photos.zip"
    make_sample(archive, photos=PHOTOS)
    with zipfile.ZipFile(archive, "a") as opened:
        opened.writestr(HOSTILE_PHOTO, b"no photo at all")
    answer = installation.upload(archive, projectId=HOSTILE_PROJECT, externalId=HOSTILE_ID)
    batch: str = answer["batchId"]
    installation.wait_for(batch, lambda status: status["status"] == "completed")
    return batch


def told(url: str, page: str) -> dict[str, Any]:
    """A page's JSON."""
    answer = httpx.get(f"{url}/{page}.json", timeout=20).raise_for_status()
    assert answer.headers["content-type"] == "application/json"
    content: dict[str, Any] = answer.json()
    return content


def told_once(url: str, page: str, is_so: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """A page's JSON once it tells that."""
    deadline = time.monotonic() + PATIENCE_S
    while not is_so(content := told(url, page)):
        assert time.monotonic() < deadline, content
        time.sleep(0.2)
    return content


def html(url: str, page: str) -> httpx.Response:
    """A page as a browser gets it."""
    accept = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
    return httpx.get(f"{url}{path(page)}", headers=accept, timeout=20).raise_for_status()


class Parsed(HTMLParser):
    """What a browser would make of a page: its elements, their attributes, its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[str] = set()
        self.links: list[str] = []
        self.text = ""
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {name for name, _ in attrs}
        self.links += [value or "" for name, value in attrs if name in {"href", "src"}]

    def handle_data(self, data: str) -> None:
        self.text += data


def wait_until_whole(url: str) -> None:
    """Return when a worker has the answers of the whole group, with the hostile batch in them."""
    told_once(url, "batches", lambda page: bool(page["recent"]))
    told_once(url, "errors", lambda page: bool(page["photos"]))
