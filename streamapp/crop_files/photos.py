"""Which photos the arguments mean, and what the crops of each are called.

A folder means every file in it and below, in the order of their paths; hidden ones are skipped,
links to folders are not followed. The crops lie below their folder as the photos lie below the
folder that all arguments share.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from streamapp.crop_files.names import name_crops
from streamapp.folders import files_below

if TYPE_CHECKING:
    from collections.abc import Sequence


class PhotoFile(NamedTuple):
    """A photo as it was given, or below a folder that was, and the name of its crop (`names`)."""

    path: Path
    name: str


def find_photos(given: Sequence[Path], out: Path, *, several: bool) -> list[PhotoFile]:
    """The photos, each once.

    Args:
        given: Files and folders that exist.
        out: Folder of the crops; what lies in it is no photo of the folders around it.
        several: Whether there may be several crops of a photo.

    Raises:
        ValueError: There are none, or a crop could replace one.
        StreamappError: ``FOLDER_UNUSABLE``.
    """
    out = out.resolve()
    bases = [(path if path.is_dir() else path.parent).resolve() for path in given]
    photos: dict[Path, Path] = {}
    for path, base in zip(given, bases, strict=True):
        for file in _files(path, out) if path.is_dir() else [Path(path.name)]:
            photos.setdefault(base / file, path / file if path.is_dir() else path)
    if not photos:
        raise ValueError(f"There is no file in {', '.join(map(str, given))}.")
    for place, path in photos.items():
        if place.resolve().is_relative_to(out):
            raise ValueError(f"{path} lies in the folder of the crops, where one could replace it.")
    root = os.path.commonpath(bases)
    names = name_crops((place.relative_to(root) for place in photos), several=several)
    return [PhotoFile(path, name) for path, name in zip(photos.values(), names, strict=True)]


def _files(folder: Path, out: Path) -> list[Path]:
    """The files below a folder, relative to it."""
    return sorted(path.relative_to(folder) for path in files_below(folder, out))
