"""CPU time of each process of the path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from ops.services.stack import Stack
    from streamapp.members import Members


def cpu_seconds(stack: Stack, members: Members) -> dict[str, float]:
    """CPU seconds so far of each process, by its part in the path."""
    worker = psutil.Process(members.workers[0].daemon.pid)
    seconds = {f"CPU {name}": cpu_of(pid) for name, pid in stack.pids.items()}
    seconds["CPU uploader"] = cpu_of(members.uploader.daemon.pid)
    seconds["CPU worker parent"] = cpu_of(worker.pid)
    seconds["CPU worker children"] = sum(
        cpu_of(child.pid) for child in worker.children(recursive=True)
    )
    return seconds


def cpu_of(pid: int) -> float:
    """User and system seconds of a process, all its threads."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
