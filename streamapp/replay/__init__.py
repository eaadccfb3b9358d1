"""Reprocess: batches that have ended are done again, in a run of their own.

`choice` finds the batches, `candidate` looks whether one may be replayed and what of it, `start`
begins its run. What a run then does is the stream's.
"""

from __future__ import annotations

from streamapp.replay.candidate import Candidate, Candidates
from streamapp.replay.choice import Choice, Project, Since, SinceOffset, These
from streamapp.replay.interfaces import BatchLog, ProgressTable
from streamapp.replay.start import Begun, Starts, Wish

__all__ = [
    "BatchLog",
    "Begun",
    "Candidate",
    "Candidates",
    "Choice",
    "ProgressTable",
    "Project",
    "Since",
    "SinceOffset",
    "Starts",
    "These",
    "Wish",
]
