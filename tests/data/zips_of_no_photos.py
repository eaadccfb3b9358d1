"""Archives of what is no photo: links and devices, folders, what desktop systems leave."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from streamapp.errors import Code
from tests.data.zip_case import FACE, NO_FACE, TEXT, portrait, refused, sky, taken
from tests.data.zip_end import archive
from tests.data.zip_entry import STORED, entry

if TYPE_CHECKING:
    from tests.data.zip_case import Corpus


def zips_of_no_photos() -> Corpus:
    """All of them."""
    return _no_files() | _skipped()


def _no_files() -> Corpus:
    modes = {
        "symlink": stat.S_IFLNK,
        "character device": stat.S_IFCHR,
        "block device": stat.S_IFBLK,
        "pipe": stat.S_IFIFO,
        "socket": stat.S_IFSOCK,
    }
    sound = entry("sound.jpg", portrait())
    return {
        f"entry a {what}": taken(
            archive([entry("/etc/passwd"[1:], TEXT)._replace(mode=mode | 0o777), sound]),
            ("etc/passwd", Code.ENTRY_NOT_A_FILE),
            ("sound.jpg", FACE),
        )
        for what, mode in modes.items()
    } | {
        "symlink that no unix wrote": taken(
            archive([sound._replace(mode=stat.S_IFLNK, system=0)]), ("sound.jpg", FACE)
        ),
        "photo with the attribute of a folder": taken(
            archive([sound._replace(mode=0, dos=0x10)]), ("sound.jpg", FACE)
        ),
    }


def _skipped() -> Corpus:
    clutter = (
        "__MACOSX/._a.jpg",
        "a/__MACOSX/a.jpg",
        "._a.jpg",
        ".DS_Store",
        "a/Thumbs.db",
        "DESKTOP.INI",
    )
    folders = [
        entry("a/", b"", STORED)._replace(mode=stat.S_IFDIR, dos=0x10),
        entry("a/b/", portrait()),
        entry("c", b"", STORED)._replace(mode=stat.S_IFDIR),
    ]
    littered = [entry(name, portrait()) for name in clutter]
    return {
        "folders and clutter": taken(
            archive([*folders, entry("a/b.png", sky()), *littered]),
            ("a/b.png", NO_FACE),
            folder=3,
            clutter=6,
        ),
        "clutter alone": refused(Code.ARCHIVE_NO_PHOTOS, archive(littered)),
        "folders alone": refused(Code.ARCHIVE_NO_PHOTOS, archive(folders)),
        "texts alone": refused(
            Code.ARCHIVE_NO_PHOTOS, archive([entry("a.txt", TEXT), entry("b.html", TEXT)])
        ),
    }
