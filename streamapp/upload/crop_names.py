"""What the crops of a batch are called when they leave it: unique, sorted, harmless anywhere."""

from __future__ import annotations

import unicodedata
from pathlib import PurePosixPath
from typing import TYPE_CHECKING

from streamapp.keys import suffix_of

if TYPE_CHECKING:
    from connectors.records.interface import PhotoRecord

STEM_BYTES_MAX = 120

_KEPT = frozenset("-_.() ")


def crop_name(record: PhotoRecord) -> str:
    """The name of the crop of a record that has one: ``00000007-1_anna.jpg``.

    The photo's index, the face unless it is the best one, and what of the photo's own name no
    system takes for anything but a name.
    """
    face = f"-{record.face_index}" if record.face_index else ""
    stem = _plain(PurePosixPath(record.photo_name).stem)
    return f"{record.photo_index:08d}{face}_{stem}.{suffix_of(record.face_crop_url or '')}"


def _plain(stem: str) -> str:
    normal = unicodedata.normalize("NFC", stem)
    plain = "".join(each if each.isalnum() or each in _KEPT else "_" for each in normal)
    cut = plain.encode("utf-8", "replace")[:STEM_BYTES_MAX].decode("utf-8", "ignore")
    return cut.strip(" .") or "photo"
