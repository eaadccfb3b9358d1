"""What the MinIO store adds to the contract: outages, leftovers, memory, addresses."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BytesIO
from typing import TYPE_CHECKING
from uuid import uuid4

import psutil
import pytest

from connectors.objects.minio import MinioStore
from ops.services.minio import MinioServer, minio_binary
from streamapp.errors import Code, StreamappError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from tests.fixtures_minio import MinioAccess

MIB = 1 << 20


@pytest.fixture
def server(tmp_path: Path) -> Iterator[MinioServer]:
    """A server of the test's own, to be stopped and killed."""
    with MinioServer(tmp_path / "server", minio_binary()) as running:
        yield running


def store_on(
    server: MinioServer | MinioAccess, bucket: str = "bucket", *, read_timeout_s: float = 30
) -> MinioStore:
    return MinioStore(
        endpoint=server.endpoint,
        access_key=server.access_key,
        secret_key=server.secret_key,
        bucket=bucket,
        read_timeout_s=read_timeout_s,
    )


def every_call(store: MinioStore) -> list[Callable[[], object]]:
    return [
        store.prepare,
        lambda: store.put("a", b"x", "image/jpeg"),
        lambda: store.put_stream("a", BytesIO(bytes(9 * MIB)), "application/zip"),
        lambda: store.read("a", 0, 1),
        lambda: store.size("a"),
        lambda: store.delete("a"),
        lambda: store.keys(""),
        lambda: store.put_new("a", b"x", "image/jpeg"),
        lambda: list(store.listing("", "a")),
        lambda: store.begin_parts("a", "application/zip"),
        lambda: store.drop_parts("a"),
    ]


def every_call_with_a_token(store: MinioStore) -> list[Callable[[], object]]:
    return [
        lambda: store.put_part("a", "token", 1, bytes(9 * MIB)),
        lambda: store.parts("a", "token"),
        lambda: store.join_parts("a", "token"),
    ]


def assert_away(call: Callable[[], object], within_s: float) -> str:
    started = time.monotonic()
    with pytest.raises(StreamappError) as caught:
        call()
    assert caught.value.code is Code.STORE_AWAY
    assert time.monotonic() - started < within_s
    return caught.value.detail


class Source:
    """16 MiB, then what ``then`` does, then 16 MiB more."""

    def __init__(self, then: Callable[[], object]) -> None:
        self._then = then
        self._given = 0

    def readinto(self, buffer: memoryview, /) -> int:
        if self._given == 16 * MIB:
            self._then()
        self._given += len(buffer)
        return len(buffer) if self._given <= 32 * MIB else 0


def fail() -> None:
    raise ConnectionResetError("the sender is gone")


def open_uploads(store: MinioStore, key: str) -> int:
    return len(store._client._list_multipart_uploads(store._bucket, prefix=key).uploads)


def test_nobody_listening_is_an_outage_at_once() -> None:
    nowhere = MinioStore(endpoint="127.0.0.1:1", access_key="a", secret_key="b", bucket="bucket")
    for call in every_call(nowhere) + every_call_with_a_token(nowhere):
        assert "Connection refused" in assert_away(call, within_s=3)


def test_a_hanging_server_is_an_outage_in_bounded_time(server: MinioServer) -> None:
    store_on(server).prepare()
    store = store_on(server, read_timeout_s=1)
    os.kill(server.pid, signal.SIGSTOP)
    while psutil.Process(server.pid).status() != psutil.STATUS_STOPPED:
        time.sleep(0.01)  # on a busy machine it may answer for a moment yet
    calls = every_call(store) + every_call_with_a_token(store)
    with ThreadPoolExecutor(len(calls)) as threads:
        assert len(list(threads.map(lambda call: assert_away(call, 15), calls))) == 14
    os.kill(server.pid, signal.SIGKILL)


@pytest.mark.parametrize("fault", [signal.SIGSTOP, signal.SIGKILL])
def test_a_server_lost_in_mid_stream_is_an_outage(server: MinioServer, fault: int) -> None:
    store_on(server).prepare()
    store = store_on(server, read_timeout_s=2)
    source = Source(lambda: os.kill(server.pid, fault))
    assert_away(lambda: store.put_stream("archive", source, "application/zip"), within_s=20)
    with suppress(ProcessLookupError):
        os.kill(server.pid, signal.SIGKILL)


def test_the_same_store_works_again_after_the_outage(server: MinioServer) -> None:
    store = store_on(server)
    store.prepare()
    store.put("a", b"before", "image/jpeg")
    os.kill(server.pid, signal.SIGKILL)
    assert_away(lambda: store.read("a", 0, 6), within_s=3)
    server.stop()
    server.start()
    assert store.read("a", 0, 6) == b"before"


