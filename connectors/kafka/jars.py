"""The jars of Apache Kafka, fetched once into the user's cache folder.

The folder appears only when it is complete (a rename) and holds exactly the known bytes, so a
start that finds it fetches nothing and works offline. Processes that start at the same time wait
for the one that fetches. A failure leaves nothing behind and raises ``KAFKA_NOT_STARTED``.
"""

from __future__ import annotations

import fcntl
import os
import shutil
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from jgo.maven import MavenContext, PythonResolver

from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Iterator

KAFKA_VERSION = "4.3.1"

_COORDINATES = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
    "org.slf4j:slf4j-simple:1.7.36",  # the slf4j that Kafka 4.3 is built against
)
_DIGEST = "efe41fb9f452fc9bc8143568edd9ec598972f8155b188d268209b54a3d313b7f"
_REQUEST_LIMIT_S = 60


def jar_folder() -> Path:
    """The folder of the jars, complete.

    Raises:
        StreamappError: ``KAFKA_NOT_STARTED``: they are not here and cannot be fetched.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "streamapp"
    folder = cache / f"kafka-{KAFKA_VERSION}"
    if not folder.is_dir():
        cache.mkdir(parents=True, exist_ok=True)
        with _alone(cache / f"{folder.name}.lock"):
            if not folder.is_dir():
                _fetch(folder)
    return folder


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _fetch(folder: Path) -> None:
    with TemporaryDirectory(dir=folder.parent, prefix=f"{folder.name}-") as temporary:
        complete = Path(temporary, "jars")
        complete.mkdir()
        try:
            for jar in _download(Path(temporary, "repository")):
                shutil.move(jar, complete)
        except Exception as error:  # jgo names no errors of its own: whatever it is, no jars
            detail = f"fetching its jars failed: {error}"
            raise StreamappError(Code.KAFKA_NOT_STARTED, detail) from error
        if (digest := _digest(complete)) != _DIGEST:
            detail = f"the jars fetched are not the known ones: {digest}"
            raise StreamappError(Code.KAFKA_NOT_STARTED, detail)
        complete.rename(folder)


def _download(repository: Path) -> list[Path]:
    maven = MavenContext(resolver=PythonResolver(), repo_cache=repository, timeout=_REQUEST_LIMIT_S)
    wanted = [maven.create_dependency(coordinate) for coordinate in _COORDINATES]
    named, needed = maven.resolver.resolve(wanted)
    with ThreadPoolExecutor() as pool:
        return list(pool.map(lambda dependency: dependency.artifact.resolve(), named + needed))


def _digest(folder: Path) -> str:
    """One SHA-256 over all names and contents: jgo only warns when a checksum is wrong."""
    total = sha256()
    for jar in sorted(folder.iterdir()):
        total.update(jar.name.encode() + sha256(jar.read_bytes()).digest())
    return total.hexdigest()
