"""A results page: what was measured, on which machine, of which commit, by which command."""

from __future__ import annotations

import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Page:
    """Markdown that is printed as it grows and may be saved in the end."""

    def __init__(self, title: str, command: str) -> None:
        self._lines: list[str] = []
        self.line(f"# {title}")
        self.line("")
        self.line(f"- command: `{command}`")
        self.line(f"- commit: {commit()}")
        self.line(f"- machine: {machine()}")
        self.line(f"- date: {datetime.now(UTC):%Y-%m-%d}")
        self.line("")

    def line(self, text: str) -> None:
        """Add a line."""
        print(text, flush=True)
        self._lines.append(text)

    def table(self, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Add a table; the first column is text, the others are figures."""
        self.line("| " + " | ".join(head) + " |")
        self.line("| --- |" + " ---: |" * (len(head) - 1))
        for row in rows:
            self.line("| " + " | ".join(row) + " |")
        self.line("")

    def save(self, path: Path) -> None:
        """Write the page to a file."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join(self._lines).rstrip() + "\n")


def commit() -> str:
    """The commit that was measured, marked when the tree differs from it but for the results."""
    name = _git("describe", "--always", "--abbrev=12")
    changed = _git("status", "--porcelain", "--", ".", ":!ops/bench/results")
    return f"{name or 'unknown'}{'-dirty' if changed else ''}"


def _git(*arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def machine() -> str:
    """Processor, cores, memory and Python."""
    memory_gib = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = len(os.sched_getaffinity(0))
    return f"{_processor()}, {cores} cores, {memory_gib:.0f} GiB, Python {sys.version.split()[0]}"


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()
