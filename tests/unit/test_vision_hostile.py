"""Hostile photos: each ends as it may, in bounded time and memory, and hurts no neighbour."""

from __future__ import annotations

import ctypes
import io
import time
from contextlib import asynccontextmanager, contextmanager
from random import Random
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pillow_heif
import pytest

from ops.fuzz.desk import Desk
from ops.fuzz.mutate import mutated
from ops.fuzz.pictures import pictures
from ops.sample.make import PORTRAIT
from streamapp import vision
from streamapp.errors import Code, StreamappError
from streamapp.vision.decode import decode, decode_part, read_header
from streamapp.vision.geometry import Box
from tests.data import hostile_files, hostile_jpeg
from tests.data.hostile_ends import FACE, NONE, TIMED_OUT
from tests.data.make_hostile import SLOW, hostile, make_hostile

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterator
    from pathlib import Path

    from streamapp.events import Outcome
    from tests.data.hostile_ends import Corpus

MIB = 1 << 20
PORTRAIT_BYTES = PORTRAIT.read_bytes()
PIXELS: Any = cv2.imread(str(PORTRAIT))
VIVID = np.full((256, 256, 3), (255, 0, 255), np.uint8)
"""Magenta: no pixel of the corpus is."""


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return hostile()


@asynccontextmanager
async def a_desk(folder: Path, **bounds: Any) -> AsyncIterator[Desk]:
    desk = Desk(folder, **{"children": 2, "photo_time_limit_s": 2.0} | bounds)
    await desk.open()
    try:
        yield desk
    finally:
        await desk.close()


def end_of(outcome: Outcome) -> str:
    return outcome.code or (FACE if outcome.faces else NONE)


def crop_of(desk: Desk, outcome: Outcome) -> bytes:
    (face,) = outcome.faces
    assert face.crop
    return desk.store.read(face.crop, 0, MIB)


def pixels_of(photo: bytes, reduction: int = 1) -> Any:
    """The decoded picture; None when it has a code instead."""
    try:
        header = read_header(photo, 10 * MIB)
        scaled = header.format in {"JPEG", "JPEG 2000"}
        return decode(photo, header, reduction if scaled else 1).pixels
    except (StreamappError, MemoryError):
        return None


@contextmanager
def memory_filled_with(filling: int) -> Iterator[None]:
    """What the C library hands out holds this byte until somebody writes to it (M_PERTURB)."""
    libc = ctypes.CDLL(None)
    libc.mallopt(-3, 32 * MIB)  # M_MMAP_THRESHOLD: pages of the kernel's own would be zeros
    libc.mallopt(-6, 0xFF ^ filling)
    try:
        yield
    finally:
        libc.mallopt(-6, 0)


async def test_every_hostile_photo_ends_as_it_may_among_unhurt_neighbours(
    corpus: Corpus, tmp_path: Path
) -> None:
    expected = vision.process(PORTRAIT_BYTES).faces[0].crop
    photos = [photo for content, _ in corpus.values() for photo in (content, PORTRAIT_BYTES)]
    async with a_desk(tmp_path) as desk:
        outcomes = await desk.outcomes("hostile", photos)
        wrong = {
            name: (end_of(outcome), outcome.detail)
            for (name, (_, ends)), outcome in zip(corpus.items(), outcomes[::2], strict=True)
            if end_of(outcome) not in ends
        }
        assert wrong == {}
        assert all(crop_of(desk, neighbour) == expected for neighbour in outcomes[1::2])


async def test_a_photo_of_2000_scans_is_ended_by_its_time_limit(
    corpus: Corpus, tmp_path: Path
) -> None:
    began = time.monotonic()
    async with a_desk(tmp_path, photo_time_limit_s=1.0) as desk:
        outcomes = await desk.outcomes("slow", [PORTRAIT_BYTES, corpus[SLOW][0], PORTRAIT_BYTES])
        assert [end_of(outcome) for outcome in outcomes] == [FACE, TIMED_OUT, FACE]
    assert time.monotonic() - began < 20


