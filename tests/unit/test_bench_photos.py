"""The benchmark's photos are as detailed as a camera's, and the same on every machine."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ops.bench.photos import GRAIN, VARIANTS, make_photos, with_grain

if TYPE_CHECKING:
    from pathlib import Path


def test_the_grain_is_even_around_the_scene_and_does_not_wrap() -> None:
    rng = np.random.default_rng(1)
    for level in (0, 128, 255):
        scene = np.full((200, 300, 3), level, np.uint8)
        off = with_grain(scene, rng).astype(float) - level
        assert np.abs(off).max() < 6 * GRAIN
        if level == 128:
            assert abs(off.mean()) < 0.1
            assert abs(off.std() - GRAIN) < 0.2


def test_a_photo_is_as_large_as_a_camera_s(tmp_path: Path) -> None:
    for path in make_photos(tmp_path, photos=4, megapixels=1):
        assert 1.5 < path.stat().st_size * 8 / 1e6 < 4


def test_the_photos_are_the_same_again_and_take_turns(tmp_path: Path) -> None:
    first = make_photos(tmp_path / "1", photos=VARIANTS + 1, megapixels=0.1)
    again = make_photos(tmp_path / "2", photos=VARIANTS + 1, megapixels=0.1)
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in again]
    assert len({path.read_bytes() for path in first}) == VARIANTS
