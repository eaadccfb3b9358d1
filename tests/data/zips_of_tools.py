"""Archives of the programs that people make them with, which must be there: Info-ZIP's ``zip``,
7-Zip's ``7zz``, libarchive's ``bsdtar`` and Java's ``jar`` (``ops/test`` installs them).
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from streamapp.errors import Code
from tests.data.zip_case import FACE, NO_FACE, NOT_AN_IMAGE, TEXT, portrait, refused, sky, taken

if TYPE_CHECKING:
    from pathlib import Path

    from tests.data.zip_case import Corpus

    Ends = tuple[tuple[str, str | Code], ...]

NAMES = ("a/zwölf.jpg", "a/東京 🗼.png", "b.jpg")
"""The photos of every archive here."""

_PASSWORD = "secret"


def zips_of_tools(folder: Path) -> Corpus:
    """The archives of all tools, made in a new folder ``folder``."""
    photos = folder / "photos"
    (photos / "a").mkdir(parents=True)
    for name, content in zip(NAMES, (portrait(), sky(), TEXT), strict=True):
        (photos / name).write_bytes(content)
    return _info_zip(photos) | _seven_zip(photos) | _bsdtar(photos) | _jar(photos)


def ends(*, each: Code | None = None) -> Ends:
    """How the photos end: `FACE`, `NO_FACE`, no image, or all of them with one code."""
    return tuple(zip(NAMES, (each,) * 3 if each else (FACE, NO_FACE, NOT_AN_IMAGE), strict=True))


def _info_zip(photos: Path) -> Corpus:
    def zipped(*options: str) -> bytes:
        return made(photos, "zip", "-q", *options, "{}", *NAMES)

    (photos.parent / "linked").mkdir()
    (photos.parent / "linked" / "a.jpg").symlink_to(photos / NAMES[0])
    return {
        "info-zip deflate": taken(zipped(), *ends()),
        "info-zip stored": taken(zipped("-0"), *ends()),
        "info-zip bzip2": taken(zipped("-Z", "bzip2"), *ends()),
        "info-zip forced zip64": taken(zipped("-fz"), *ends()),
        "info-zip without extra fields": taken(zipped("-X"), *ends()),
        "info-zip encrypted": taken(zipped("-P", _PASSWORD), *ends(each=Code.ENTRY_ENCRYPTED)),
        "info-zip comment": taken(
            made(photos, "zip", "-qz", "{}", *NAMES, stdin=b"Holiday 2026\n.\n"), *ends()
        ),
        "info-zip folders": taken(made(photos, "zip", "-q", "{}", "a/", *NAMES), *ends(), folder=1),
        "info-zip to a pipe": taken(run(photos, "zip", "-q", "-", *NAMES), *ends()),
        # Its type is the pipe's that it came through.
        "info-zip from a pipe": taken(
            made(photos, "zip", "-q", "{}", "-", stdin=portrait()), ("-", Code.ENTRY_NOT_A_FILE)
        ),
        "info-zip symlink": taken(
            made(photos.parent / "linked", "zip", "-qy", "{}", "a.jpg"),
            ("a.jpg", Code.ENTRY_NOT_A_FILE),
        ),
        "info-zip last of a split": refused(Code.ARCHIVE_MULTI_DISK, _last_of_a_split(photos)),
    }


def _last_of_a_split(photos: Path) -> bytes:
    large = photos.parent / "large"
    large.mkdir()
    (large / "large.jpg").write_bytes(portrait() * (100_000 // len(portrait()) + 1))
    return made(large, "zip", "-q0", "-s", "64k", "{}", "large.jpg")


def _seven_zip(photos: Path) -> Corpus:
    def zipped(*options: str) -> bytes:
        return made(photos, "7zz", "a", "-tzip", "-bso0", "-mcu=on", *options, "{}", ".")

    encrypted = ends(each=Code.ENTRY_ENCRYPTED)
    return {
        "7-zip stored": taken(zipped("-mx=0"), *ends(), folder=1),
        "7-zip deflate": taken(zipped("-mm=Deflate"), *ends(), folder=1),
        "7-zip deflate64": taken(zipped("-mm=Deflate64"), *ends(), folder=1),
        "7-zip bzip2": taken(zipped("-mm=BZip2"), *ends(), folder=1),
        "7-zip lzma": taken(zipped("-mm=LZMA"), *ends(), folder=1),
        "7-zip ppmd": taken(zipped("-mm=PPMd"), *ends(each=Code.ENTRY_METHOD), folder=1),
        "7-zip aes": taken(zipped("-mem=AES256", f"-p{_PASSWORD}"), *encrypted, folder=1),
        "7-zip zipcrypto": taken(zipped("-mem=ZipCrypto", f"-p{_PASSWORD}"), *encrypted, folder=1),
    }


def _bsdtar(photos: Path) -> Corpus:
    command = ("bsdtar", "--format", "zip")

    def zipped(*options: str) -> bytes:
        given = [part for option in options for part in ("--options", f"zip:{option}")]
        return made(photos, *command, *given, "-cnf", "{}", "a", *NAMES)

    return {
        "bsdtar deflate": taken(zipped(), *ends(), folder=1),
        "bsdtar stored": taken(zipped("compression=store"), *ends(), folder=1),
        "bsdtar zip64": taken(zipped("zip64"), *ends(), folder=1),
        "bsdtar to a pipe": taken(
            run(photos, *command, "-cnf", "-", "a", *NAMES), *ends(), folder=1
        ),
    }


def _jar(photos: Path) -> Corpus:
    def zipped(*options: str) -> bytes:
        return made(photos, "jar", "--create", *options, "--file", "{}", *NAMES)

    manifest = ("META-INF/MANIFEST.MF", NOT_AN_IMAGE)
    return {
        "jar": taken(zipped("--no-manifest"), *ends()),
        "jar stored": taken(zipped("--no-manifest", "--no-compress"), *ends()),
        "jar with a manifest": taken(zipped(), manifest, *ends(), folder=1),
    }


def made(folder: Path, *command: str, stdin: bytes = b"") -> bytes:
    """The archive that a command run in ``folder`` makes at the path put in the place of ``{}``."""
    path = folder.parent / "made.zip"
    run(folder, *(part.format(path) for part in command), stdin=stdin)
    data = path.read_bytes()
    path.unlink()
    return data


def run(folder: Path, *command: str, stdin: bytes = b"") -> bytes:
    """What a command run in ``folder`` writes to its standard output."""
    return subprocess.run(
        command,
        cwd=folder,
        env={"PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        input=stdin,
        stdout=subprocess.PIPE,
        check=True,
    ).stdout
