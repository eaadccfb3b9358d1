"""Archives of Python's ``zipfile`` and of ``stream-zip``, a zipper that never seeks."""

from __future__ import annotations

import io
import zipfile
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import stream_zip

from tests.data.zip_case import FACE, NO_FACE, portrait, sky, taken

if TYPE_CHECKING:
    from tests.data.zip_case import Case, Corpus

_PHOTOS = (("people/é.jpg", FACE), ("sky.png", NO_FACE))
_STUB = b"#!/bin/sh\nexec unzip $0\n"


def zips_of_python() -> Corpus:
    """The archives of both."""
    return _zipfile() | _stream_zip()


class _Unseekable(io.BytesIO):
    def seekable(self) -> bool:
        return False

    def seek(self, *_: Any) -> int:
        raise io.UnsupportedOperation

    def tell(self) -> int:
        raise io.UnsupportedOperation


def _zipfile() -> Corpus:
    def case(method: int, buffer: io.BytesIO | None = None, **options: Any) -> Case:
        return taken(_zipped(method, buffer or io.BytesIO(), **options), *_PHOTOS)

    return {
        "python stored": case(zipfile.ZIP_STORED),
        "python deflate": case(zipfile.ZIP_DEFLATED),
        "python bzip2": case(zipfile.ZIP_BZIP2),
        "python lzma": case(zipfile.ZIP_LZMA),
        "python forced zip64": case(zipfile.ZIP_DEFLATED, force_zip64=True),
        "python longest comment": case(zipfile.ZIP_STORED, comment=b"c" * 65_535),
        "python unseekable": case(zipfile.ZIP_DEFLATED, _Unseekable()),
        "python unseekable stored": case(zipfile.ZIP_STORED, _Unseekable()),
        "python unseekable lzma": case(zipfile.ZIP_LZMA, _Unseekable()),
        "python after a stub": case(zipfile.ZIP_DEFLATED, _after(_STUB)),
        "python appended": taken(_appended(), *_PHOTOS, ("later.jpg", FACE)),
        "python folder": taken(_with_a_folder(), _PHOTOS[0], folder=1),
    }


def _zipped(
    method: int, buffer: io.BytesIO, *, comment: bytes = b"", force_zip64: bool = False
) -> bytes:
    with zipfile.ZipFile(buffer, "w", method) as archive:
        archive.comment = comment
        for (name, _), content in zip(_PHOTOS, (portrait(), sky()), strict=True):
            with archive.open(_info(name, method), "w", force_zip64=force_zip64) as file:
                file.write(content)
    return buffer.getvalue()


def _info(name: str, method: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.compress_type = method
    return info


def _after(stub: bytes) -> io.BytesIO:
    buffer = io.BytesIO()
    buffer.write(stub)
    return buffer


def _appended() -> bytes:
    buffer = io.BytesIO(_zipped(zipfile.ZIP_DEFLATED, io.BytesIO()))
    with zipfile.ZipFile(buffer, "a") as archive:
        archive.writestr("later.jpg", portrait())
    return buffer.getvalue()


def _with_a_folder() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.mkdir("people")
        archive.writestr(_PHOTOS[0][0], portrait())
    return buffer.getvalue()


def _stream_zip() -> Corpus:
    def case(method: stream_zip.Method, **options: Any) -> Case:
        files = [
            (name, datetime(2026, 1, 1, tzinfo=UTC), 0o644, method, (content,))
            for (name, _), content in zip(_PHOTOS, (portrait(), sky()), strict=True)
        ]
        return taken(b"".join(stream_zip.stream_zip(files, **options)), *_PHOTOS)

    return {
        "stream-zip": case(stream_zip.ZIP_32),
        "stream-zip zip64": case(stream_zip.ZIP_64),
        "stream-zip of known sizes": case(stream_zip.ZIP_AUTO(100_000)),
        "stream-zip stored": case(stream_zip.NO_COMPRESSION_32),
        "stream-zip stored zip64": case(stream_zip.NO_COMPRESSION_64),
        "stream-zip without times": case(stream_zip.ZIP_32, extended_timestamps=False),
    }
