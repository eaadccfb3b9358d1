"""One portrait in every form it may arrive in: the same face, or a code, and nothing else."""

from __future__ import annotations

import io
import resource
import struct
import zlib
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from PIL import Image

from ops.sample.make import PORTRAIT, with_orientation
from streamapp import vision
from streamapp.errors import Code, StreamappError
from streamapp.vision.detect import detector
from streamapp.vision.header import read_header

if TYPE_CHECKING:
    from streamapp.events import Face

PIXELS: Any = cv2.imread(str(PORTRAIT))
ORIGINAL = PORTRAIT.read_bytes()
FORMATS = [".jpg", ".png", ".webp", ".avif", ".gif", ".bmp", ".tiff", ".jp2"]
LIES_AS: dict[int, Any] = {
    1: lambda pixels: pixels,
    2: lambda pixels: pixels[:, ::-1],
    3: lambda pixels: pixels[::-1, ::-1],
    4: lambda pixels: pixels[::-1],
    5: lambda pixels: pixels.transpose(1, 0, 2),
    6: np.rot90,
    7: lambda pixels: pixels[::-1, ::-1].transpose(1, 0, 2),
    8: lambda pixels: np.rot90(pixels, -1),
}
"""What the camera stored, for each EXIF orientation of the upright picture."""


def encoded(pixels: Any, suffix: str = ".jpg", *flags: int) -> bytes:
    return bytes(cv2.imencode(suffix, np.ascontiguousarray(pixels), flags)[1])


def resized(width: int, height: int) -> Any:
    return cv2.resize(PIXELS, (width, height), interpolation=cv2.INTER_AREA)


def the_face(photo: bytes) -> Face:
    (found,) = vision.process(photo).faces
    return found.face


def the_crop(photo: bytes, **options: Any) -> bytes:
    (found,) = vision.process(photo, vision.Options(**options)).faces
    assert found.crop is not None
    return found.crop


def decoded(photo: bytes, **options: Any) -> Any:
    return cv2.imdecode(np.frombuffer(the_crop(photo, **options), np.uint8), 1)


def shares(face: Face, width: int, height: int) -> list[float]:
    """The box in shares of the picture."""
    return [face.x / width, face.y / height, face.width / width, face.height / height]


HOME = shares(the_face(ORIGINAL), 512, 512)


def assert_at_home(face: Face, width: int = 512, height: int = 512) -> None:
    assert shares(face, width, height) == pytest.approx(HOME, abs=0.03)


def code_of(photo: bytes, **options: Any) -> Code:
    with pytest.raises(StreamappError) as caught:
        vision.process(photo, vision.Options(**options))
    return caught.value.code


def outcome_of(photo: bytes) -> Code | None:
    try:
        vision.process(photo)
    except StreamappError as error:
        return error.code
    return None


def a_png_header(width: int, height: int) -> bytes:
    rows = zlib.compress(bytes(1 << 20))
    ihdr = b"IHDR" + struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = [ihdr, b"IDAT" + rows, b"IEND"]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(one) - 4) + one + struct.pack(">I", zlib.crc32(one)) for one in chunks
    )


def test_the_face_is_where_it_is_and_its_crop_is_a_square() -> None:
    face = the_face(ORIGINAL)
    middle = (face.x + face.width / 2, face.y + face.height / 2)
    assert middle == pytest.approx((224, 118), abs=15)
    assert decoded(ORIGINAL).shape == (300, 300, 3)


@pytest.mark.parametrize("size", [256, 512, 901, 1024, 1800, 2048, 4096])
def test_the_box_grows_with_the_picture(size: int) -> None:
    assert_at_home(the_face(encoded(resized(size, size))), size, size)


@pytest.mark.parametrize("suffix", FORMATS)
def test_every_format_is_read(suffix: str) -> None:
    assert_at_home(the_face(encoded(PIXELS, suffix)))


def test_gray_alpha_palette_and_16_bits_are_read() -> None:
    gray = cv2.cvtColor(PIXELS, cv2.COLOR_BGR2GRAY)
    alpha = cv2.cvtColor(PIXELS, cv2.COLOR_BGR2BGRA)
    deep = PIXELS.astype(np.uint16) * 257
    for photo in (
        encoded(gray),
        encoded(gray, ".png"),
        encoded(alpha, ".png"),
        encoded(deep, ".png"),
        encoded(PIXELS, ".jpg", cv2.IMWRITE_JPEG_PROGRESSIVE, 1),
    ):
        assert_at_home(the_face(photo))


@pytest.mark.parametrize("orientation", LIES_AS)
@pytest.mark.parametrize("width", [512, 1100, 4000])
def test_the_exif_orientation_is_undone(orientation: int, width: int) -> None:
    height = width * 3 // 4
    stored = encoded(LIES_AS[orientation](resized(width, height)))
    faces = vision.process(with_orientation(stored, orientation))
    assert (faces.width, faces.height) == (width, height)
    assert_at_home(faces.faces[0].face, width, height)


@pytest.mark.parametrize("orientation", LIES_AS)
@pytest.mark.parametrize("name", ["PNG", "WEBP", "AVIF", "TIFF"])
def test_the_orientation_is_undone_once_in_every_format(name: str, orientation: int) -> None:
    stored = cv2.cvtColor(
        np.ascontiguousarray(LIES_AS[orientation](resized(640, 480))), cv2.COLOR_BGR2RGB
    )
    exif = Image.Exif()
    exif[274] = orientation
    photo = io.BytesIO()
    Image.fromarray(stored).save(photo, name, exif=exif.tobytes())
    faces = vision.process(photo.getvalue())
    assert (faces.width, faces.height) == (640, 480)
    assert_at_home(faces.faces[0].face, 640, 480)


