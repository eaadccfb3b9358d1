"""What may be chosen: the detector, one face or all, their limits, the form of the crop."""

from __future__ import annotations

import io
import tracemalloc
from typing import TYPE_CHECKING, Any, get_args

import cv2
import numpy as np
import pillow_heif
import pytest

from ops.sample.make import PORTRAIT
from streamapp import vision
from streamapp.vision.options import CropFormat, DetectorName, Options

if TYPE_CHECKING:
    from streamapp.events import Face

PIXELS: Any = cv2.imread(str(PORTRAIT))
SIZES = (512, 300, 400)


def encoded(pixels: Any, suffix: str = ".jpg") -> bytes:
    return bytes(cv2.imencode(suffix, np.ascontiguousarray(pixels))[1])


def decoded(crop: bytes | None) -> Any:
    assert crop is not None
    return cv2.imdecode(np.frombuffer(crop, np.uint8), 1)


def heic(pixels: Any, **options: Any) -> bytes:
    buffer = io.BytesIO()
    rgb = cv2.cvtColor(np.ascontiguousarray(pixels), cv2.COLOR_BGR2RGB)
    pillow_heif.from_bytes("RGB", rgb.shape[1::-1], rgb.tobytes()).save(buffer, **options)
    return buffer.getvalue()


def a_group() -> Any:
    """Portraits of different sizes side by side, the largest first."""
    canvas = np.full((512, sum(SIZES), 3), 128, np.uint8)
    left = 0
    for size in SIZES:
        resized = cv2.resize(PIXELS, (size, size), interpolation=cv2.INTER_AREA)
        canvas[:size, left : left + size] = resized
        left += size
    return canvas


def crop_of(pixels: Any, **options: Any) -> Any:
    (found,) = vision.process(encoded(pixels), Options(**options)).faces
    return decoded(found.crop)


def tilted(degrees: float) -> Any:
    """The portrait turned clockwise around its face, its edge repeated."""
    matrix = cv2.getRotationMatrix2D((224, 118), -degrees, 1)
    return cv2.warpAffine(PIXELS, matrix, (512, 512), borderMode=cv2.BORDER_REPLICATE)


def face_of(photo: bytes, **options: Any) -> Face:
    return vision.process(photo, Options(**options)).faces[0].face


@pytest.mark.parametrize("name", get_args(DetectorName))
@pytest.mark.parametrize("size", [(1, 33), (1, 20_000), (20_000, 1), (1, 1)])
def test_no_detector_fails_on_a_line(name: DetectorName, size: tuple[int, int]) -> None:
    flat = encoded(np.full((*size, 3), 90, np.uint8), ".png")
    for faces_max in (1, 9):
        vision.process(flat, Options(detector=name, faces_max=faces_max))


@pytest.mark.parametrize("name", get_args(DetectorName))
def test_every_detector_finds_the_same_face(name: DetectorName) -> None:
    face, default = face_of(encoded(PIXELS), detector=name), face_of(encoded(PIXELS))
    middles = [(f.x + f.width / 2, f.y + f.height / 2) for f in (face, default)]
    assert middles[0] == pytest.approx(middles[1], abs=15)
    assert bool(face.landmarks) is (name != "haar")


def test_one_face_is_the_largest() -> None:
    (found,) = vision.process(encoded(a_group())).faces
    assert found.face.x < SIZES[0]


def test_all_faces_come_best_first_each_with_its_own_crop() -> None:
    faces = vision.process(encoded(a_group()), Options(faces_max=20)).faces
    widths = [found.face.width for found in faces]
    assert len(faces) == len(SIZES)
    assert widths == sorted(widths, reverse=True)
    reference = cv2.resize(crop_of(PIXELS), (32, 32)).astype(float)
    for found in faces:
        crop = cv2.resize(decoded(found.crop), (32, 32)).astype(float)
        assert np.abs(crop - reference).mean() < 25


@pytest.mark.parametrize("size", [120, 300, 1500])
def test_a_face_that_fills_the_picture_is_one_face_among_all(size: int) -> None:
    tight = cv2.resize(PIXELS[50:185, 160:290], (size, size), interpolation=cv2.INTER_CUBIC)
    (one,) = vision.process(encoded(tight)).faces
    (found,) = vision.process(encoded(tight), Options(faces_max=20)).faces
    assert (found.face.x, found.face.y) == pytest.approx((one.face.x, one.face.y), abs=size / 10)


def test_small_faces_beside_a_large_one_are_found() -> None:
    scene = np.full((1500, 2400, 3), 128, np.uint8)
    scene[:, :1500] = cv2.resize(PIXELS, (1500, 1500), interpolation=cv2.INTER_CUBIC)
    scene[100:300, 1600:1800] = scene[900:1100, 2000:2200] = cv2.resize(PIXELS, (200, 200))
    faces = vision.process(encoded(scene), Options(faces_max=20)).faces
    assert [found.face.width > 100 for found in faces] == [True, False, False]


