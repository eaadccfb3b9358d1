"""The settings of taking photos in: each limit is bounded, arrives, and holds at and past it."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import pytest

from streamapp import archive
from streamapp.archive import Limits
from streamapp.errors import Code, StreamappError
from streamapp.settings import read_settings
from streamapp.upload.incoming_body import DEFAULT_WATCH, Watch
from streamapp.upload.reception import UploadLimits
from streamapp.upload.retention import FOR_EVER, Kept
from streamapp.wiring.uploader import kept, upload_limits
from streamapp.wiring.values import limits
from tests.archives import reader, zipped

MIB = 1 << 20


def faults(contents: dict[str, bytes], **settings: Any) -> list[Code | None]:
    """What is wrong with each photo of an archive under the settings."""
    data = zipped(contents)
    bounds = limits(read_settings(**settings))
    archive.judge(reader(data), len(data), bounds)
    return [entry.fault for entry in archive.photos(reader(data), len(data), bounds)]


def refusal(contents: dict[str, bytes], **settings: Any) -> Code | None:
    """Why the whole archive is refused under the settings."""
    data = zipped(contents)
    try:
        archive.judge(reader(data), len(data), limits(read_settings(**settings)))
    except StreamappError as error:
        return error.code
    return None


def test_without_settings_the_limits_are_those_of_the_product() -> None:
    settings = read_settings()
    assert limits(settings) == Limits()
    assert upload_limits(settings) == UploadLimits(archive_bytes_max=64 << 30, archive=Limits())
    assert kept(settings) == FOR_EVER
    assert upload_limits(settings).watch == DEFAULT_WATCH


def test_every_limit_of_an_upload_can_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "ARCHIVE_BYTES_MAX": f"{2 * MIB}",
        "UPLOADS_MAX": "3",
        "IMAGES_MAX": "50",
        "UPLOAD_EXPIRES_HOURS": "2",
        "CLIENT_IDLE_S": "5",
        "CLIENT_BYTES_PER_S_MIN": "99",
        "PROJECT_ARCHIVE_BYTES_MAX": "1000",
        "ARCHIVE_RETENTION_DAYS": "7",
        "CROP_RETENTION_DAYS": "0.5",
        "ARCHIVE_ENTRIES_MAX": "11",
        "PHOTO_BYTES_MAX": "2048",
        "PHOTO_COMPRESSED_BYTES_MAX": "1024",
        "ENTRY_RATIO_MAX": "12",
        "ARCHIVE_RATIO_MAX": "13",
        "ENTRY_NAME_BYTES_MAX": "20",
        "NESTED_ARCHIVES": "true",
    }
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    settings = read_settings()
    assert upload_limits(settings) == UploadLimits(
        archive_bytes_max=2 * MIB,
        archive=Limits(
            entries_max=11,
            photo_bytes_max=2048,
            photo_compressed_bytes_max=1024,
            ratio_max=12,
            archive_ratio_max=13,
            name_bytes_max=20,
            nested=True,
        ),
        uploads_max=3,
        images_max=50,
        resumable_expires_s=7200,
        project_archive_bytes_max=1000,
        watch=Watch(idle_s=5, bytes_per_s_min=99),
    )
    assert kept(settings) == Kept(archives_s=7 * 86_400, crops_s=43_200)


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        ("archive_bytes_max", MIB, None),
        ("archive_entries_max", 1, 3_900_000),
        ("archive_ratio_max", 1, 10_000),
        ("entry_name_bytes_max", 16, 65_535),
        ("entry_ratio_max", 1, 10_000),
        ("photo_bytes_max", 1024, None),
        ("photo_compressed_bytes_max", 1024, None),
        ("images_max", 1, 100_000),
        ("uploads_max", 1, 256),
        ("upload_expires_hours", None, 168),
        ("client_idle_s", 0.1, 3600),
        ("client_bytes_per_s_min", 0, None),
        ("header_timeout_s", 0.1, 3600),
        ("project_archive_bytes_max", 0, None),
        ("archive_retention_days", 0, 36_500),
        ("crop_retention_days", 0, 36_500),
        ("janitor_interval_s", 0.1, 86_400),
    ],
)
def test_a_setting_has_its_bounds(name: str, least: float | None, most: float | None) -> None:
    for bound, past in ((least, -1), (most, 1)):
        if bound is not None:
            assert getattr(read_settings(**{name: bound}), name) == bound
            with pytest.raises(StreamappError, match=name.upper()):
                read_settings(**{name: bound + past})
    with pytest.raises(StreamappError, match=name.upper()):
        read_settings(**{name: "nan"})


def test_an_archive_has_so_many_entries() -> None:
    two = {"1.jpg": b"x", "2.jpg": b"x"}
    assert refusal(two, archive_entries_max=2) is None
    assert refusal(two | {"3.jpg": b"x"}, archive_entries_max=2) is Code.ARCHIVE_TOO_MANY_ENTRIES


def test_an_archive_inflates_to_so_many_times_its_size() -> None:
    data = zipped({"1.jpg": bytes(100_000)})
    ratio = 100_000 / len(data)
    bounds = {"entry_ratio_max": 10_000}
    holds = {"archive_ratio_max": int(ratio) + 1} | bounds
    breaks = {"archive_ratio_max": int(ratio)} | bounds
    assert refusal({"1.jpg": bytes(100_000)}, **holds) is None
    assert refusal({"1.jpg": bytes(100_000)}, **breaks) is Code.ARCHIVE_RATIO


def test_a_photo_has_so_many_bytes() -> None:
    photos = {"1.jpg": bytes(1024), "2.jpg": bytes(1025)}
    assert faults(photos, photo_bytes_max=1024) == [None, Code.ENTRY_TOO_LARGE]


def test_a_photo_has_so_many_compressed_bytes() -> None:
    stored = {"1.jpg": bytes(range(256)) * 4, "2.jpg": bytes(range(256)) * 4 + b"x"}
    data = zipped(stored, method=zipfile.ZIP_STORED)
    bounds = limits(read_settings(photo_compressed_bytes_max=1024))
    found = [entry.fault for entry in archive.photos(reader(data), len(data), bounds)]
    assert found == [None, Code.ENTRY_TOO_LARGE]


def test_a_photo_inflates_to_so_many_times_its_size() -> None:
    photo = {"1.jpg": bytes(100_000)}
    with zipfile.ZipFile(io.BytesIO(zipped(photo))) as opened:
        ratio = 100_000 / opened.getinfo("1.jpg").compress_size
    loose = {"archive_ratio_max": 10_000}
    assert faults(photo, entry_ratio_max=int(ratio) + 1, **loose) == [None]
    assert faults(photo, entry_ratio_max=int(ratio), **loose) == [Code.ENTRY_TOO_LARGE]


def test_a_name_has_so_many_bytes() -> None:
    names = {"a" * 12 + ".jpg": b"x", "a" * 13 + ".jpg": b"x"}
    assert faults(names, entry_name_bytes_max=16) == [None, Code.ENTRY_PATH]


def test_an_archive_within_an_archive_is_opened_when_that_is_set() -> None:
    contents = {"1.jpg": b"x", "inner.zip": zipped({"2.jpg": b"x", "3.jpg": b"x"})}
    assert faults(contents) == [None]
    stored = zipped(contents, method=zipfile.ZIP_STORED)
    bounds = limits(read_settings(nested_archives=True))
    assert archive.judge(reader(stored), len(stored), bounds).photos == 3
