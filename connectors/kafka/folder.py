"""The folder of an embedded Kafka: its lock, its settings, its format.

``lock`` is held by the running broker, ``server.properties`` is written anew at each start,
``kafka.log`` tells of the last start, and ``log`` is Kafka's own: what survives.
"""

from __future__ import annotations

import fcntl
import secrets
import subprocess
from base64 import urlsafe_b64encode
from typing import IO, TYPE_CHECKING

from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

_FORMAT_LIMIT_S = 60
_TAIL_BYTES = 2000

# The path of `log.dirs` is relative to the broker's working directory: no path then has to be
# spelled in the Latin-1 of a properties file, and the folder may be moved.
# A broker that was killed is let in again only when its old session has ended: keep that short.
# The compactor's map lies in the small heap, and must hold the keys of any one segment.
_PROPERTIES = """\
process.roles=broker,controller
node.id=1
listeners={listeners},CONTROLLER://127.0.0.1:{controller_port}
advertised.listeners={advertised}
listener.security.protocol.map={protocols},CONTROLLER:PLAINTEXT
controller.listener.names=CONTROLLER
controller.quorum.voters=1@127.0.0.1:{controller_port}
log.dirs=log
auto.create.topics.enable=false
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
group.initial.rebalance.delay.ms=0
offsets.topic.num.partitions=1
offsets.topic.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.num.partitions=1
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
log.cleaner.dedupe.buffer.size=67108864
log.segment.bytes=134217728
"""


def lock(data: Path) -> IO[bytes]:
    """Take the folder's lock; it is held until every copy of the open file is closed.

    Raises:
        StreamappError: ``KAFKA_NOT_STARTED``: a broker runs on this folder.
    """
    data.mkdir(parents=True, exist_ok=True)
    file = (data / "lock").open("ab")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        file.close()
        detail = f"another one is running on {data}"
        raise StreamappError(Code.KAFKA_NOT_STARTED, detail) from None
    return file


def configure(data: Path, *, port: int, controller_port: int, proxied: Mapping[int, int]) -> None:
    """Write the settings of this start; ``proxied`` as `EmbeddedKafka` takes it."""
    # Each of these ports is a listener of its own, since a broker tells an address by listener.
    names = {"PLAINTEXT": (port, port)} | {
        f"PROXY{n}": ports for n, ports in enumerate(proxied.items())
    }
    text = _PROPERTIES.format(
        controller_port=controller_port,
        listeners=",".join(f"{name}://127.0.0.1:{at}" for name, (at, _) in names.items()),
        advertised=",".join(f"{name}://127.0.0.1:{told}" for name, (_, told) in names.items()),
        protocols=",".join(f"{name}:PLAINTEXT" for name in names),
    )
    (data / "server.properties").write_text(text)


def format_once(data: Path, java: Sequence[str]) -> None:
    """Give the folder its cluster id, unless it has one.

    Raises:
        StreamappError: ``KAFKA_NOT_STARTED``.
    """
    if (data / "log" / "meta.properties").exists():
        return
    command = [*java, "kafka.tools.StorageTool", "format", "--ignore-formatted"]
    command += ["--cluster-id", _cluster_id(), "--config", "server.properties"]
    with (data / "kafka.log").open("wb") as log:
        try:
            subprocess.run(  # noqa: S603 - the Java that `find_java` chose
                command,
                cwd=data,
                stdout=log,
                stderr=subprocess.STDOUT,
                timeout=_FORMAT_LIMIT_S,
                check=True,
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise not_started(data, "formatting failed") from error


def not_started(data: Path, why: str) -> StreamappError:
    """The error to raise, with the end of the log."""
    log = data / "kafka.log"
    tail = log.read_bytes()[-_TAIL_BYTES:].decode(errors="replace") if log.exists() else ""
    return StreamappError(Code.KAFKA_NOT_STARTED, f"{why}; the end of {log}:\n{tail}")


def _cluster_id() -> str:
    """16 random bytes as Kafka writes them; the first is 0, so that it never looks like ``-x``."""
    return urlsafe_b64encode(b"\0" + secrets.token_bytes(15)).decode().rstrip("=")
