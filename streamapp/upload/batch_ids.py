"""Ids of batches and uploads: 32 hexadecimal digits of a UUID (RFC 9562), not to be guessed.

Version 7, which sorts by time; or derived from the request that must not open two batches.
"""

from __future__ import annotations

import re

ENTROPY_BYTES = 10

ID_PATTERN = "[0-9a-f]{32}"


def batch_id(*, now_s: float, entropy: bytes) -> str:
    """The id of a batch.

    Args:
        now_s: Unix seconds; ids sort by their millisecond.
        entropy: `ENTROPY_BYTES` random bytes, 74 bits of which are used.
    """
    milliseconds = int(now_s * 1000) & (1 << 48) - 1
    random = int.from_bytes(entropy[:ENTROPY_BYTES], "big")
    high, low = random >> 62 & 0xFFF, random & (1 << 62) - 1
    return f"{milliseconds << 80 | 0x7 << 76 | high << 64 | 0b10 << 62 | low:032x}"


def batch_id_of_request(request: str) -> str:
    """The id of the batch that a request opens, the same however often it is sent.

    A version 8 UUID (RFC 9562: vendor's choice): 122 bits of ``request``, a hexadecimal digest.
    """
    digest = int(request[:32], 16)
    version_and_variant = 0xF << 76 | 0b11 << 62
    return f"{digest & ~version_and_variant | 0x8 << 76 | 0b10 << 62:032x}"


def is_batch_id(text: str) -> bool:
    """Whether ``text`` can be the id of a batch; nothing else is ever looked up."""
    return re.fullmatch(ID_PATTERN, text) is not None
