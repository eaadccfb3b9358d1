"""The progress of a batch: its log, folded into sets of photo indexes, never counters.

Pure, idempotent and order-free: any repetition and any order of the same events gives the same
sets, so replay and redelivery change nothing. A photo that a run completed once stays completed in
it; its outcome is that of the last run which finished it; a checkpoint never goes back; of several
priorities the one that was set last counts. What is not needed any more is forgotten by rules that
hold for what is told again, too.
"""

from __future__ import annotations

from streamapp.progress.ends import End, ends
from streamapp.progress.fold import fold
from streamapp.progress.load import Figures, GroupLoad, WorkerLoad, figures
from streamapp.progress.runs import (
    bytes_max,
    done,
    failed,
    finished,
    has_ended,
    is_complete,
    is_settled,
    is_swept,
    open_runs,
    over,
    photos_of,
    told_until,
    unswept,
)
from streamapp.progress.state import (
    Part,
    Progress,
    Run,
    decode,
    duplicates_of,
    encode,
    indexes_of,
    read,
    serialized,
)
from streamapp.progress.status import (
    ENDED,
    Answer,
    BatchState,
    Counts,
    RunStatus,
    Status,
    joined,
    status,
)

__all__ = [
    "ENDED",
    "Answer",
    "BatchState",
    "Counts",
    "End",
    "Figures",
    "GroupLoad",
    "Part",
    "Progress",
    "Run",
    "RunStatus",
    "Status",
    "WorkerLoad",
    "bytes_max",
    "decode",
    "done",
    "duplicates_of",
    "encode",
    "ends",
    "failed",
    "figures",
    "finished",
    "fold",
    "has_ended",
    "indexes_of",
    "is_complete",
    "is_settled",
    "is_swept",
    "joined",
    "open_runs",
    "over",
    "photos_of",
    "read",
    "serialized",
    "status",
    "told_until",
    "unswept",
]