def test_there_are_no_more_faces_than_the_bound() -> None:
    assert len(vision.process(encoded(a_group()), Options(faces_max=2)).faces) == 2


def test_a_face_below_the_least_size_or_score_is_not_found() -> None:
    smallest = vision.process(encoded(a_group()), Options(faces_max=9)).faces[-1].face
    side = max(smallest.width, smallest.height)
    kept = vision.process(encoded(a_group()), Options(faces_max=9, size_min=side + 3)).faces
    assert len(kept) == len(SIZES) - 1
    assert vision.process(encoded(PIXELS), Options(score_min=0.99)).faces == ()


def test_a_least_score_above_what_is_sure_asks_for_a_second_look() -> None:
    blurred = encoded(cv2.GaussianBlur(PIXELS, (0, 0), 2))
    first = face_of(blurred).score
    assert face_of(encoded(PIXELS), score_min=0.93).score >= 0.93
    assert vision.process(blurred, Options(score_min=min(1.0, first + 0.05))).faces == ()


def test_the_landmarks_are_where_the_eyes_and_the_mouth_are() -> None:
    face = face_of(encoded(PIXELS))
    right_eye, left_eye, nose, right_corner, left_corner = face.landmarks
    assert right_eye[0] < nose[0] < left_eye[0]
    assert right_corner[0] < left_corner[0]
    assert right_eye[1] < nose[1] < right_corner[1] < face.y + face.height


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_landmarks_of_a_face_that_lies_are_in_the_upright_original(turns: int) -> None:
    face = face_of(encoded(np.rot90(PIXELS, turns)))
    expected = [np.array(point) for point in face_of(encoded(PIXELS)).landmarks]
    for _ in range(turns):
        expected = [np.array([y, 511 - x]) for x, y in expected]
    for point, other in zip(face.landmarks, expected, strict=True):
        assert point == pytest.approx(other, abs=12)


@pytest.mark.parametrize(("width", "height"), [(300, 300), (300, 400), (400, 300), (250, 300)])
def test_a_crop_has_the_size_asked_for_and_is_not_stretched(width: int, height: int) -> None:
    crop = crop_of(PIXELS, crop_width=width, crop_height=height)
    assert crop.shape == (height, width, 3)
    side = min(width, height)
    top, left = (height - side) // 2, (width - side) // 2
    middle = crop[top : top + side, left : left + side]
    square = crop_of(PIXELS, crop_width=side, crop_height=side)
    assert np.abs(middle.astype(float) - square).mean() < 12


def test_padding_is_the_share_around_the_face() -> None:
    face = face_of(encoded(PIXELS))
    bare = crop_of(PIXELS, padding=0.0, crop_format="png")
    side = max(face.width, face.height)
    left, top = round(face.x + (face.width - side) / 2), face.y
    expected = cv2.resize(PIXELS[top : top + side, left : left + side], (300, 300))
    assert np.abs(bare.astype(float) - expected).mean() < 12


@pytest.mark.parametrize("level", [False, True])
@pytest.mark.parametrize(("width", "height"), [(240, 80), (80, 240)])
def test_a_crop_out_of_a_part_is_that_out_of_the_whole(
    *, width: int, height: int, level: bool
) -> None:
    scene = np.full((1500, 2400, 3), 128, np.uint8)
    scene[400:912, 900:1412] = tilted(25)
    chosen: dict[str, Any] = {
        "crop_width": width,
        "crop_height": height,
        "level": level,
        "crop_format": "png",
    }
    part = crop_of(scene, **chosen)
    (found,) = vision.process(encoded(scene, ".bmp"), Options(**chosen)).faces
    assert cv2.PSNR(part, decoded(found.crop)) > 30


def test_a_large_picture_that_cannot_be_decoded_small_takes_no_further_copies() -> None:
    tracemalloc.start()
    try:
        vision.process(encoded(np.full((4000, 6000, 3), 99, np.uint8), ".png"))
        assert tracemalloc.get_traced_memory()[1] < 2 * 4000 * 6000 * 3
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("name", get_args(CropFormat))
def test_every_format_of_a_crop_can_be_read(name: CropFormat) -> None:
    signature = {"jpeg": b"\xff\xd8\xff", "webp": b"RIFF", "png": b"\x89PNG"}[name]
    (found,) = vision.process(encoded(PIXELS), Options(crop_format=name)).faces
    assert found.crop is not None
    assert found.crop.startswith(signature)
    assert decoded(found.crop).shape == (300, 300, 3)


