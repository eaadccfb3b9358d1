"""The settings that a run of a batch may change, over those of the installation."""

from __future__ import annotations

import pytest

from streamapp.errors import Code, StreamappError
from streamapp.settings import read_settings
from streamapp.vision_settings import VisionSettings
from streamapp.wiring.changes import overlaid

OWN = read_settings(crop_padding=0.4, face_brightness_min=100.0)


def test_what_is_not_changed_stays_as_the_installation_has_it() -> None:
    changed = overlaid(OWN, [("FACES", "all"), ("CROP_LEVEL", "true")])
    expected = {name: getattr(OWN, name) for name in VisionSettings.model_fields}
    assert changed.model_dump() == expected | {"faces": "all", "crop_level": True}


def test_of_two_changes_of_one_setting_the_later_counts() -> None:
    assert overlaid(OWN, [("FACES", "all"), ("FACES", "one")]).faces == "one"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("CROP_SIZE", "1"),
        ("CROP_QUALITY", "best"),
        ("crop_size", "300"),
        ("KAFKA_BOOTSTRAP", "elsewhere:9092"),
        ("PHOTO_TIME_LIMIT_S", "1"),
        ("PHOTO_MEMORY_MAX", "600000000"),
        ("FACE_BRIGHTNESS_MAX", "99"),  # beside the installation's own least
        ("", ""),
    ],
)
def test_what_is_not_allowed_is_refused_by_name(variable: str, value: str) -> None:
    with pytest.raises(StreamappError) as refusal:
        overlaid(OWN, [("FACES", "all"), (variable, value)])
    assert refusal.value.code is Code.SETTING_INVALID
    assert refusal.value.detail.startswith(f"{variable}: ")