def test_the_server_dies_with_its_parent(tmp_path: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from ops.services.minio import *\n"
        "server = MinioServer(Path(sys.argv[1]), minio_binary()); server.start()\n"
        "print(server.pid, flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", script, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as parent:
        assert parent.stdout is not None
        server = psutil.Process(int(parent.stdout.readline()))
        assert server.name() == "minio"
        parent.kill()
        server.wait(5)


def test_wrong_keys_are_told_to_the_person_on_call(minio: MinioAccess) -> None:
    bucket = f"test-{uuid4().hex}"
    store_on(minio, bucket).prepare()
    for wrong, told in (
        (minio._replace(access_key="nobody"), "InvalidAccessKeyId"),
        (minio._replace(secret_key=uuid4().hex), "SignatureDoesNotMatch"),
    ):
        store = store_on(wrong, bucket)
        details = [assert_away(call, within_s=3) for call in every_call(store)]
        assert told in details[1]
        assert all(bucket in detail for detail in details)
        assert not any(wrong.secret_key in detail for detail in details)


def test_a_missing_bucket_is_a_fault_of_the_store_not_of_the_object(minio: MinioAccess) -> None:
    store = store_on(minio, f"test-{uuid4().hex}")
    for call in every_call(store)[1:]:
        assert "NoSuchBucket" in assert_away(call, within_s=3)


def test_replicas_prepare_the_same_bucket_at_once(minio: MinioAccess) -> None:
    bucket = f"test-{uuid4().hex}"
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda _: store_on(minio, bucket).prepare(), range(8)))
    assert store_on(minio, bucket).keys("") == []


def test_no_upload_stays_open_when_the_source_fails(minio_store: MinioStore) -> None:
    seen: list[int] = []

    def look_and_fail() -> None:
        seen.append(open_uploads(minio_store, "archive"))
        fail()

    threads = threading.active_count()
    with pytest.raises(ConnectionResetError):
        minio_store.put_stream("archive", Source(look_and_fail), "application/zip")
    assert seen == [1]
    assert open_uploads(minio_store, "archive") == 0
    assert threading.active_count() == threads


def test_calls_one_after_the_other_share_one_connection(
    minio: MinioAccess, minio_store: MinioStore
) -> None:
    minio_store.put("a", b"0123456789", "image/jpeg")

    def ports() -> set[int]:
        port = int(minio.endpoint.rpartition(":")[2])
        connections = psutil.Process().net_connections("tcp")
        return {one.laddr.port for one in connections if one.raddr and one.raddr.port == port}

    before = ports()
    for _ in range(20):
        assert minio_store.read("a", 8, 10) == b"89"
        assert minio_store.read("a", 10, 10) == b""
        with pytest.raises(StreamappError):
            minio_store.read("b", 0, 10)
    assert ports() <= before


def test_the_content_type_is_kept(minio_store: MinioStore) -> None:
    minio_store.put("crop", b"x", "image/jpeg")
    minio_store.put_stream("archive", BytesIO(bytes(9 * MIB)), "application/zip")
    stat = minio_store._client.stat_object
    assert stat(minio_store._bucket, "crop").content_type == "image/jpeg"
    assert stat(minio_store._bucket, "archive").content_type == "application/zip"


def test_the_address_is_that_of_the_bucket_or_the_public_one(minio: MinioAccess) -> None:
    inside = MinioStore(**minio._asdict(), bucket="faces")
    outside = MinioStore(**minio._asdict(), bucket="faces", public_url="https://cdn.example/faces/")
    assert inside.url("crops/b 1/1.jpg") == f"http://{minio.endpoint}/faces/crops/b%201/1.jpg"
    assert outside.url("crops/b/1.jpg") == "https://cdn.example/faces/crops/b/1.jpg"


STREAM_200_MIB = """
import sys, resource
from connectors.objects.minio import MinioStore

class Source:
    left = 200 << 20
    def readinto(self, buffer):
        size = min(len(buffer), self.left); self.left -= size
        buffer[:size] = bytes([self.left % 251]) * size
        return size

store = MinioStore(endpoint=sys.argv[1], access_key=sys.argv[2], secret_key=sys.argv[3],
                   bucket=sys.argv[4])
store.put("warm", b"up", "text/plain")
def peak_mib():
    status = open("/proc/self/status").read()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024
before = peak_mib()
assert store.put_stream("archive", Source(), "application/zip") == 200 << 20
print(peak_mib() - before)
"""


def test_a_long_stream_is_held_in_a_few_parts(minio: MinioAccess, minio_store: MinioStore) -> None:
    grown = subprocess.run(
        [sys.executable, "-c", STREAM_200_MIB, *minio, minio_store._bucket],
        check=True,
        capture_output=True,
        text=True,
    )
    assert int(grown.stdout) < 48
    assert minio_store.size("archive") == 200 * MIB
