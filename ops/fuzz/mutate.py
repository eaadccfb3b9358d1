"""Ways to damage a file, each drawn from a random generator: the same seed, the same damage."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from random import Random

PNG = b"\x89PNG\r\n\x1a\n"

HEADER_BYTES = 256
"""Where most formats keep sizes, counts and offsets."""

INTERESTING = (0x00, 0x01, 0x7F, 0x80, 0xFF)
"""Bytes that make a number absurd."""


def mutated(random: Random, file: bytes, other: bytes) -> bytes:
    """The file, damaged in one to three of the ways; ``other`` is a stranger to splice in."""
    for _ in range(random.choice((1, 1, 1, 2, 3))):
        file = random.choice(_WAYS)(random, file, other) or b"\0"
    return with_right_sums(file) if file.startswith(PNG) and random.random() < 0.8 else file


def with_right_sums(png: bytes) -> bytes:
    """The PNG with the checksum of every chunk made right, so that its damage is looked at."""
    mended, at = bytearray(png), len(PNG)
    while at + 8 < len(png):
        end = at + 8 + int.from_bytes(png[at : at + 4])
        mended[end : end + 4] = zlib.crc32(png[at + 4 : end]).to_bytes(4)[: max(0, len(png) - end)]
        at = end + 4
    return bytes(mended)


def _bits(random: Random, file: bytes, _other: bytes) -> bytes:
    changed = bytearray(file)
    for _ in range(random.choice((1, 2, 8, 64))):
        changed[random.randrange(len(changed))] ^= 1 << random.randrange(8)
    return bytes(changed)


def _header(random: Random, file: bytes, _other: bytes) -> bytes:
    changed = bytearray(file)
    for _ in range(random.choice((1, 2, 4))):
        at = random.randrange(min(len(changed), HEADER_BYTES))
        width = random.choice((1, 2, 4))
        changed[at : at + width] = bytes([random.choice(INTERESTING)]) * width
    return bytes(changed)


def _truncation(random: Random, file: bytes, _other: bytes) -> bytes:
    return file[: random.randrange(len(file))]


def _hole(random: Random, file: bytes, _other: bytes) -> bytes:
    start, end = sorted(random.randrange(len(file)) for _ in range(2))
    return file[:start] + file[end:]


def _repetition(random: Random, file: bytes, _other: bytes) -> bytes:
    start = random.randrange(len(file))
    piece = file[start : start + random.choice((4, 64, 4096))]
    return file[:start] + piece * random.choice((1, 2, 16)) + file[start:]


def _filling(random: Random, file: bytes, _other: bytes) -> bytes:
    start, length = random.randrange(len(file)), random.choice((4, 64, 4096))
    filling = bytes([random.choice(INTERESTING)]) * len(file[start : start + length])
    return file[:start] + filling + file[start + length :]


def _splice(random: Random, file: bytes, other: bytes) -> bytes:
    return file[: random.randrange(len(file))] + other[random.randrange(len(other)) :]


_WAYS: tuple[Callable[[Random, bytes, bytes], bytes], ...] = (
    _bits,
    _header,
    _truncation,
    _hole,
    _repetition,
    _filling,
    _splice,
)
