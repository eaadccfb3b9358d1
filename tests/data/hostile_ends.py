"""How a hostile photo may end: the words of the corpus."""

from __future__ import annotations

FACE = "a face"
NONE = "no face"
BROKEN = "photo_broken"
NOT_AN_IMAGE = "photo_not_an_image"
TOO_MANY = "photo_too_many_pixels"
TIMED_OUT = "photo_timed_out"

Corpus = dict[str, tuple[bytes, frozenset[str]]]
"""By its name a file, and how it may end."""


def ending(ends: tuple[str, ...], contents: dict[str, bytes]) -> Corpus:
    """The contents by their names, all of which may end in any of these ways."""
    return {name: (content, frozenset(ends)) for name, content in contents.items()}
