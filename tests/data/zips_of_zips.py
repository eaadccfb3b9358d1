"""Archives within archives: passed over, or opened one level deep where that is wanted."""

from __future__ import annotations

from typing import TYPE_CHECKING

from streamapp.errors import Code
from tests.data.zip_case import FACE, NO_FACE, NOT_AN_IMAGE, TEXT, portrait, refused, sky, taken
from tests.data.zip_end import End, archive
from tests.data.zip_entry import STORED, entry
from tests.data.zips_of_overlaps import full_overlap

if TYPE_CHECKING:
    from tests.data.zip_case import Case, Corpus
    from tests.data.zip_entry import Entry

_PHOTO = entry("sound.png", sky())
_INNER = archive([entry("a.jpg", portrait()), entry("notes.txt", TEXT), entry("b/", b"", STORED)])
_OF_INNER = (("in.zip/a.jpg", FACE), ("in.zip/notes.txt", NOT_AN_IMAGE))
_SOUND = ("sound.png", NO_FACE)


def zips_of_zips() -> Corpus:
    """All of them."""
    return _passed_over() | _opened() | _unusable()


def _passed_over() -> Corpus:
    names = ("in.zip", "a/IN.ZIP", "in.rar", "in.7z", "in.tar.gz", "in.cbz")
    archives = [entry(name, _INNER, STORED) for name in names]
    return {
        "archives within": taken(archive([*archives, _PHOTO]), _SOUND, nested_archive=6),
        "archives alone": refused(Code.ARCHIVE_NO_PHOTOS, archive(archives)),
    }


def _within(
    inner: bytes, *ends: tuple[str, str | Code], name: str = "in.zip", **skipped: int
) -> Case:
    """A case of an archive stored within another one that is looked into, before a photo."""
    outer = archive([entry(name, inner, STORED), _PHOTO])
    return taken(outer, *ends, _SOUND, nested=True, **skipped)


def _opened() -> Corpus:
    tricks = archive([entry("../a.jpg", sky()), entry("/b.jpg", sky()), entry("c.jpg", sky())])
    deeper = archive([entry("in.zip", _INNER, STORED), entry("c.jpg", sky())])
    others = [entry(name, _INNER, STORED) for name in ("in.rar", "in.7z", "in.tar.gz", "in.cbz")]
    alone = taken(archive([entry("in.zip", _INNER, STORED)]), *_OF_INNER, nested=True, folder=1)
    return {
        "opened": _within(_INNER, *_OF_INNER, folder=1),
        "opened alone": alone,
        "opened after a stub": _within(b"MZ" + _INNER, *_OF_INNER, folder=1),
        "opened of path tricks": _within(
            tricks,
            ("../a.jpg", Code.ENTRY_PATH),
            ("/b.jpg", Code.ENTRY_PATH),
            ("in.zip/c.jpg", NO_FACE),
        ),
        "opened one level": _within(deeper, ("in.zip/c.jpg", NO_FACE), nested_archive=1),
        "opened twice of one name": taken(
            archive([entry("in.zip", archive([_PHOTO]), STORED)] * 2),
            ("in.zip/sound.png", NO_FACE),
            ("in.zip/sound.png", Code.ENTRY_DUPLICATE),
            nested=True,
        ),
        "opened zip only": taken(archive([*others, _PHOTO]), _SOUND, nested=True, nested_archive=4),
        "opened empty": _within(archive([])),
        "opened of a broken photo": _within(
            archive([_PHOTO.but(crc=1)]), ("in.zip/sound.png", Code.ENTRY_BROKEN)
        ),
    }


def _unusable() -> Corpus:
    def cased(inner: Entry, reason: str) -> Case:
        return taken(archive([inner, _PHOTO]), _SOUND, nested=True, **{reason: 1})

    def broken(data: bytes) -> Case:
        return cased(entry("in.zip", data, STORED), "nested_broken")

    stored = entry("in.zip", _INNER, STORED)
    return {
        "opened compressed": cased(entry("in.zip", _INNER), "nested_compressed"),
        "opened encrypted": cased(stored.but(flags=1), "nested_encrypted"),
        "opened bomb": broken(full_overlap()),
        "opened no zip": broken(TEXT),
        "opened cut off": broken(_INNER[:-30]),
        "opened split": broken(archive([_PHOTO], end=End(disk=1))),
    }
