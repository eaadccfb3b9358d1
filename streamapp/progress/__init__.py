"""The progress of a batch: its log, folded into sets of photo indexes, never counters.

Pure, idempotent and order-free: any repetition and any order of the same events gives the same
sets, so replay and redelivery change nothing. A photo that was completed once stays completed; a
checkpoint never goes back; of several priorities the one that was set last counts. What is not
needed any more is forgotten by rules that hold for what is told again, too.
"""

from __future__ import annotations

from streamapp.progress.fold import fold
from streamapp.progress.state import (
    Part,
    Progress,
    decode,
    duplicates_of,
    encode,
    indexes_of,
    is_settled,
    serialized,
)
from streamapp.progress.status import ENDED, Answer, BatchState, Counts, Status, joined, status

__all__ = [
    "ENDED",
    "Answer",
    "BatchState",
    "Counts",
    "Part",
    "Progress",
    "Status",
    "decode",
    "duplicates_of",
    "encode",
    "fold",
    "indexes_of",
    "is_settled",
    "joined",
    "serialized",
    "status",
]
