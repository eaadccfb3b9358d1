"""A run of photos becomes outcomes and crops: one for each face, under the format's name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pytest
from msgspec import structs

from connectors.objects.folder import FolderStore
from streamapp.crop_run import Cropper
from streamapp.keys import crop_key
from streamapp.settings import read_settings
from streamapp.vision import Options
from streamapp.wiring.changes import overlaid
from streamapp.wiring.vision import options
from tests.archives import claims, zipped

if TYPE_CHECKING:
    from streamapp.events import Outcome

BATCH = "b1"
PORTRAIT = (Path(__file__).parents[2] / "ops/sample/astronaut.jpg").read_bytes()


def pair(*, second_blurred: bool = False) -> bytes:
    """The portrait twice, side by side, the right one smaller."""
    whole: Any = cv2.imdecode(np.frombuffer(PORTRAIT, np.uint8), cv2.IMREAD_COLOR)
    height, width = whole.shape[:2]
    second = cv2.resize(whole, None, fx=0.7, fy=0.7, interpolation=cv2.INTER_AREA)
    if second_blurred:
        second = cv2.GaussianBlur(second, (0, 0), 4)
    picture = np.zeros((height, width + second.shape[1], 3), np.uint8)
    picture[:, :width] = whole
    picture[: second.shape[0], width:] = second
    return bytes(cv2.imencode(".png", picture)[1])


class Store(FolderStore):
    """A folder that notes the media types it was told."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.types: dict[str, str] = {}
        self.prepare()

    def put(self, key: str, content: bytes, content_type: str) -> None:
        self.types[key] = content_type
        super().put(key, content, content_type)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path)


def crop(store: Store, *photos: bytes, **options: Any) -> tuple[Outcome, ...]:
    data = zipped({f"{number}.png": photo for number, photo in enumerate(photos)})
    store.put(f"archives/{BATCH}.zip", data, "application/zip")
    store.types.clear()
    cropper = Cropper(store, Options(**options), photo_time_limit_s=60)
    return cropper.crop_run(claims(data))


def test_every_face_has_a_crop_of_its_own_the_best_one_the_photos(store: Store) -> None:
    first, second = crop(store, PORTRAIT, pair(), faces_max=5)
    assert [face.crop for face in first.faces] == [crop_key(BATCH, 0)]
    assert [face.crop for face in second.faces] == [crop_key(BATCH, 1), crop_key(BATCH, 1, 1)]
    best, other = (cropped.face for cropped in second.faces)
    assert best.width > other.width
    assert best.x + best.width < other.x
    assert set(store.keys("crops/")) == {
        "crops/b1/00000000.jpg",
        "crops/b1/00000001.jpg",
        "crops/b1/00000001-1.jpg",
    }


def test_the_best_face_alone_is_the_first_of_all(store: Store) -> None:
    (one,) = crop(store, pair())
    (both,) = crop(store, pair(), faces_max=2)
    assert one.faces[0].crop == both.faces[0].crop == crop_key(BATCH, 0)
    assert len(one.faces) == 1
    assert abs(one.faces[0].face.x - both.faces[0].face.x) < 10


def test_a_rejected_face_is_told_and_has_no_crop(store: Store) -> None:
    (outcome,) = crop(store, pair(second_blurred=True), faces_max=2, sharpness_min=30)
    sharp, blurred = outcome.faces
    assert (sharp.crop, sharp.rejected) == (crop_key(BATCH, 0), None)
    assert (blurred.crop, blurred.rejected) == (None, "blurred")
    assert outcome.state == "completed"
    assert set(store.keys("crops/")) == {crop_key(BATCH, 0)}


@pytest.mark.parametrize(
    ("crop_format", "suffix", "head"),
    [("jpeg", "jpg", b"\xff\xd8\xff"), ("webp", "webp", b"RIFF"), ("png", "png", b"\x89PNG")],
)
def test_a_crop_is_named_and_typed_by_its_format(
    store: Store, crop_format: str, suffix: str, head: bytes
) -> None:
    (outcome,) = crop(store, PORTRAIT, crop_format=crop_format)
    key = f"crops/b1/00000000.{suffix}"
    assert [face.crop for face in outcome.faces] == [key]
    assert store.types == {key: f"image/{crop_format}"}
    assert store.read(key, 0, 1 << 20).startswith(head)


def test_a_photo_without_a_face_is_completed_and_one_that_is_broken_has_failed(
    store: Store,
) -> None:
    gray = bytes(cv2.imencode(".png", np.full((64, 64, 3), 127, np.uint8))[1])
    empty, broken = crop(store, gray, b"no photo")
    assert (empty.state, empty.faces) == ("completed", ())
    assert (broken.state, broken.code, broken.faces) == ("failed", "photo_not_an_image", ())


def crop_in_run(store: Store, run: int, *photos: bytes, **settings: str) -> tuple[Outcome, ...]:
    """The photos' outcomes in a run of the batch that changes ``settings``."""
    data = zipped({f"{number}.png": photo for number, photo in enumerate(photos)})
    store.put(f"archives/{BATCH}.zip", data, "application/zip")
    store.types.clear()
    own = read_settings()
    cropper = Cropper(
        store,
        options(own),
        photo_time_limit_s=60,
        changed=lambda changes: options(overlaid(own, changes)),
    )
    changes = tuple(settings.items())
    queued = [structs.replace(photo, run=run, settings=changes) for photo in claims(data)]
    return cropper.crop_run(queued)


def test_a_later_run_has_crops_of_its_own_and_the_settings_it_changes(store: Store) -> None:
    crop_in_run(store, 1, pair())
    (again,) = crop_in_run(
        store, 2, pair(), FACES="all", FACES_MAX="2", CROP_FORMAT="webp", CROP_SIZE="64x32"
    )
    second = ["crops/b1/00000000.2.webp", "crops/b1/00000000-1.2.webp"]
    assert [face.crop for face in again.faces] == second
    assert store.types == dict.fromkeys(second, "image/webp")
    assert set(store.keys("crops/")) == {crop_key(BATCH, 0), *second}
    encoded = np.frombuffer(store.read(second[0], 0, 1 << 20), np.uint8)
    assert cv2.imdecode(encoded, cv2.IMREAD_COLOR).shape == (32, 64, 3)  # type: ignore[union-attr]


@pytest.mark.parametrize("detector", ["opencv", "haar"])
def test_a_run_may_have_another_detector(store: Store, detector: str) -> None:
    (outcome,) = crop_in_run(store, 3, PORTRAIT, DETECTOR=detector)
    (face,) = outcome.faces
    assert face.crop == crop_key(BATCH, 0, run=3)
    assert bool(face.face.landmarks) is (detector == "opencv")


@pytest.mark.parametrize(
    "settings",
    [{"CROP_SIZE": "1"}, {"NO_SUCH": "1"}, {"FACES": "two"}, {"PHOTO_MEMORY_MAX": "600000000"}],
)
def test_photos_of_a_run_with_settings_that_are_not_allowed_fail(
    store: Store, settings: dict[str, str]
) -> None:
    outcomes = crop_in_run(store, 2, PORTRAIT, PORTRAIT, **settings)
    assert [outcome.index for outcome in outcomes] == [0, 1]
    assert {(o.state, o.code) for o in outcomes} == {("failed", "setting_invalid")}
    assert all(next(iter(settings)) in outcome.detail for outcome in outcomes)
    assert store.keys("crops/") == []
