"""Names of the crops of many photos: after the photo, and no two photos write the same file.

A photo with the name ``x`` writes ``x``, of further faces ``x-2``, ``x-3`` … and the drawn copy
``x.drawn``. Photos are named in their order: one that would share a file with an earlier one keeps
its extension, and gets a number behind it when even that is not enough.
"""

from __future__ import annotations

import re
from itertools import chain, count
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import PurePath

_FURTHER = r"-\d+"
_DRAWN = r"\.drawn"


def further(name: str, number: int) -> str:
    """The name of the crop of the face ``number``, from 1 on."""
    return name if number == 1 else f"{name}-{number}"


def drawn(name: str) -> str:
    """The name of the drawn copy."""
    return f"{name}.drawn"


def name_crops(photos: Iterable[PurePath], *, several: bool) -> list[str]:
    """The name of each photo's first crop, without a suffix.

    Args:
        photos: Different relative paths.
        several: Whether there may be crops of further faces.
    """
    derived = re.compile(f"(?:{_FURTHER}|{_DRAWN})$" if several else f"{_DRAWN}$")
    names: list[str] = []
    # Beside the names the photos that would write a file of such a name.
    taken: set[str] = set()
    writers: set[str] = set()
    for photo in photos:
        for name in _candidates(photo):
            writer = derived.sub("", name)
            if taken.isdisjoint((name, writer)) and name not in writers:
                break
        names.append(name)
        taken.add(name)
        writers.add(writer)
    return names


def _candidates(photo: PurePath) -> Iterable[str]:
    whole = str(photo)
    numbered = (f"{whole}.{number}" for number in count(2))
    return chain([str(photo.with_suffix("")), whole], numbered)
