"""A JPEG 2000 is decoded at a part of its size where it can be, and whole where it cannot."""

from __future__ import annotations

import io
from typing import Any

import cv2
import numpy as np
import pytest
from PIL import Image

from ops.sample.make import PORTRAIT
from streamapp import vision
from streamapp.errors import Code, StreamappError
from streamapp.vision.decode import decode, read_header, reduction_for

PIXELS: Any = cv2.imread(str(PORTRAIT))


def resized(width: int, height: int) -> Any:
    return cv2.resize(PIXELS, (width, height), interpolation=cv2.INTER_CUBIC)


def jpeg_2000(pixels: Any, **options: Any) -> bytes:
    file = io.BytesIO()
    if pixels.ndim == 3:
        pixels = cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
    Image.fromarray(pixels).save(file, "JPEG2000", **options)
    return file.getvalue()


def reduction_of(photo: bytes, wanted: int) -> int:
    picture = decode(photo, read_header(photo, 10**9), wanted)
    assert picture.pixels.shape[0] == -(-picture.height // picture.reduction)
    assert picture.pixels.shape[1] == -(-picture.width // picture.reduction)
    return picture.reduction


def face_at(photo: bytes) -> tuple[float, float]:
    found = vision.process(photo)
    face = found.faces[0].face
    return (face.x + face.width / 2) / found.width, (face.y + face.height / 2) / found.height


@pytest.mark.parametrize("shape", ["RGB", "RGBA", "gray"])
def test_a_large_one_is_decoded_smaller_and_looks_the_same(shape: str) -> None:
    pixels = resized(2000, 2000)
    if shape == "RGBA":
        stored = Image.fromarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)).convert("RGBA")
        file = io.BytesIO()
        stored.save(file, "JPEG2000")
        photo = file.getvalue()
    else:
        photo = jpeg_2000(cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY) if shape == "gray" else pixels)
    assert reduction_for(read_header(photo, 10**9), 900) == 2
    half = decode(photo, read_header(photo, 10**9), 2).pixels
    whole: Any = cv2.imdecode(np.frombuffer(photo, np.uint8), cv2.IMREAD_COLOR)
    shrunk = cv2.resize(whole, (1000, 1000), interpolation=cv2.INTER_AREA)
    assert np.abs(half.astype(int) - shrunk).mean() < 3


@pytest.mark.parametrize("size", [(3600, 3600), (3601, 3602), (3604, 3599), (1801, 2401)])
def test_its_face_is_where_it_is_at_any_size(size: tuple[int, int]) -> None:
    photo = jpeg_2000(resized(*size), quality_mode="rates", quality_layers=[20])
    assert face_at(photo) == pytest.approx((224 / 512, 118 / 512), abs=0.03)


def test_a_scale_that_would_be_rounded_otherwise_is_not_asked_for() -> None:
    for width, reduction in ((3600, 4), (3601, 2), (3602, 4), (3603, 4)):
        photo = jpeg_2000(resized(width, 400))
        assert reduction_for(read_header(photo, 10**9), 900) == reduction
        assert reduction_of(photo, reduction) == reduction


def test_one_without_scales_is_decoded_whole() -> None:
    photo = jpeg_2000(resized(2000, 2000), num_resolutions=1)
    assert reduction_of(photo, 2) == 1
    assert face_at(photo) == pytest.approx((224 / 512, 118 / 512), abs=0.03)


def test_a_gray_one_of_16_bits_is_decoded_whole() -> None:
    gray = cv2.cvtColor(resized(2000, 2000), cv2.COLOR_BGR2GRAY).astype(np.uint16) * 257
    photo = bytes(cv2.imencode(".jp2", gray)[1])
    assert reduction_of(photo, 2) == 1
    assert len(vision.process(photo).faces) == 1


def test_one_that_is_cut_off_is_broken() -> None:
    photo = jpeg_2000(resized(2000, 2000))
    with pytest.raises(StreamappError) as caught:
        vision.process(photo[:300])
    assert caught.value.code is Code.PHOTO_BROKEN


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L"])
@pytest.mark.parametrize("subsampling", ["4:2:0", "4:4:4"])
def test_an_avif_has_its_pixels_in_every_form(mode: str, subsampling: str) -> None:
    stored = Image.fromarray(cv2.cvtColor(PIXELS, cv2.COLOR_BGR2RGB)).convert(mode)
    file = io.BytesIO()
    stored.save(file, "AVIF", subsampling=subsampling, quality=90, speed=9)
    pixels = decode(file.getvalue(), read_header(file.getvalue(), 10**9), 1).pixels
    expected = cv2.cvtColor(np.asarray(stored.convert("RGB")), cv2.COLOR_RGB2BGR)
    assert pixels.shape == expected.shape
    assert np.abs(pixels.astype(int) - expected).mean() < 4
