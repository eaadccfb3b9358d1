"""Settings are typed, bounded, read from the environment, and keep their secrets."""

from __future__ import annotations

from typing import Any

import faust
import pytest
from msgspec import structs
from pyroaring import BitMap

from streamapp.errors import Code, StreamappError
from streamapp.progress import Progress, encode
from streamapp.settings import environment, read_settings
from streamapp.vision import DEFAULTS, Options
from streamapp.wiring.vision import options


def test_a_setting_comes_from_its_environment_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARTITIONS", "5")
    assert read_settings().partitions == 5


def test_an_empty_variable_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARTITIONS", "")
    assert read_settings().partitions == 12


def test_a_bad_value_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARTITIONS", "0")
    monkeypatch.setenv("UPLOAD_PORT", "many")
    with pytest.raises(StreamappError, match=r"PARTITIONS: .*; UPLOAD_PORT: ") as refused:
        read_settings()
    assert refused.value.code is Code.SETTING_INVALID


def test_the_progress_of_the_largest_archive_fits_into_a_message() -> None:
    entries = 3_900_000
    assert read_settings(archive_entries_max=entries).archive_entries_max == entries
    with pytest.raises(StreamappError, match="ARCHIVE_ENTRIES_MAX"):
        read_settings(archive_entries_max=entries + 1)
    # Every other photo failed: nothing that a bitmap could shorten.
    finished, failed = BitMap(range(entries)), BitMap(range(1, entries, 2))
    largest = Progress(batch="b" * 32, finished=finished.serialize(), failed=failed.serialize())
    assert len(encode(largest)) < faust.Settings(id="x").producer_max_request_size - 10_000


@pytest.mark.parametrize("url", ["minio:9000/bucket", "ftp://x/y", "http://", "http://x/y?z"])
def test_a_public_address_is_one_that_can_be_opened(url: str) -> None:
    with pytest.raises(StreamappError, match="OBJECTS_PUBLIC_URL"):
        read_settings(objects_public_url=url)


def test_secrets_do_not_print() -> None:
    settings = read_settings(
        records_url="mysql://streamapp:hidden@db/streamapp", objects_secret_key="hidden"
    )
    assert "hidden" not in repr(settings)


def test_a_child_process_reads_back_the_same_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    settings = read_settings(
        partitions=3, objects_secret_key="hidden", worker_name="w7", crop_level=True
    )
    for name, value in environment(settings).items():
        monkeypatch.setenv(name, value)
    assert read_settings() == settings


def test_without_settings_photos_are_treated_as_the_product_does_by_default() -> None:
    assert options(read_settings()) == DEFAULTS


def test_every_option_of_the_search_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "DETECTOR": "opencv",
        "FACES": "all",
        "FACES_MAX": "7",
        "FACE_SCORE_MIN": "0.75",
        "FACE_SIZE_MIN": "40",
        "FACE_SHARPNESS_MIN": "10",
        "FACE_BRIGHTNESS_MIN": "20",
        "FACE_BRIGHTNESS_MAX": "230",
        "FACE_TILT_MAX": "30",
        "CROP_SIZE": "320x400",
        "CROP_PADDING": "0.5",
        "CROP_LEVEL": "True",
        "CROP_FORMAT": "webp",
        "CROP_QUALITY": "80",
        "PHOTO_PIXELS_MAX": "1000000",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    chosen = options(read_settings())
    assert chosen == Options(
        detector="opencv",
        faces_max=7,
        score_min=0.75,
        size_min=40,
        sharpness_min=10,
        brightness_min=20,
        brightness_max=230,
        tilt_max=30,
        crop_width=320,
        crop_height=400,
        padding=0.5,
        level=True,
        crop_format="webp",
        crop_quality=80,
        pixels_max=1_000_000,
    )
    unchanged = [
        name for name, value in structs.asdict(DEFAULTS).items() if value == getattr(chosen, name)
    ]
    assert unchanged == []


def test_one_face_is_one_whatever_the_most_of_all_is() -> None:
    assert options(read_settings(faces="one", faces_max=50)).faces_max == 1


@pytest.mark.parametrize(
    ("size", "sides"),
    [
        ("300", (300, 300)),
        ("300x400", (300, 400)),
        ("16x128", (16, 128)),
        ("2048x256", (2048, 256)),
        ("2048", (2048, 2048)),
    ],
)
def test_a_crop_is_as_wide_and_high_as_its_size_says(size: str, sides: tuple[int, int]) -> None:
    chosen = options(read_settings(crop_size=size))
    assert (chosen.crop_width, chosen.crop_height) == sides


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("crop_size", size) for size in ("15", "2049", "300x15", "2049x300")),
        *(("crop_size", size) for size in ("", "x", "300x", "x300", "3e2", "-300", "1x1x1", "٣٠٠")),
        *(("crop_size", size) for size in ("16x129", "1000x124")),
        ("detector", "yolo"),
        ("faces", "two"),
        ("faces_max", 0),
        ("faces_max", 101),
        ("face_score_min", "nan"),
        ("face_tilt_max", 181),
        ("crop_padding", 2.1),
        ("crop_level", "perhaps"),
        ("crop_format", "jpg"),
        ("crop_quality", 0),
        ("crop_quality", 101),
    ],
)
def test_a_bad_value_for_the_faces_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(StreamappError, match=f"{name.upper()}: ") as refused:
        read_settings(**{name: value})
    assert refused.value.code is Code.SETTING_INVALID


@pytest.mark.parametrize("setting", [{"crop_level": True}, {"face_tilt_max": 20}])
def test_what_needs_eyes_is_refused_for_a_detector_that_sees_none(setting: dict[str, Any]) -> None:
    with pytest.raises(StreamappError, match="needs another DETECTOR"):
        read_settings(detector="haar", **setting)


def test_limits_of_brightness_that_no_crop_is_within_are_refused() -> None:
    assert read_settings(face_brightness_min=90, face_brightness_max=90).face_brightness_max == 90
    with pytest.raises(StreamappError, match="FACE_BRIGHTNESS_MAX: "):
        read_settings(face_brightness_min=91, face_brightness_max=90)
