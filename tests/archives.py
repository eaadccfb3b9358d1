"""Archives for tests: a reader over bytes, real ZIPs, a directory of any size, claim checks."""

from __future__ import annotations

import io
import struct
import zipfile
from typing import TYPE_CHECKING

from streamapp import archive
from streamapp.archive import Limits, photos
from streamapp.events import PhotoQueued

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from streamapp.archive import Entry, Reader


def reader(data: bytes) -> Reader:
    return lambda start, length: data[start : start + length]


def zipped(contents: Mapping[str, bytes], *, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def listed(data: bytes, limits: Limits | None = None) -> list[Entry]:
    return list(photos(reader(data), len(data), limits or Limits()))


def listed_objects(listing: bytes, limits: Limits | None = None) -> list[Entry]:
    return list(archive.listed(reader(listing), len(listing), limits or Limits()))


def claims(data: bytes) -> list[PhotoQueued]:
    return [claim(entry) for entry in listed(data) if entry.fault is None]


def claim(entry: Entry, *, batch: str = "b1") -> PhotoQueued:
    return PhotoQueued(
        batch=batch,
        project="p1",
        index=entry.index,
        name=entry.name,
        archive=f"archives/{batch}.zip",
        header_offset=entry.header_offset,
        compressed_bytes=entry.compressed_bytes,
        photo_bytes=entry.photo_bytes,
        method=entry.method,
        crc=entry.crc,
    )


def directory_entry(
    name: bytes, offset: int, *, data_bytes: int = 1_000, extra: bytes = b""
) -> bytes:
    return (
        struct.pack("<4sBBHHHLLLL", b"PK\1\2", 20, 3, 20, 0, 0, 0, 0, data_bytes, data_bytes)
        + struct.pack("<HHHHHLL", len(name), len(extra), 0, 0, 0, 0o100644 << 16, offset)
        + name
        + extra
    )


def without_data(entries: Iterable[bytes], *, data_bytes: int, count: int | None = None) -> bytes:
    """An archive of ``data_bytes`` zeros where photos would be, and a directory of ``entries``."""
    found = list(entries)
    directory = b"".join(found)
    claimed = min(0xFFFF, len(found)) if count is None else count
    end = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, claimed, claimed, len(directory), data_bytes, 0)
    return bytes(data_bytes) + directory + end


def with_zip64_end(data: bytes) -> bytes:
    """``data`` with the counts and offsets of its end record moved to a Zip64 one."""
    at = data.rindex(b"PK\5\6")
    _, _, _, here, count, length, offset, _ = struct.unpack_from("<4s4H2LH", data, at)
    end64 = struct.pack("<4sQ2H2L4Q", b"PK\6\6", 44, 45, 45, 0, 0, here, count, length, offset)
    locator = struct.pack("<4sLQL", b"PK\6\7", 0, at, 1)
    full = struct.pack("<4H2L", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF)
    return data[:at] + end64 + locator + data[at : at + 4] + full + data[at + 20 :]
