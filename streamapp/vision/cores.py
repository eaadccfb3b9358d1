"""How many cores this process may use: its affinity, and the quota of its control group."""

from __future__ import annotations

import math
import os
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")


def cores() -> int:
    """Cores this process may use, at least 1."""
    membership = Path("/proc/self/cgroup").read_text() if CGROUPS.is_dir() else ""
    quota = quota_cores(CGROUPS, membership)
    return max(1, math.ceil(min(len(os.sched_getaffinity(0)), quota)))


def quota_cores(root: Path, membership: str) -> float:
    """The tightest CPU quota, in cores, of the groups in ``membership`` and those above them.

    Args:
        root: Where the control groups are mounted, version 2 or 1.
        membership: The content of ``/proc/self/cgroup``.
    """
    quotas = [math.inf]
    for line in membership.splitlines():
        _, controllers, path = line.split(":", 2)
        if not controllers:
            quotas += [_version_2(group) for group in _upwards(root, path)]
        elif "cpu" in controllers.split(","):
            quotas += [_version_1(group) for group in _upwards(root / "cpu", path)]
    return min(quotas)


def _upwards(root: Path, path: str) -> list[Path]:
    group = root / path.lstrip("/")
    return [group, *(parent for parent in group.parents if parent.is_relative_to(root))]


def _version_2(group: Path) -> float:
    limit, period = (_read(group / "cpu.max") or "max 100000").split()
    return math.inf if limit == "max" else int(limit) / int(period)


def _version_1(group: Path) -> float:
    limit = int(_read(group / "cpu.cfs_quota_us") or -1)
    period = int(_read(group / "cpu.cfs_period_us") or 100_000)
    return math.inf if limit < 0 else limit / period


def _read(file: Path) -> str:
    return file.read_text().strip() if file.is_file() else ""