@pytest.mark.parametrize("name", ["jpeg", "webp"])
def test_a_lower_quality_is_a_smaller_file(name: CropFormat) -> None:
    low, high = (
        vision.process(encoded(PIXELS), Options(crop_format=name, crop_quality=quality))
        .faces[0]
        .crop
        for quality in (30, 95)
    )
    assert low is not None
    assert high is not None
    assert len(low) < len(high) / 2


OWN_TILT = 4.0
"""She holds her head a little to the side."""


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("degrees", [-25, -10, 0, 10, 25])
def test_the_tilt_of_the_eyes_is_told(degrees: float, turns: int) -> None:
    photo = encoded(np.rot90(tilted(degrees), turns))
    assert face_of(photo, tilt_max=90.0).tilt == pytest.approx(degrees + OWN_TILT, abs=4)


def test_the_tilt_is_not_measured_for_nothing() -> None:
    assert face_of(encoded(PIXELS)).tilt is None


@pytest.mark.parametrize("turns", range(4))
@pytest.mark.parametrize("degrees", [-25, 25])
def test_a_levelled_crop_has_level_eyes(degrees: float, turns: int) -> None:
    crop = crop_of(np.rot90(tilted(degrees), turns), level=True)
    assert crop.shape == (300, 300, 3)
    assert face_of(encoded(crop), tilt_max=90.0).tilt == pytest.approx(0, abs=4)


def test_a_levelled_crop_of_a_large_photo_has_its_pixels() -> None:
    large = cv2.resize(tilted(20), (3000, 3000), interpolation=cv2.INTER_CUBIC)
    crop = crop_of(large, level=True, crop_width=600, crop_height=600)
    small = crop_of(tilted(20), level=True, crop_width=600, crop_height=600)
    assert np.abs(crop.astype(float) - small).mean() < 12


@pytest.mark.parametrize(
    ("pixels", "limit", "reason"),
    [
        (cv2.GaussianBlur(PIXELS, (0, 0), 4), {"sharpness_min": 30.0}, "blurred"),
        (PIXELS // 4, {"brightness_min": 60.0}, "dark"),
        (PIXELS // 3 + 170, {"brightness_max": 200.0}, "bright"),
        (tilted(25), {"tilt_max": 15.0}, "tilted"),
    ],
)
def test_a_face_beyond_a_limit_is_rejected_with_the_reason(
    pixels: Any, limit: dict[str, Any], reason: str
) -> None:
    (found,) = vision.process(encoded(pixels), Options(**limit)).faces
    assert (found.rejected, found.crop) == (reason, None)
    (good,) = vision.process(encoded(PIXELS), Options(**limit)).faces
    assert good.rejected is None
    assert good.crop is not None


def test_a_face_whose_tilt_cannot_be_told_is_beyond_any_limit_of_it() -> None:
    (found,) = vision.process(encoded(PIXELS), Options(detector="haar", tilt_max=90.0)).faces
    assert found.rejected == "tilted"


def test_a_levelled_crop_is_shifted_inside() -> None:
    """As far as the face stays whole: no edge is repeated where there is a picture."""
    marked = tilted(12)[45:].copy()
    marked[0] = (255, 0, 255)
    options = Options(level=True, crop_format="png")
    (found,) = vision.process(encoded(marked, ".png"), options).faces
    away = np.abs(decoded(found.crop).astype(int) - (255, 0, 255)).sum(axis=2)
    assert (away < 60).mean() < 0.02


def test_heic_is_read() -> None:
    face, default = face_of(heic(PIXELS)), face_of(encoded(PIXELS))
    assert (face.x, face.y, face.width) == pytest.approx(
        (default.x, default.y, default.width), abs=6
    )


def test_a_heic_that_was_turned_is_upright() -> None:
    turned = np.rot90(cv2.resize(PIXELS, (640, 512)))
    exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    faces = vision.process(heic(turned, exif=exif))
    assert (faces.width, faces.height) == (640, 512)
    assert faces.faces[0].face.score > 0.9


def test_a_heic_with_alpha_and_a_gray_one_are_read() -> None:
    gray = io.BytesIO()
    luma = cv2.cvtColor(PIXELS, cv2.COLOR_BGR2GRAY)
    pillow_heif.from_bytes("L", (512, 512), luma.tobytes()).save(gray)
    alpha = io.BytesIO()
    rgba = cv2.cvtColor(PIXELS, cv2.COLOR_BGR2RGBA)
    pillow_heif.from_bytes("RGBA", (512, 512), rgba.tobytes()).save(alpha)
    for photo in (gray.getvalue(), alpha.getvalue()):
        assert face_of(photo).score > 0.9
