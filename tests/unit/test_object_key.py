"""What may be a key of an object, and what never reaches a store."""

from __future__ import annotations

import pytest

from connectors.objects.key import checked, is_key
from streamapp import keys
from streamapp.errors import Code, StreamappError

HOSTILE = [
    "",
    "/etc/passwd",
    "../outside",
    "archives/../../outside",
    "archives/..",
    "archives/./a",
    "archives//a",
    "archives/",
    ".incoming/a",
    "a\x00b",
    "a\nb",
    "a\udc80b",
    "n" * 256,
    "ü" * 128,
    "/".join(["n" * 200] * 6),
]


@pytest.mark.parametrize("key", HOSTILE)
def test_a_hostile_key_is_no_object(key: str) -> None:
    with pytest.raises(StreamappError) as caught:
        checked(key)
    assert caught.value.code is Code.OBJECT_MISSING


@pytest.mark.parametrize(
    "key",
    [
        keys.archive_key("b-1"),
        keys.crop_key("b-1", 7),
        "a b/ü%20+&?#'\".jpg",
        "n" * 255,
        "/".join(["n" * 204] * 5),
    ],
)
def test_other_keys_are_kept_as_they_are(key: str) -> None:
    assert is_key(key)
    assert checked(key) == key
