"""The corpus of archives through the archive package alone; `tests.e2e` has it end to end."""

from __future__ import annotations

import struct
import zipfile
import zlib
from io import BytesIO
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from streamapp.archive import joins, judge, photos, read_run
from streamapp.errors import StreamappError
from tests.archives import claim, reader
from tests.data.make_archives import LIMITS, corpus
from tests.data.zip_case import FACE, NO_FACE, NOT_AN_IMAGE, Photo, portrait, sky

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from streamapp.archive import Entry
    from streamapp.errors import Code
    from streamapp.events import PhotoQueued
    from tests.data.zip_case import Case, Corpus

    End = tuple[tuple[Photo, ...], Mapping[str, int]] | Code

MAKERS = ("info-zip", "7-zip", "python", "jar", "bsdtar", "stream-zip")


@pytest.fixture(scope="module")
def cases() -> Corpus:
    return corpus()


def test_the_corpus_is_large_and_has_archives_of_every_maker(cases: Corpus) -> None:
    assert len(cases) >= 60
    sound = {name for name, case in cases.items() if (case.photos and case.photos[0].end == FACE)}
    assert not [maker for maker in MAKERS if not any(name.startswith(maker) for name in sound)]


def test_every_archive_ends_as_it_must(cases: Corpus) -> None:
    expected = {name: case.refused or (case.photos, case.skipped) for name, case in cases.items()}
    assert {name: end(case) for name, case in cases.items()} == expected


@pytest.mark.parametrize(
    "name", ["bomb by full overlap", "bomb by quoted overlap", "bomb by extra fields"]
)
def test_the_bombs_that_overlap_would_go_off(cases: Corpus, name: str) -> None:
    data = cases[name].data
    with zipfile.ZipFile(BytesIO(data)) as opened:
        entries = opened.infolist()
    assert sum(entry.file_size for entry in entries) > 5_000 * len(data)
    for entry in entries:
        header = data[entry.header_offset : entry.header_offset + 30]
        at = entry.header_offset + 30 + sum(struct.unpack("<2H", header[26:]))
        content = zlib.decompress(data[at : at + entry.compress_size], -zlib.MAX_WBITS)
        assert zlib.crc32(content) == entry.CRC


def end(case: Case) -> End:
    """What becomes of an archive, the photos told apart by their bytes."""
    read, size = reader(case.data), len(case.data)
    limits = replace(LIMITS, nested=case.nested)
    try:
        judgement = judge(read, size, limits)
    except StreamappError as error:
        return error.code
    listed = list(photos(read, size, limits, duplicates=judgement.duplicates))
    assert judgement.photos == len(listed)
    assert judgement.failed == sum(entry.fault is not None for entry in listed)
    ends = {
        photo.index: content.code if isinstance(content, StreamappError) else _shown(content)
        for run in _runs(listed)
        for photo, content in read_run(read, run)
    }
    return (
        tuple(Photo(entry.name, entry.fault or ends[entry.index]) for entry in listed),
        judgement.skipped_by,
    )


def _runs(listed: list[Entry]) -> Iterator[list[PhotoQueued]]:
    run: list[PhotoQueued] = []
    for photo in (claim(entry) for entry in listed if entry.fault is None):
        if not joins(run, photo):
            yield run
            run = []
        run.append(photo)
    if run:
        yield run


def _shown(content: bytes) -> str | Code:
    return {portrait(): FACE, sky(): NO_FACE}.get(content, NOT_AN_IMAGE)
