"""What the kernel says of a process."""

from __future__ import annotations

from pathlib import Path

KIB_PER_MIB = 1024


def peak_mib(pid: int) -> float:
    """The largest resident memory of a process so far, in MiB."""
    return _number(Path(f"/proc/{pid}/status"), "VmHWM:") / KIB_PER_MIB


def written_bytes(pid: int) -> int:
    """What a process has caused to be written to disks so far."""
    return _number(Path(f"/proc/{pid}/io"), "write_bytes:")


def _number(file: Path, name: str) -> int:
    for line in file.read_text().splitlines():
        if line.startswith(name):
            return int(line.split()[1])
    raise LookupError(f"{name} is not in {file}")
