"""The command ``streamapp replay`` beside an installation, and what it must leave as it was."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING, Any, NamedTuple

from streamapp.settings import environment

if TYPE_CHECKING:
    from tests.e2e.installation import Installation

PATIENCE_S = 120.0


class Said(NamedTuple):
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict[str, Any]]:
        """What it said as JSON lines."""
        return [json.loads(line) for line in self.out.splitlines()]


def command(installation: Installation, *arguments: object) -> subprocess.Popen[str]:
    """``streamapp replay``, started."""
    workers = ",".join(worker.url for worker in installation.members.workers)
    return subprocess.Popen(
        [sys.executable, "-m", "streamapp", "replay", *map(str, arguments)],
        env=environment(installation.settings) | {"WORKERS_URL": workers},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def said(process: subprocess.Popen[str]) -> Said:
    """What a command said, once it has ended."""
    out, err = process.communicate(timeout=PATIENCE_S)
    return Said(process.returncode, out, err)


def replay(installation: Installation, *arguments: object) -> Said:
    """The command, from its start to its end."""
    return said(command(installation, *arguments))
