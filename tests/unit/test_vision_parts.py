"""A part of a JPEG is decoded to the same pixels as the whole, however the camera was held."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np
import pytest

from ops.sample.make import PORTRAIT, with_orientation
from streamapp.vision.decode import Picture, decode, decode_part, read_header
from streamapp.vision.geometry import Box

PIXELS: Any = cv2.imread(str(PORTRAIT))
WIDTH, HEIGHT = 1203, 899
SAMPLINGS = {
    "444": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444,
    "420": cv2.IMWRITE_JPEG_SAMPLING_FACTOR_420,
}
PARTS = [
    Box(0, 0, 40, 40),
    Box(500, 100, 333, 222),
    Box(-50, 300, 400, 2000),
    Box(900, 600, 1000, 1000),
    Box(2000, 2000, 10, 10),
]


def photo(*flags: int) -> bytes:
    stored = cv2.resize(PIXELS, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC)
    return bytes(cv2.imencode(".jpg", stored, flags)[1])


def the_same_of(whole: Picture, part: Picture) -> Any:
    rows, columns = part.pixels.shape[:2]
    return whole.pixels[part.top : part.top + rows, part.left : part.left + columns]


@pytest.mark.parametrize("sampling", SAMPLINGS)
@pytest.mark.parametrize("reduction", [1, 2, 4])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_part_is_what_the_whole_is_there(orientation: int, reduction: int, sampling: str) -> None:
    stored = photo(cv2.IMWRITE_JPEG_SAMPLING_FACTOR, SAMPLINGS[sampling])
    content = with_orientation(stored, orientation)
    header = read_header(content, 10**9)
    whole = decode(content, header, reduction)
    for wanted in PARTS:
        part = decode_part(content, header, reduction, wanted)
        assert np.array_equal(part.pixels, the_same_of(whole, part))
        assert (part.width, part.height, part.reduction) == whole[1:4]


def test_a_part_holds_what_was_asked_for() -> None:
    content = photo()
    part = decode_part(content, read_header(content, 10**9), 2, Box(500, 100, 333, 222))
    assert part.left <= 250
    assert part.top <= 50
    assert part.left + part.pixels.shape[1] >= (500 + 333) / 2
    assert part.top + part.pixels.shape[0] >= (100 + 222) / 2


def test_the_rows_below_a_part_are_not_decoded(monkeypatch: pytest.MonkeyPatch) -> None:
    decoded: list[tuple[int, ...]] = []
    imdecode = cv2.imdecode

    def noted(*arguments: Any) -> Any:
        pixels: Any = imdecode(*arguments)
        decoded.append(pixels.shape)
        return pixels

    monkeypatch.setattr(cv2, "imdecode", noted)
    for content, rows in (
        (photo(), 200 + 32),
        (photo(cv2.IMWRITE_JPEG_PROGRESSIVE, 1), HEIGHT),
    ):
        decode_part(content, read_header(content, 10**9), 1, Box(0, 0, 100, 199))
        assert decoded.pop()[:2] == (rows, WIDTH)


def test_a_jpeg_that_is_cut_off_below_the_part_is_read_as_far_as_that() -> None:
    content = photo()
    header = read_header(content, 10**9)
    part = decode_part(content[: len(content) // 2], header, 1, Box(0, 0, 100, 100))
    assert np.array_equal(part.pixels, the_same_of(decode(content, header, 1), part))