def test_a_nearly_square_picture_that_was_turned_keeps_its_sides_apart() -> None:
    stored = encoded(LIES_AS[6](resized(1999, 2000)))
    faces = vision.process(with_orientation(stored, 6))
    assert (faces.width, faces.height) == (1999, 2000)


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_face_that_lies_is_found_and_its_crop_stands(turns: int) -> None:
    photo = encoded(np.rot90(resized(1024, 1024), turns))
    upright = cv2.resize(decoded(ORIGINAL), (32, 32)).astype(float)
    crop = cv2.resize(decoded(photo), (32, 32)).astype(float)
    assert np.abs(crop - upright).mean() < 12
    x, y, width, height = (share * 1024 for share in HOME)
    middle = np.array([x + width / 2, y + height / 2]) - 512
    for _ in range(turns):
        middle = np.array([middle[1], -middle[0]])
    face = the_face(photo)
    assert (face.x + face.width / 2, face.y + face.height / 2) == pytest.approx(
        middle + 512, abs=40
    )


def test_a_face_at_the_border_is_padded_and_not_stretched() -> None:
    x, y, width, height = (round(share * 512) for share in HOME)
    tight = PIXELS[y : y + height, x : x + width]
    crop = decoded(encoded(tight))
    assert crop.shape == (300, 300, 3)
    face = the_face(encoded(crop))
    assert face.width / face.height == pytest.approx(width / height, rel=0.15)


def test_the_crop_keeps_no_metadata_of_the_photo() -> None:
    crop = the_crop(with_orientation(ORIGINAL, 1))
    assert b"Exif" in with_orientation(ORIGINAL, 1)
    assert b"Exif" not in crop
    assert b"\xff\xe1" not in crop


@pytest.mark.parametrize("seed", range(4))
def test_noise_and_gradients_hold_no_face(seed: int) -> None:
    random = np.random.default_rng(seed)
    corners = random.integers(0, 256, (2, 2, 3), np.uint8)
    for pixels in (
        random.integers(0, 256, (400, 600, 3), np.uint8),
        cv2.resize(corners, (500, 500)),
    ):
        faces = vision.process(encoded(pixels))
        assert faces.faces == ()
        assert (faces.width, faces.height) == pixels.shape[1::-1]


@pytest.mark.parametrize(("width", "height"), [(1, 1), (20_000, 1), (1, 20_000)])
@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_odd_shapes_are_worked_off(width: int, height: int, suffix: str) -> None:
    faces = vision.process(encoded(np.zeros((height, width, 3), np.uint8), suffix))
    assert (faces.width, faces.height, faces.faces) == (width, height, ())


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_photo_that_is_cut_off_is_worked_off_or_has_a_code(suffix: str) -> None:
    whole = encoded(PIXELS, suffix)
    for tenth in range(10):
        assert outcome_of(whole[: len(whole) * tenth // 10]) in {
            None,
            Code.PHOTO_BROKEN,
            Code.PHOTO_NOT_AN_IMAGE,
        }


def test_half_a_jpeg_is_broken() -> None:
    assert code_of(ORIGINAL[: len(ORIGINAL) // 2]) is Code.PHOTO_BROKEN


@pytest.mark.parametrize("content", [b"", b"no photo at all", b"%PDF-1.7", b"\xff\xd8", b"GIF"])
def test_what_is_no_image_says_so(content: bytes) -> None:
    assert code_of(content) is Code.PHOTO_NOT_AN_IMAGE


def test_a_giant_is_refused_before_it_takes_memory() -> None:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert code_of(a_png_header(30_000, 30_000)) is Code.PHOTO_TOO_MANY_PIXELS
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 50_000


def test_the_size_of_a_heic_is_found_wherever_its_boxes_lie() -> None:
    extent = struct.pack(">I4sIII", 20, b"ispe", 0, 640, 480)
    meta = struct.pack(">I4sI", 12 + len(extent), b"meta", 0) + extent
    kind = struct.pack(">I4s4sI4s", 20, b"ftyp", b"heic", 0, b"mif1")
    data = struct.pack(">I4s", 8 + 400, b"mdat") + b"ispe" * 100
    large = struct.pack(">I4sQ", 1, b"mdat", 16 + 400) + b"meta" * 100
    for boxes in (kind + meta + data, kind + data + meta, kind + large + meta):
        header = read_header(boxes, 10**9)
        assert (header.format, header.width, header.height) == ("HEIC", 640, 480)


def test_the_limit_of_pixels_is_the_last_that_passes() -> None:
    vision.process(ORIGINAL, vision.Options(pixels_max=512 * 512))
    assert code_of(ORIGINAL, pixels_max=512 * 512 - 1) is Code.PHOTO_TOO_MANY_PIXELS


@pytest.mark.parametrize("long_side", [320, 640])
@pytest.mark.parametrize("shape", [(512, 512), (300, 500), (777, 333)])
def test_the_detector_agrees_with_opencv(long_side: int, shape: tuple[int, int]) -> None:
    pixels = resized(*shape)
    theirs = detector("opencv").find(pixels, long_side, 0.6)
    ours = detector("yunet").find(pixels, long_side, 0.6)
    assert len(ours) == len(theirs)
    for mine, other in zip(ours, theirs, strict=True):
        assert mine.box == pytest.approx(other.box, abs=1.5)
        assert mine.score == pytest.approx(other.score, abs=0.01)
        assert np.array(mine.landmarks) == pytest.approx(np.array(other.landmarks), abs=1.5)