async def test_a_photo_that_takes_too_much_memory_crashes_alone(tmp_path: Path) -> None:
    large = hostile_files.empty_png(12_000, 12_000)
    async with a_desk(tmp_path, memory_bytes_max=512 * MIB, photo_time_limit_s=20) as desk:
        outcomes = await desk.outcomes("large", [PORTRAIT_BYTES, large, PORTRAIT_BYTES])
    assert [end_of(outcome) for outcome in outcomes] == [FACE, "photo_crashed", FACE]


def test_no_pixel_of_the_photo_before_comes_out(corpus: Corpus) -> None:
    vivid = hostile_files.encoded(".png", VIVID)
    for name, (content, _) in corpus.items():
        for photos_before in (4, 12) if name != SLOW else ():
            before = [pixels_of(vivid) for _ in range(photos_before)]
            del before
            pixels = pixels_of(content)
            assert pixels is None or not (pixels == VIVID[0, 0]).all(axis=2).any(), name


@pytest.mark.parametrize("name", pictures())
def test_no_pixel_is_memory_that_nobody_wrote(name: str) -> None:
    for number in range(30):
        random = Random(number)  # noqa: S311 - no secret
        photo = mutated(random, pictures()[name], PORTRAIT_BYTES)
        reduction = random.choice((1, 8))
        with memory_filled_with(0x11):
            one = pixels_of(photo, reduction)
        with memory_filled_with(0xEE):
            other = pixels_of(photo, reduction)
        assert (one is None) == (other is None), number
        assert one is None or np.array_equal(one, other), number


def test_a_part_of_a_damaged_jpeg_is_what_its_whole_is_there() -> None:
    whole_photo = pictures()["jpeg part"]
    for number in range(40):
        random = Random(number)  # noqa: S311 - no secret
        photo = mutated(random, whole_photo, PORTRAIT_BYTES)
        if (pixels := pixels_of(photo)) is None:
            continue
        part = decode_part(photo, read_header(photo, 10 * MIB), 1, Box(500, 200, 600, 300))
        rows, columns = part.pixels.shape[:2]
        there = pixels[part.top : part.top + rows, part.left : part.left + columns]
        assert np.array_equal(part.pixels, there), number


def test_of_an_animation_the_first_frame_is_read() -> None:
    noise = np.random.default_rng(1).integers(0, 256, (512, 512, 3), np.uint8)
    (alone,) = vision.process(hostile_files.gif_of([PIXELS])).faces
    (first,) = vision.process(hostile_files.gif_of([PIXELS, noise])).faces
    assert first.crop == alone.crop


def test_a_lossless_jpeg_has_its_face_where_any_other_has_it() -> None:
    pixels = cv2.resize(PIXELS, (1900, 1900))[:950]
    (usual,) = vision.process(hostile_jpeg.jpeg(pixels)).faces
    (lossless,) = vision.process(hostile_jpeg.lossless(pixels)).faces
    box, expected = (
        (face.x, face.y, face.width, face.height) for face in (lossless.face, usual.face)
    )
    assert box == pytest.approx(expected, abs=10)


def test_a_gray_heic_of_more_than_8_bits_is_read() -> None:
    gray = cv2.cvtColor(PIXELS, cv2.COLOR_BGR2GRAY).astype(np.uint16) * 257
    file = io.BytesIO()
    pillow_heif.from_bytes("I;16", gray.shape[::-1], gray.tobytes()).save(file)
    assert len(vision.process(file.getvalue()).faces) == 1


@pytest.mark.parametrize("piece", [b"\xff", b"\xff\xd0", b"\xff\xe0\0\2", b"\xff\xe0\0\0"])
def test_a_jpeg_of_nothing_but_markers_is_soon_broken(piece: bytes) -> None:
    photo = hostile_jpeg.SOI + b"\xff\xe0\0\2" + piece * (20 * MIB // len(piece))
    began = time.process_time()
    with pytest.raises(StreamappError) as caught:
        read_header(photo, MIB)
    assert caught.value.code is Code.PHOTO_BROKEN
    assert time.process_time() - began < 1


def test_the_corpus_is_written_into_a_folder(tmp_path: Path, corpus: Corpus) -> None:
    made = make_hostile(tmp_path / "made")
    assert made == {name: ends for name, (_, ends) in corpus.items()}
    assert {path.name for path in (tmp_path / "made").iterdir()} == set(corpus)
