"""The sample is the same for a seed, and says what is in it."""

from __future__ import annotations

import zipfile
from typing import TYPE_CHECKING

from ops.sample.make import make_sample

if TYPE_CHECKING:
    from pathlib import Path


def test_the_manifest_lists_the_archive_and_one_in_six_without_a_face(tmp_path: Path) -> None:
    manifest = make_sample(tmp_path / "sample.zip", photos=12)
    with zipfile.ZipFile(tmp_path / "sample.zip") as archive:
        assert archive.namelist() == list(manifest)
    assert sum(manifest.values()) == 10


def test_the_same_seed_makes_the_same_bytes(tmp_path: Path) -> None:
    contents = []
    for name in ("one.zip", "two.zip"):
        make_sample(tmp_path / name, photos=6, seed=3)
        with zipfile.ZipFile(tmp_path / name) as archive:
            contents.append([archive.read(entry) for entry in archive.namelist()])
    assert contents[0] == contents[1]
