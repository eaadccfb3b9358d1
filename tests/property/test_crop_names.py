"""Whatever photos are called, no two of them write the same file."""

from __future__ import annotations

from pathlib import PurePath

from hypothesis import given
from hypothesis import strategies as st

from streamapp.crop_files.names import drawn, further, name_crops

FACES = 4

_piece = st.sampled_from(["x", "y", "-1", "-2", "-02", ".drawn", ".jpg", ".png", ".2", ".", "/z"])
names = st.lists(_piece, min_size=1, max_size=5).map(lambda parts: PurePath("p" + "".join(parts)))
photos = st.lists(names, unique=True, max_size=12)


def files(name: str, faces: int) -> set[str]:
    return {drawn(name), *(further(name, number) for number in range(1, faces + 1))}


@given(photos)
def test_no_two_photos_write_the_same_file(photos: list[PurePath]) -> None:
    made = [each for name in name_crops(photos, several=True) for each in files(name, FACES)]
    assert len(made) == len(set(made)) == len(photos) * (FACES + 1)


@given(photos)
def test_a_photo_of_which_one_crop_is_made_leaves_the_numbers_to_others(
    photos: list[PurePath],
) -> None:
    made = [each for name in name_crops(photos, several=False) for each in files(name, 1)]
    assert len(made) == len(set(made)) == len(photos) * 2


def test_a_name_that_is_nobody_elses_loses_its_extension() -> None:
    photos = [
        PurePath(name) for name in ("a/x.jpg", "a/x-2.jpg", "b/x.png", "b/x.jpg", "IMG-2.jpg")
    ]
    assert name_crops(photos, several=False) == ["a/x", "a/x-2", "b/x", "b/x.jpg", "IMG-2"]
    assert name_crops(photos, several=True) == ["a/x", "a/x-2.jpg", "b/x", "b/x.jpg", "IMG-2"]
