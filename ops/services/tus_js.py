"""The reference client of tus in JavaScript, for tests: npm's ``tus-js-client``, to run in Node.

It is installed once into the user's cache folder.
"""

from __future__ import annotations

import fcntl
import os
import subprocess
from pathlib import Path

TUS_JS_CLIENT = "tus-js-client@4.3.1"
INSTALLED_WITHIN_S = 120


def tus_js_modules() -> Path:
    """The folder for ``NODE_PATH``; whoever comes while it is being filled waits for it.

    Raises:
        RuntimeError: npm is missing or could not install it; with what it said.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = cache / "streamapp" / "npm" / TUS_JS_CLIENT
    folder.mkdir(parents=True, exist_ok=True)
    done = folder / "installed"
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not done.exists():
            _install(folder)
            done.touch()
    return folder / "node_modules"


def _install(folder: Path) -> None:
    command = ["npm", "install", "--no-audit", "--no-fund", "--prefix", str(folder), TUS_JS_CLIENT]
    try:
        subprocess.run(
            command, check=True, capture_output=True, text=True, timeout=INSTALLED_WITHIN_S
        )
    except (OSError, subprocess.SubprocessError) as error:
        said = getattr(error, "stderr", None) or error
        raise RuntimeError(f"{TUS_JS_CLIENT} could not be installed: {said}") from error


if __name__ == "__main__":
    print(tus_js_modules())
