"""On a real RocksDB: a copy that is damaged is made anew, one that is in use is left alone."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from streamapp.stream.local_state import _SoundFolders

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ROWS = 3000


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A RocksDB with two tables on disk and a log."""
    path = tmp_path / "progress-0.db"
    for _ in range(3):
        opened = _SoundFolders().open(path)
        for number in range(ROWS):
            opened[b"%d" % number] = os.urandom(64)
        opened.flush()
        opened.close()
    return path


def rows(folder: Path) -> int:
    opened = _SoundFolders().open(folder)
    try:
        return sum(1 for _ in opened.items())
    finally:
        opened.close()


def truncate(file: Path) -> None:
    os.truncate(file, file.stat().st_size // 2)


def garble(file: Path) -> None:
    file.write_bytes(os.urandom(file.stat().st_size))


def garble_the_middle(file: Path) -> None:
    """What opens and cannot be read."""
    with file.open("r+b") as opened:
        opened.seek(file.stat().st_size // 3)
        opened.write(os.urandom(512))


def test_a_sound_copy_is_kept_also_with_the_lock_file_of_a_killed_worker(folder: Path) -> None:
    assert (folder / "LOCK").exists()
    assert rows(folder) == ROWS


@pytest.mark.parametrize("damage", [truncate, garble, os.unlink])
@pytest.mark.parametrize("files", ["CURRENT", "MANIFEST-*", "*.sst"])
def test_a_damaged_copy_is_made_anew_and_stays_sound(
    folder: Path,
    files: str,
    damage: Callable[[Path], None],
    caplog: pytest.LogCaptureFixture,
) -> None:
    for file in folder.glob(files):
        damage(file)
    assert rows(folder) == 0
    assert "is damaged" in caplog.text
    caplog.clear()
    assert rows(folder) == 0
    assert not caplog.text


def test_a_copy_that_opens_and_cannot_be_read_is_made_anew(folder: Path) -> None:
    for file in folder.glob("*.sst"):
        garble_the_middle(file)
    assert rows(folder) == 0


def test_a_file_in_the_place_of_the_folder_is_removed(tmp_path: Path) -> None:
    path = tmp_path / "progress-0.db"
    path.write_text("no folder")
    assert rows(path) == 0


def test_a_copy_in_use_is_left_alone(folder: Path) -> None:
    opened = _SoundFolders().open(folder)
    with pytest.raises(Exception, match="lock"):
        _SoundFolders().open(folder)
    assert sum(1 for _ in opened.items()) == ROWS
    opened.close()
