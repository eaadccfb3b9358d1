"""How batches are chosen on the command line, and found in the store and in the log."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import pytest
from msgspec import structs

from connectors.objects.folder import FolderStore
from streamapp.events import ArchiveStored, encode
from streamapp.keys import manifest_key
from streamapp.replay import Project, Since, SinceOffset, These
from streamapp.replay_batches.choosing import choice_of, pairs, time_of

if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from pathlib import Path

    from streamapp.events import RunStarted
    from streamapp.replay import Choice

NOW = 1_800_000_000.0
PART = ArchiveStored(
    batch="",
    project="p",
    priority=5,
    archive="archives/a.zip",
    archive_bytes=1000,
    name="photos.zip",
    photos=100,
    stored_at=0.0,
)


class Log(NamedTuple):
    """A batch log of three partitions."""

    told: tuple[tuple[str, ...], ...] = ()

    async def publish(self, event: RunStarted) -> None:
        raise AssertionError(event)

    async def batches_since(self, offset: int, partition: int | None) -> AsyncIterator[str]:
        for number, batches in enumerate(self.told):
            if partition in {None, number}:
                for batch in batches[offset:]:
                    yield batch


def chosen(*ids: str, **options: str | None) -> Choice:
    none = dict.fromkeys(("project", "since", "until", "since_offset"))
    return choice_of(ids, **none | options, now=NOW)


def test_each_way_of_choosing_is_understood() -> None:
    assert chosen("b1", "b2") == These(("b1", "b2"))
    assert chosen(project="") == Project("")
    assert chosen(since="2h") == Since(NOW - 7200, NOW)
    assert chosen(since="3d", until="90m") == Since(NOW - 3 * 86_400, NOW - 5400)
    assert chosen(since_offset="17") == SinceOffset(17)
    assert chosen(since_offset="3:0") == SinceOffset(0, 3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2027-01-15", 1_799_971_200),
        ("2027-01-15T08:00", NOW),
        ("2027-01-15T08:00:00Z", NOW),
        ("2027-01-15T09:00+01:00", NOW),
        ("1.5h", NOW - 5400),
        ("0s", NOW),
        ("1w", NOW - 604_800),
    ],
)
def test_a_time_is_a_moment_or_an_age(text: str, expected: float) -> None:
    assert time_of(text, "--since", NOW) == expected


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({}, "either"),
        ({"project": "p", "since": "2h"}, "either"),
        ({"since": "yesterday"}, "--since: 'yesterday'"),
        ({"since": "-2h"}, "--since: '-2h'"),
        ({"since": "2h", "until": "2 h"}, "--until: '2 h'"),
        ({"since": "2h", "until": "2h"}, "--until must be later"),
        ({"until": "2h"}, "--until goes with"),
        ({"since_offset": "x"}, "--since-offset: 'x'"),
        ({"since_offset": "-1"}, "--since-offset"),
        ({"since_offset": "1:"}, "--since-offset"),
    ],
)
def test_what_cannot_be_understood_names_the_option(options: dict[str, str], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        chosen(**options)


def test_batches_are_chosen_in_one_way_only() -> None:
    with pytest.raises(ValueError, match="either"):
        chosen("b1", project="p")


def test_settings_are_pairs_of_which_the_last_of_a_name_counts() -> None:
    assert pairs(["FACES=one", "CROP_SIZE=", "FACES=a=b"]) == (("CROP_SIZE", ""), ("FACES", "a=b"))
    for wrong in ("FACES", "=all", ""):
        with pytest.raises(ValueError, match="NAME=VALUE"):
            pairs([wrong])


@pytest.fixture
def objects(tmp_path: Path) -> FolderStore:
    """Four batches, of which ``b2`` has two parts."""
    store = FolderStore(tmp_path)
    store.prepare()
    parts = [
        ("b1", 0, "p", 1000.0),
        ("b2", 0, "q", 2000.0),
        ("b2", 1, "q", 5000.0),
        ("b3", 0, "p", 3000.0),
        ("b4", 0, "p", 4000.0),
    ]
    for batch, number, project, stored_at in parts:
        part = structs.replace(PART, batch=batch, project=project, stored_at=stored_at)
        store.put(manifest_key(batch, number), encode(part), "application/json")
    return store


async def test_a_project_has_its_batches_and_no_others(objects: FolderStore) -> None:
    assert await Project("p").batches(objects, Log()) == ["b1", "b3", "b4"]
    assert await Project("q").batches(objects, Log()) == ["b2"]
    assert await Project("r").batches(objects, Log()) == []


async def test_a_batch_is_of_the_time_when_any_part_of_it_was_stored(objects: FolderStore) -> None:
    assert await Since(2000, 4000).batches(objects, Log()) == ["b2", "b3"]
    assert await Since(4500, 9000).batches(objects, Log()) == ["b2"]
    assert await Since(0, 1000).batches(objects, Log()) == []


async def test_the_log_tells_of_each_batch_once(objects: FolderStore) -> None:
    log = Log((("b1", "b2", "b1"), ("b3",), ()))
    assert await SinceOffset(0).batches(objects, log) == ["b1", "b2", "b3"]
    assert await SinceOffset(1).batches(objects, log) == ["b2", "b1"]
    assert await SinceOffset(0, 1).batches(objects, log) == ["b3"]


async def test_batches_that_are_named_are_taken_once_in_their_order(objects: FolderStore) -> None:
    assert await These(("b9", "b1", "b9")).batches(objects, Log()) == ["b9", "b1"]
