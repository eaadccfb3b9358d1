"""The peer of an upload: MinIO's own client, copying a file into the same store."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from ops.services.minio import mc_binary
from streamapp.wiring.stores import object_store

if TYPE_CHECKING:
    from streamapp.settings import Settings


class StoreCopy:
    """``mc cp`` into the bucket of ``settings``; a context manager with a home of its own."""

    def __init__(self, settings: Settings) -> None:
        url = urlsplit(settings.objects_url)
        secret = settings.objects_secret_key.get_secret_value()
        host = f"{url.scheme}://{settings.objects_access_key}:{secret}@{url.netloc}"
        self._bucket = f"bench{url.path}"
        self._store = object_store(settings)
        self._home = tempfile.TemporaryDirectory()
        self._command = [str(mc_binary()), "--quiet", "--config-dir", self._home.name]
        self._env = {**os.environ, "MC_HOST_bench": host}

    def __enter__(self) -> Self:
        """Nothing to start."""
        return self

    def __exit__(self, *_exception: object) -> None:
        """Remove the home."""
        self._home.cleanup()

    def copy(self, file: Path) -> float:
        """Copy a file and return the seconds it took."""
        target = f"{self._bucket}/copies/{file.name}"
        began = time.perf_counter()
        subprocess.run(
            [*self._command, "cp", str(file), target],
            env=self._env,
            check=True,
            capture_output=True,
        )
        return time.perf_counter() - began

    def empty(self) -> None:
        """Remove all objects."""
        for key in self._store.keys(""):
            self._store.delete(key)
