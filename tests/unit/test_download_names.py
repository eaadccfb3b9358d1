"""What crops are called when they leave the service, and what a download is called."""

from __future__ import annotations

import pytest

from streamapp.upload.crop_names import STEM_BYTES_MAX, crop_name
from streamapp.upload.streams import disposition
from tests.photo_records import a_row


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("folder/anna.jpg", "00000007_anna.jpg"),
        ("../../etc/passwd", "00000007_passwd.jpg"),
        ("a\\b:c*?.png", "00000007_a_b_c__.jpg"),
        ("=cmd|x.jpg", "00000007__cmd_x.jpg"),
        ("Zoë 日本.jpg", "00000007_Zoë 日本.jpg"),
        ("Zoe\u0308.jpg", "00000007_Zoë.jpg"),
        ("\u202egpj.exe", "00000007__gpj.jpg"),
        ("a\r\nb\x00.jpg", "00000007_a__b_.jpg"),
        ("...", "00000007_photo.jpg"),
        ("", "00000007_photo.jpg"),
    ],
)
def test_a_crop_s_name_is_harmless_anywhere(name: str, expected: str) -> None:
    assert crop_name(a_row(7, photo_name=name)) == expected


def test_each_face_has_a_name_of_its_own_and_its_crop_s_format() -> None:
    url = "http://store/bucket/crops/batch-1/00000007-2.3.webp"
    assert crop_name(a_row(7, 2, photo_name="x.jpg", face_crop_url=url)) == "00000007-2_x.webp"


def test_a_long_name_is_cut_between_characters() -> None:
    name = crop_name(a_row(1, photo_name="日" * 500 + ".jpg"))
    assert name == f"00000001_{'日' * (STEM_BYTES_MAX // 3)}.jpg"


@pytest.mark.parametrize("name", ['a"b.jpg', "a\r\nSet-Cookie: x=1", "ü/..;.jpg", "\ud800.jpg"])
def test_no_name_leaves_its_place_in_a_header(name: str) -> None:
    told = disposition("inline", name)
    told.encode("latin-1")
    assert told.isprintable()
    assert told.count('"') == 2
    assert "/" not in told
