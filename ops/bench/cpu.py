"""CPU time of each process of the path."""

from __future__ import annotations

from typing import TYPE_CHECKING

import psutil

if TYPE_CHECKING:
    from ops.services.stack import Stack
    from streamapp.members import Members


def cpu_seconds(stack: Stack, members: Members) -> dict[str, float]:
    """CPU seconds so far of each process, by its part in the path; of all workers together."""
    workers = [psutil.Process(worker.daemon.pid) for worker in members.workers]
    seconds = {f"CPU {name}": cpu_of(pid) for name, pid in stack.pids.items()}
    seconds["CPU uploader"] = cpu_of(members.uploader.daemon.pid)
    seconds["CPU worker parent"] = sum(cpu_of(worker.pid) for worker in workers)
    seconds["CPU worker children"] = sum(
        cpu_of(child.pid) for worker in workers for child in worker.children(recursive=True)
    )
    return seconds


def cpu_of(pid: int) -> float:
    """User and system seconds of a process, all its threads."""
    times = psutil.Process(pid).cpu_times()
    return float(times.user + times.system)
